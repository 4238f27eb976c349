"""Reads one whole file: which entries are sessions, and every occurrence of them inside a window.

A broken entry is set aside with its place and never costs the rest. Only BadPayload leaves here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from integrations.ical.component import Component, read_component
from integrations.ical.depth import shows_from
from integrations.ical.mapping import Facts, Origin, read_facts, to_event
from integrations.ical.recurrence import BadRule, Budget, TooMuch
from integrations.ical.scan import Block, Feed, add_families, line_number, open_feed, own_uid, pick_blocks
from integrations.ical.series import (
    Family,
    Occurrence,
    Override,
    Series,
    lone_occurrence,
    overlaps,
    read_override,
    sort_family,
)
from integrations.ical.times import BadTime
from integrations.ical.zones import Zone
from integrations.identity import lineage_of
from tracker.errors import BadPayload
from tracker.events import CalendarEvent, SetAside, TagRule, Window
from tracker.tags import TagRules

# What all rules of a file may look at, in days: enough for any person's, over in a few seconds. Reading a
# century takes more than reading a year.
SERIES_DAYS, FEED_DAYS, FEED_DAYS_PER_DAY = 300_000, 1_000_000, 50
MOST_EVENTS = 200_000
NO_END = "its END:VEVENT is missing"
TOO_MUCH = "its recurrence rule asks for more than a calendar of meetings can hold"
UNFORESEEN = "it could not be understood"
NO_DATE = "it holds a date that is out of range"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file held: events in the order of the file, what was set aside, how many entries there were.

    `shows_from` is from when on it shows what there was; None: all of the past.
    """

    events: tuple[CalendarEvent, ...]
    set_aside: tuple[SetAside, ...]
    looked_at: int
    shows_from: datetime | None = None


def read_feed(data: bytes, window: Window, rules: TagRules, zone: Zone) -> Reading:
    """Return the sessions in `data`. Raises BadPayload where it is no whole calendar."""
    feed = open_feed(data, zone)
    reader = _Reader(data, feed, window, rules)
    for uid, places in add_families(feed, pick_blocks(feed, rules)).items():
        reader.read_or_set_aside(uid, places)
    depth = shows_from(feed, window.end)
    return Reading(tuple(reader.events), tuple(reader.set_aside), len(feed.blocks), depth)


class _Reader:
    def __init__(self, data: bytes, feed: Feed, window: Window, rules: TagRules) -> None:
        self.data = data
        self.feed = feed
        self.window = window
        self.rules = rules
        self.days_left = FEED_DAYS + FEED_DAYS_PER_DAY * (window.end - window.start).days
        self.events: list[CalendarEvent] = []
        self.set_aside: list[SetAside] = []
        self._without_uid: set[str] = set()

    def read_or_set_aside(self, uid: str, places: list[int]) -> None:
        """Read all entries of one UID. What nobody thought of costs these entries and no others."""
        try:
            self.read_family(uid, places)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            self._put_aside(self.feed.blocks[places[0]], UNFORESEEN)

    def read_family(self, uid: str, places: list[int]) -> None:
        """Read all entries of one UID."""
        components = [self._component(n) for n in places]
        facts = {c.order: read_facts(c, self.rules) for c in components}
        whole = [c for c in components if c.block.closed]
        family = sort_family(whole)
        tags = _Tags(family, facts, self.rules)
        for c in components:
            if not c.block.closed and tags.keeps(c):
                self._put_aside(c.block, NO_END)
        if not any(tags.keeps(c) for c in whole):
            return
        uid = self._name(components[0]) if uid.startswith("\0") else uid
        for occurrence in self._occurrences(family, tags):
            if tags.keeps(occurrence.component):
                self._keep(occurrence, uid, tags)

    def _component(self, place: int) -> Component:
        block = self.feed.blocks[place]
        return read_component(block, place, self.feed.lines_of(block))

    def _keep(self, occurrence: Occurrence, uid: str, tags: "_Tags") -> None:
        if len(self.events) >= MOST_EVENTS:
            raise BadPayload("This calendar holds more occurrences than one person's can.", code="too_large")
        facts = tags.facts[occurrence.component.order]
        self.events.append(to_event(occurrence, facts, tags.origin(occurrence, uid)))

    def _occurrences(self, family: Family, tags: "_Tags") -> list[Occurrence]:
        series = self._series(family, tags)
        lone: list[Override] = []
        for c in family.overrides:
            try:
                override = read_override(c)
                if series:
                    series.add(override)
                else:
                    lone.append(override)
            except BadTime as e:
                self._refuse(c, tags, str(e))
        found = list(self._lone(lone))
        if series:
            found += self._expanded(series, tags)
        return found

    def _lone(self, overrides: list[Override]) -> Iterator[Occurrence]:
        newest: dict[object, Override] = {}
        for override in sorted(overrides, key=lambda o: o.component.rank):
            newest[override.slot.moment] = override
        for override in newest.values():
            try:
                occurrence = lone_occurrence(override)
                if overlaps(self.window, occurrence):
                    yield occurrence
            except OverflowError:
                self._put_aside(override.component.block, NO_DATE)

    def _series(self, family: Family, tags: "_Tags") -> Series | None:
        if family.master is None:
            return None
        try:
            return Series(family.master, family, self.window)
        except BadTime as e:
            self._refuse(family.master, tags, str(e))
            return None

    def _expanded(self, series: Series, tags: "_Tags") -> list[Occurrence]:
        if self.days_left <= 0:
            raise BadPayload("The recurrence rules of this calendar ask for too much work.", code="too_large")
        given = min(SERIES_DAYS, self.days_left)
        series.budget = Budget(given)
        try:
            return list(series.occurrences())
        except BadRule as e:
            return self._without_rule(series, tags, str(e))
        except TooMuch:
            return self._without_rule(series, tags, TOO_MUCH)
        except OverflowError:
            return self._without_rule(series, tags, NO_DATE)
        finally:
            self.days_left -= given - max(0, series.budget.days)

    def _without_rule(self, series: Series, tags: "_Tags", issue: str) -> list[Occurrence]:
        self._refuse(series.master, tags, issue)
        return list(self._lone(list(series.overrides.values())))

    def _refuse(self, component: Component, tags: "_Tags", issue: str) -> None:
        # What is not a session is nobody's business, broken or not.
        if tags.keeps(component):
            self._put_aside(component.block, issue)

    def _put_aside(self, block: Block, issue: str) -> None:
        place = f"line {line_number(self.data, self.feed, block)}"
        self.set_aside.append(SetAside(place, issue, lineage_of(own_uid(self.feed, block)) or None))

    def _name(self, component: Component) -> str:
        """Return a UID for an entry without one: the same as long as the entry is."""
        names = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "SUMMARY")
        text = "\0".join(component.value(n) for n in names)
        number = 0
        while True:
            uid = f"no-uid-{sha256(f'{text}{number or str()}'.encode()).hexdigest()[:24]}"
            if uid not in self._without_uid:
                self._without_uid.add(uid)
                return uid
            number += 1


class _Tags:
    """Why the entries of one family count. What holds for the series holds for its overrides."""

    def __init__(self, family: Family, facts: dict[int, Facts], rules: TagRules) -> None:
        self.facts = facts
        self.rules = rules
        self.master = facts[family.master.order] if family.master else None
        self.found = {order: rules.match(f.entry) for order, f in facts.items()}
        self.of_series = self.found[family.master.order] if family.master else None

    def keeps(self, component: Component) -> bool:
        """Tell whether an entry is a session, or is to be shown although it is none."""
        return self._rule(component) is not None or self.rules.keep_untagged

    def origin(self, occurrence: Occurrence, uid: str) -> Origin:
        """Return what the occurrence takes from its series."""
        own = self.facts[occurrence.component.order].entry.reference
        reference = own or (self.master.entry.reference if self.master else None)
        signed = reference if reference and self.rules.is_ours(reference) else None
        return Origin(uid, self.master, self._rule(occurrence.component), signed, self.rules.owner)

    def _rule(self, component: Component) -> TagRule | None:
        return self.found[component.order] or self.of_series
