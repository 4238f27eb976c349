"""Reads one Outlook calendar: what its window shows and what changes there, series by their occurrences.

Untagged entries are dropped as they arrive; of out-of-office ones the days are kept, where the rules allow
it. An entry that carries the tag is a session however its owner shows the time. Nothing is kept between two
readings but the cursor; a reading that breaks off has changed nothing, and the next one asks the same
question again. The window is part of the question: as it moves on, all is read anew, and what the new window
does not show is not thereby called off.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo

import msgspec

from integrations.outlook.away import days_away, is_out
from integrations.outlook.client import Line
from integrations.outlook.cursor import LOOK_AGAIN, Cursor, question_of, read_cursor
from integrations.outlook.listing import Listing
from integrations.outlook.mapping import (
    Reader,
    Unreadable,
    as_occurrence,
    find_zone,
    is_mine,
    lineage_for,
    slot_of,
    slots_called_off,
    span_of,
)
from integrations.outlook.payload import Item, read_item
from tracker.errors import BadPayload
from tracker.events import (
    AwayNotice,
    CalendarEvent,
    EventStatus,
    Moment,
    Pull,
    PullKind,
    SetAside,
    TagRule,
    Window,
)
from tracker.observing import instant_of
from tracker.tags import TagRules, nobody_signed

MOST_EVENTS = 200_000
NOT_AN_EVENT = "it is not an event as Microsoft 365 describes them"
OUT_OF_RANGE = "it holds a date that is out of range"


@dataclass(frozen=True, slots=True)
class OutlookSource:
    """The calendar of `account`, read over `line`; `timezone` is its owner's."""

    line: Line
    account: str
    timezone: str = "UTC"

    def pull(self, cursor: str | None, window: Window, rules: TagRules) -> Pull:
        """Return UNCHANGED, DELTA since `cursor`, or FULL.

        Raises SyncTokenExpired where Microsoft forgot the cursor (pull without it), else ConnectorError.
        """
        question = question_of(window, rules)
        known = read_cursor(cursor)
        reader = Reader(self.account, rules)
        zone, listing = find_zone(self.timezone) or UTC, Listing(self.line)
        if known is not None and known.question == question:
            return _Reading(known, listing, reader, window, zone).changes()
        return _Reading(Cursor(question), listing, reader, window, zone).everything()


@dataclass(slots=True)
class _Reading:
    """One reading: what came, and what it means against what was known."""

    known: Cursor
    listing: Listing
    reader: Reader
    window: Window
    zone: tzinfo
    looked_at: int = 0
    entries: dict[str, Item] = field(default_factory=dict)  # single events, by id
    masters: dict[str, Item] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)  # series that are nobody's business
    parts: dict[str, dict[str, Item]] = field(default_factory=lambda: defaultdict(dict))  # by series
    left: set[str] = field(default_factory=set)  # known ids that the view does not show any more
    singles: set[str] = field(default_factory=set)
    series: dict[str, dict[str, str]] = field(default_factory=dict)
    events: dict[str, CalendarEvent] = field(default_factory=dict)
    absences: dict[str, AwayNotice] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    set_aside: list[SetAside] = field(default_factory=list)

    def everything(self) -> Pull:
        """Read all that the window shows."""
        for content in self.listing.everything(self.window):
            self._sort(content)
        self._settle_singles()
        self._settle_all_series({**self.masters, **self.parts}, lists=False)
        return self._pull(PullKind.FULL, quiet=0)

    def changes(self) -> Pull:
        """Read what changed since the cursor."""
        self.singles = set(self.known.singles)
        self.series = {name: dict(ids) for name, ids in self.known.series.items()}
        for content in self.listing.changes(self.known.link):
            self._sort(content)
        self._settle_singles()
        quiet = (self.known.quiet + 1) % LOOK_AGAIN
        rest = self._series_that_lost() if quiet else list(self.series)
        self._settle_all_series(dict.fromkeys([*self.masters, *self.parts, *rest]), lists=True)
        is_news = self.events or self.absences or self.removed or self.vanished or self.set_aside
        return self._pull(PullKind.DELTA if is_news else PullKind.UNCHANGED, quiet=quiet)

    def _pull(self, kind: PullKind, *, quiet: int) -> Pull:
        shown = self.events.keys() | self.absences.keys()
        is_delta = kind is PullKind.DELTA
        cursor = msgspec.structs.replace(
            self.known,
            link=self.listing.delta_link,
            singles=tuple(sorted(self.singles)),
            series=dict(sorted(self.series.items())),
            quiet=quiet,
        )
        return Pull(
            kind=kind,
            window=self.window,
            cursor=cursor.write(),
            events=tuple(self.events.values()),
            removed=tuple(sorted(self.removed - shown)) if is_delta else (),
            vanished=tuple(sorted(self.vanished - self.removed - shown)) if is_delta else (),
            set_aside=tuple(self.set_aside),
            looked_at=self.looked_at + len({*self.passed, *self.masters, *self.parts}),
            absences=tuple(self.absences.values()),
        )

    # What arrives

    def _sort(self, content: msgspec.Raw) -> None:
        """Keep an entry that is a session, was one, or may be part of one; drop all others at once."""
        item = read_item(content)
        if item is None:
            self.looked_at += 1
            self.set_aside.append(SetAside(f"entry {self.looked_at}", NOT_AN_EVENT))
        elif item.removed is not None:
            self.left.add(item.id)
        elif item.is_series:
            self._sort_series(item)
        elif item.series_master_id is not None:
            if item.series_master_id not in self.passed or self._counts(item):
                self.parts[item.series_master_id][item.id] = item
        else:
            self.looked_at += 1
            if item.id in self.singles or item.id in self.series or self._counts(item):
                self.entries[item.id] = item

    def _sort_series(self, item: Item) -> None:
        if item.id in self.series or item.id in self.singles or self._counts(item):
            self.masters[item.id] = item
            self.passed.discard(item.id)
            return
        self.passed.add(item.id)
        self.masters.pop(item.id, None)
        # Its occurrences may have come before it. An exception may count by itself.
        mine = {name: part for name, part in self.parts.pop(item.id, {}).items() if self._counts(part)}
        if mine:
            self.parts[item.id] = mine

    def _series_that_lost(self) -> Iterator[str]:
        for name, ids in self.series.items():
            if name in self.left or not self.left.isdisjoint(ids):
                yield name

    # Single events

    def _settle_singles(self) -> None:
        # What came both as there and as gone is asked for: answers may be repeated, in any order.
        gone = self.left & (self.singles | self.entries.keys())
        found = self.listing.get_many(gone) if gone else {}
        for name, item in found.items():
            if item is None:
                self.removed.add(name)
                self.singles.discard(name)
                self.entries.pop(name, None)
            elif item.is_series:
                self.masters.setdefault(name, item)
            elif name not in self.entries and not item.is_cancelled and self._is_inside(item):
                # It exists, and belongs into the window, which does not show it: it lies in another folder.
                self._forget_single(name)
            else:
                self.entries[name] = item
        for item in self._with_marks(self.entries):
            self.vanished |= self.series.pop(item.id, {}).keys()
            self._settle_single(item)

    def _with_marks(self, entries: dict[str, Item]) -> Iterator[Item]:
        """Yield the entries with what Cadencia left on them, which a view does not tell."""
        asks = self.reader.rules.is_ours is not nobody_signed
        found = self.listing.get_many(entries) if asks and entries else {}
        for name, item in entries.items():
            whole = found.get(name)
            yield item if whole is None or whole.is_series else whole

    def _settle_single(self, item: Item) -> None:
        if self._counts(item) and self._keep(item, self._rule(item)) is not None:
            self.singles.add(item.id)
        elif item.id not in self.unread:
            self._forget_single(item.id)

    def _forget_single(self, name: str) -> None:
        if name in self.singles:
            self.singles.discard(name)
            self.vanished.add(name)

    # Series

    def _settle_all_series(self, touched: Iterable[str], *, lists: bool) -> None:
        wanted = [name for name in touched if self._may_count(name)]
        found = self.listing.get_many(wanted) if wanted else {}
        for name, series in found.items():
            self._forget_single(name)
            if series is None:
                self.removed |= self.series.pop(name, {}).keys()
                continue
            if self._counts(series) or name in self.series or self._counts_in_part(name):
                self._settle_series(series, self._rule(series), lists=lists)

    def _may_count(self, name: str) -> bool:
        """Tell whether a series has to be looked at: unless it is known to be nobody's business."""
        return name not in self.passed or name in self.series or self._counts_in_part(name)

    def _counts_in_part(self, name: str) -> bool:
        return any(part.is_exception and self._counts(part) for part in self.parts.get(name, {}).values())

    def _settle_series(self, series: Item, rule: TagRule | None, *, lists: bool) -> None:
        before = self.series.pop(series.id, {})
        told = self._whole(self.parts.get(series.id, {}))
        listed = self._list(series.id) if lists else told
        if not series.is_cancelled and not self._is_on_calendar(series, listed):
            self.vanished |= before.keys()
            return
        parts = [*self._unlisted(told, listed), *listed.values()]
        parts += self._moved_out(before.keys() - listed.keys() - told.keys())
        kept = {part.id: self._keep_part(part, rule, series) for part in parts}
        shown = {name: slot for name, slot in kept.items() if slot is not None}
        shown |= {name: before[name] for name in self.unread & before.keys()}
        shown |= self._call_off(before, shown, series, rule)
        self.vanished |= before.keys() - shown.keys()
        standing = {
            n: slot for n, slot in shown.items() if n not in self.events or not _is_off(self.events[n])
        }
        if standing or self._counts(series):
            self.series[series.id] = standing

    def _whole(self, told: dict[str, Item]) -> dict[str, Item]:
        """Return the parts of a series, exceptions asked for that came as bare as other occurrences do."""
        bare = [name for name, part in told.items() if part.is_exception and part.original_start is None]
        found = self.listing.get_many(bare) if bare else {}
        return {name: part for name, item in told.items() if (part := found.get(name, item)) is not None}

    def _list(self, series_id: str) -> dict[str, Item]:
        listed = {}
        for content in self.listing.instances(series_id, self.window):
            item = read_item(content)
            if item is None:
                self.set_aside.append(SetAside(f"event {series_id}", NOT_AN_EVENT))
            else:
                listed[item.id] = item
        return listed

    def _unlisted(self, told: dict[str, Item], listed: dict[str, Item]) -> Iterator[Item]:
        for name, part in told.items():
            # A bare occurrence that is not listed is an old page's; nothing but the list tells what stands.
            if name not in listed and part.is_exception and (part.is_cancelled or not self._is_inside(part)):
                yield part

    def _moved_out(self, missing: set[str]) -> Iterator[Item]:
        """Yield the known occurrences that the view lost and that stand somewhere else."""
        lost = missing & self.left
        for item in (self.listing.get_many(lost) if lost else {}).values():
            if item is not None and (item.is_cancelled or not self._is_inside(item)):
                yield item

    def _is_on_calendar(self, series: Item, listed: dict[str, Item]) -> bool:
        """Tell whether a series that the view lost is still shown: a deleted one may live on in a folder."""
        if series.id not in self.left and self.left.isdisjoint(listed):
            return True
        for item in listed.values():
            if (span := _span(item)) is not None:
                return self.listing.shows(item.id, *span)
        return True

    def _call_off(
        self, before: dict[str, str], shown: dict[str, str], series: Item, rule: TagRule | None
    ) -> dict[str, str]:
        """Add the occurrences of which nothing is left but that they were called off; return their slots."""
        off: dict[str, Moment] = {}
        if rule is None and series.show_as == "oof":
            return {}  # whoever is not away any more called no session off
        if series.is_cancelled:
            off = {name: _read_slot(slot) for name, slot in before.items() if name not in shown}
        elif is_mine(series) and self._keeps(rule):
            # On a guest's calendar a slot that is left out is the guest's own doing, and tells of no meeting.
            standing = set(shown.values())
            told = _slots_called_off(series).items()
            off = {n: s for n, s in told if s.isoformat() not in standing and self._holds(s)}
        added = [self._cancel(name, slot, series, rule) for name, slot in off.items()]
        return {e.provider_event_id: _slot_text(e) for e in added if e is not None}

    def _cancel(self, name: str, slot: Moment, series: Item, rule: TagRule | None) -> CalendarEvent | None:
        try:
            return self._add(self.reader.to_cancelled(name, slot, series, rule))
        except (Unreadable, OverflowError):
            return None

    def _is_inside(self, item: Item) -> bool:
        span = _span(item)
        return span is not None and span[0] < self.window.end and max(span) > self.window.start

    def _holds(self, slot: Moment) -> bool:
        return self.window.start <= instant_of(slot) < self.window.end

    # Events

    def _rule(self, item: Item) -> TagRule | None:
        return self.reader.find_rule(item)

    def _keeps(self, rule: TagRule | None) -> bool:
        return rule is not None or self.reader.rules.keep_untagged

    def _is_away(self, item: Item) -> bool:
        return self.reader.rules.keeps_absences and is_out(item) and self._rule(item) is None

    def _counts(self, item: Item) -> bool:
        return self._keeps(self._rule(item)) or self._is_away(item)

    def _keep_part(self, part: Item, series_rule: TagRule | None, series: Item) -> str | None:
        rule = (self._rule(part) if part.is_exception else None) or series_rule
        is_kept = self._keeps(rule) or self._is_away(part if part.is_exception else series)
        return self._keep(part, rule, series) if is_kept else None

    def _keep(self, item: Item, rule: TagRule | None, series: Item | None = None) -> str | None:
        """Keep a session, or the days of an absence; return its slot, None where nothing of it is kept."""
        try:
            if self._keeps(rule):
                return _slot_text(self._add(self.reader.to_event(item, rule, series)))
            return self._note(as_occurrence(item, series) if series and not item.is_exception else item)
        except (Unreadable, OverflowError) as error:
            issue = str(error) if isinstance(error, Unreadable) else OUT_OF_RANGE
            self.set_aside.append(SetAside(f"event {item.id}", issue, lineage_for(series or item)))
            self.unread.add(item.id)
            return None

    def _note(self, item: Item) -> str | None:
        days = days_away(item, self.zone)
        if days is None:
            return None
        self.absences[item.id] = AwayNotice(item.id, *days)
        return slot_of(item).isoformat()

    def _add(self, event: CalendarEvent) -> CalendarEvent:
        if len(self.events) >= MOST_EVENTS:
            raise BadPayload("This calendar holds more occurrences than one person's can.", code="too_large")
        self.events[event.provider_event_id] = event
        return event


def _span(item: Item) -> tuple[datetime, datetime] | None:
    try:
        start, end = span_of(item)
        return instant_of(start), instant_of(end)
    except (Unreadable, OverflowError):
        return None


def _slots_called_off(series: Item) -> dict[str, Moment]:
    try:
        return slots_called_off(series)
    except (Unreadable, OverflowError):
        return {}


def _slot_text(event: CalendarEvent) -> str:
    return (event.original_start or event.start).isoformat()


def _read_slot(text: str) -> Moment:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _is_off(event: CalendarEvent) -> bool:
    return event.status is EventStatus.CANCELLED
