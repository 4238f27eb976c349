"""Reads one Google calendar: its entries by sync token, and the instances of the series that are sessions.

Untagged entries are dropped as they arrive; of an absence nothing is kept but its days, and those only where
the rules allow it. Nothing is kept between two readings but the cursor; a reading that breaks off has changed
nothing, and the next one asks the same question again.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import msgspec

from integrations.google.client import GoogleApi, Line
from integrations.google.cursor import Cursor, pack_ids, question_of, read_cursor
from integrations.google.listing import Listing
from integrations.google.mapping import Reader, Unreadable
from integrations.google.payload import Item, event_types, read_item
from tracker.errors import BadPayload, ConnectorError
from tracker.events import AwayNotice, CalendarEvent, Moment, Pull, PullKind, SetAside, TagRule, Window
from tracker.tags import TagRules

MOST_EVENTS = 200_000
PRIMARY = "primary"
Kept = CalendarEvent | AwayNotice
NOT_AN_EVENT = "it is not an event as Google describes them"


@dataclass(frozen=True, slots=True)
class GoogleSource:
    """The calendar of `account`, read over `line`, which acts for its owner."""

    api: GoogleApi
    line: Line
    account: str

    def pull(self, cursor: str | None, window: Window, rules: TagRules) -> Pull:
        """Return UNCHANGED, DELTA since `cursor`, or FULL.

        Raises SyncTokenExpired where Google forgot the cursor (pull again without one), else ConnectorError.
        """
        question = question_of(window, rules)
        known = read_cursor(cursor)
        if known is not None and known.question == question:
            return self._reading(known, window, rules).changes()
        try:
            return self._reading(Cursor(question, self.account), window, rules).everything()
        except ConnectorError as error:
            if error.code != "not_found":
                raise
        # An alias names the account, but not its calendar.
        return self._reading(Cursor(question, PRIMARY), window, rules).everything()

    def _reading(self, known: Cursor, window: Window, rules: TagRules) -> "_Reading":
        listing = Listing(self.api, self.line, known.calendar, event_types(rules))
        return _Reading(known, listing, Reader(self.account, rules), window)


@dataclass(slots=True)
class _Reading:
    """One reading: what came, and what it means against what was known."""

    known: Cursor
    listing: Listing
    reader: Reader
    window: Window
    looked_at: int = 0
    entries: dict[str, Item] = field(default_factory=dict)  # series and single events, by id
    exceptions: dict[str, dict[str, Item]] = field(default_factory=lambda: defaultdict(dict))  # by series
    kept: dict[str, Kept] = field(default_factory=dict)
    singles: set[str] = field(default_factory=set)
    series: dict[str, set[str]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)
    set_aside: list[SetAside] = field(default_factory=list)

    def everything(self) -> Pull:
        """Read the whole calendar."""
        for content in self.listing.all_since(self.window):
            self._sort(content)
        self._settle()
        return self._pull(PullKind.FULL)

    def changes(self) -> Pull:
        """Read what changed since the cursor."""
        self.singles = set(self.known.singles)
        self.series = {series: self.known.instances_of(series) for series in self.known.series}
        for content in self.listing.changes(self.known.token):
            self._sort(content)
        self._settle()
        is_news = self.kept or self.removed or self.vanished or self.set_aside
        return self._pull(PullKind.DELTA if is_news else PullKind.UNCHANGED)

    def _pull(self, kind: PullKind) -> Pull:
        kept, shown = self.kept.values(), self.kept.keys()
        is_delta = kind is PullKind.DELTA
        return Pull(
            kind=kind,
            window=self.window,
            cursor=self._cursor(),
            events=tuple(one for one in kept if isinstance(one, CalendarEvent)),
            removed=tuple(sorted(self.removed - shown)) if is_delta else (),
            vanished=tuple(sorted(self.vanished - self.removed - shown)) if is_delta else (),
            set_aside=tuple(self.set_aside),
            looked_at=self.looked_at,
            absences=tuple(one for one in kept if isinstance(one, AwayNotice)),
        )

    def _cursor(self) -> str:
        series = {name: pack_ids(name, ids) for name, ids in sorted(self.series.items())}
        return msgspec.structs.replace(
            self.known, token=self.listing.sync_token, singles=tuple(sorted(self.singles)), series=series
        ).write()

    # What arrives

    def _sort(self, content: msgspec.Raw) -> None:
        """Keep an entry that is a session, or was one; drop all others at once."""
        self.looked_at += 1
        item = read_item(content)
        if item is None:
            self.set_aside.append(SetAside(f"entry {self.looked_at}", NOT_AN_EVENT))
        elif item.recurring_event_id is not None:
            if item.recurring_event_id in self.series or self._keeps(item, self._rule(item)):
                self.exceptions[item.recurring_event_id][item.id] = item
        elif item.id in self.singles or item.id in self.series or self._keeps(item, self._rule(item)):
            self.entries[item.id] = item

    def _rule(self, item: Item, series: TagRule | None = None) -> TagRule | None:
        return self.reader.find_rule(item) or series

    def _keeps(self, item: Item, rule: TagRule | None) -> bool:
        return rule is not None or self.reader.rules.keep_untagged or self._tells_absence(item)

    def _tells_absence(self, item: Item) -> bool:
        return item.is_away and self.reader.rules.keeps_absences

    def _keep(self, item: Item, rule: TagRule | None, series: Item | None = None) -> Kept | None:
        if len(self.kept) >= MOST_EVENTS:
            raise BadPayload("This calendar holds more occurrences than one person's can.", code="too_large")
        kept: Kept | None
        try:
            if self._tells_absence(item):
                kept = self.reader.to_absence(item, self.listing.time_zone)
            else:
                kept = self.reader.to_event(item, rule, series)
        except (Unreadable, OverflowError) as error:
            issue = str(error) if isinstance(error, Unreadable) else "it holds a date that is out of range"
            self.set_aside.append(SetAside(f"event {item.id}", issue))
            return None
        if kept is not None:
            self.kept[item.id] = kept
        else:
            self._forget_single(item.id)  # an absence that fills no day any more
        return kept

    # What it means

    def _settle(self) -> None:
        masters = {}
        for item in self.entries.values():
            if item.is_cancelled:
                self._settle_deleted(item)
            elif item.recurrence:
                masters[item.id] = item
                self._forget_single(item.id)
            else:
                self.vanished |= self.series.pop(item.id, set())
                self._settle_single(item)
        for series_id in {**masters, **self.exceptions}:
            self._settle_series(series_id, masters.get(series_id) or self.listing.get(series_id))

    def _settle_deleted(self, item: Item) -> None:
        self.removed |= self.series.pop(item.id, set())
        is_known = item.id in self.singles
        if item.recurrence or item.start is None or item.is_away or (is_known and not self._is_ours(item)):
            # All that is known, or matters, is that it is gone. A guest who takes the meeting off the own
            # calendar leaves more behind than that, but says no more by it.
            if is_known:
                self.removed.add(item.id)
                self.singles.discard(item.id)
        else:
            self._settle_single(item)

    def _settle_single(self, item: Item) -> None:
        rule = self._rule(item)
        if not self._keeps(item, rule):
            self._forget_single(item.id)
            return
        kept = self._keep(item, rule)
        if kept is None:
            return
        if item.id in self.singles or _is_inside(self.window, kept):
            self.singles.add(item.id)
        else:
            del self.kept[item.id]

    def _settle_series(self, series_id: str, master: Item | None) -> None:
        if master is not None and master.is_cancelled:
            self.removed |= self.series.pop(series_id, set())
            return
        before = self.series.get(series_id, set())
        rule = self._rule(master) if master else None
        changed = self.exceptions.get(series_id, {})
        shown = self._list_instances(master, rule) if master else set()
        # Beyond the window, and in a series that was never on this calendar, only the change itself tells.
        rest = before - shown if master else before | changed.keys()
        for item in (changed[name] for name in sorted(rest & changed.keys())):
            if self._keep_instance(item, rule, master):
                shown.add(item.id)
        if master is None:
            shown |= before - self.removed
        self.vanished |= before - shown
        self.series.pop(series_id, None)
        if shown or rule is not None:
            self.series[series_id] = shown

    def _list_instances(self, master: Item, rule: TagRule | None) -> set[str]:
        shown = set()
        for content in self.listing.instances(master.id, self.window):
            item = read_item(content)
            if item is None:
                self.set_aside.append(SetAside(f"event {master.id}", NOT_AN_EVENT))
            elif self._keep_instance(item, rule, master):
                shown.add(item.id)
        return shown

    def _keep_instance(self, item: Item, series_rule: TagRule | None, master: Item | None) -> bool:
        rule = self._rule(item, series_rule)
        if item.is_cancelled and (rule is None or (master is None and item.start is None)):
            # Nothing but its ids is left, and what it was we know only if we knew it before.
            if item.id in self.series.get(item.recurring_event_id or "", ()):
                self.removed.add(item.id)
            return False
        return self._keeps(item, rule) and self._keep(item, rule, master) is not None

    def _forget_single(self, item_id: str) -> None:
        if item_id in self.singles:
            self.singles.discard(item_id)
            self.vanished.add(item_id)

    def _is_ours(self, item: Item) -> bool:
        return item.organizer is not None and item.organizer.is_self


def _is_inside(window: Window, kept: Kept) -> bool:
    if isinstance(kept, AwayNotice):
        start, end = _instant(kept.first), _instant(kept.last + timedelta(days=1))
    else:
        start, end = _instant(kept.start), _instant(kept.end)
    return start < window.end and max(end, start) >= window.start


def _instant(moment: Moment) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, UTC)
