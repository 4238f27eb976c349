"""From the entries of one UID to its occurrences inside a window (RFC 5545, 3.8.4.4 and 3.8.5).

An occurrence that its calendar takes back is kept as a cancelled one; a slot has one occurrence, never two.
It never looks further than the window, and counts what it does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from integrations.ical.component import Component, Times, midnight, read_times
from integrations.ical.recurrence import BadRule, Budget, Expansion, TooMuch, parse_rule
from integrations.ical.times import BadTime, Span, Stamp, parse_list, parse_stamp
from tracker.events import EventKind, Moment, Window

MOST_OCCURRENCES = 50_000
_FIRST, _LAST = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - wall time
_MARGIN = timedelta(days=2)  # no zone is further from another
_BAD_DATE = "one of its excluded or added dates could not be read"
Key = Moment


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence: who describes it, when it is, and which slot of the series it fills."""

    component: Component
    kind: EventKind
    start: Stamp
    end: Moment
    slot: Stamp | None = None
    slot_end: Moment | None = None
    cancelled: bool = False
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """An entry with RECURRENCE-ID: the slot that it names and its times."""

    component: Component
    times: Times
    slot: Stamp
    to_future: bool = False


@dataclass(slots=True)
class Family:
    """All entries of one UID that count: the newest master and the newest override of each slot."""

    master: Component | None
    overrides: list[Component] = field(default_factory=list)
    called_off: bool = False


def sort_family(components: list[Component]) -> Family:
    """Return master and overrides. A METHOD:CANCEL without the series' rule takes the rule from before."""
    masters = sorted((c for c in components if not c.is_override), key=lambda c: c.rank)
    overrides = [c for c in components if c.is_override]
    if not masters:
        return Family(None, overrides)
    newest = masters[-1]
    earlier = [c for c in masters if c.block.section.method != "CANCEL"]
    if newest.block.section.method == "CANCEL" and not newest.first("RRULE") and earlier:
        return Family(earlier[-1], overrides, called_off=True)
    return Family(newest, overrides, called_off=newest.is_cancelled)


class Series:
    """A master with its rules and overrides, read for one window. Raises BadTime when built."""

    def __init__(self, master: Component, family: Family, window: Window) -> None:
        self.family = family
        self.master = master
        self.window = window
        self.budget = Budget(0)
        self.times = read_times(self.master)
        self.issues: list[str] = [self.times.issue] if self.times.issue else []
        self.overrides: dict[Key, Override] = {}
        self.future: list[Override] = []
        self.lengths: dict[Key, Span] = {}
        self.shift = timedelta(0)

    @property
    def is_single(self) -> bool:
        """Whether the entry stands for itself alone."""
        return not (self.family.overrides or self.master.first("RRULE") or self.master.first("RDATE"))

    def add(self, override: Override) -> None:
        """Take one override in; the newest of a slot counts."""
        key = self.key_of(override.slot)
        known = self.overrides.get(key)
        if known is None or known.component.rank < override.component.rank:
            self.overrides[key] = override

    def key_of(self, slot: Stamp) -> Key:
        """Return what identifies a slot of this series, however RECURRENCE-ID or EXDATE writes it."""
        return self._as_slot(slot).moment

    def _date_of(self, stamp: Stamp) -> date:
        # In a series of whole days a time at midnight was written for the date, whatever its zone.
        at_midnight = stamp.local == midnight(stamp.local.date())
        return stamp.local.date() if at_midnight else stamp.in_zone(self.times.start.zone).date()

    def occurrences(self) -> Iterator[Occurrence]:
        """Yield every occurrence whose slot or present time lies in the window."""
        self._prepare_future()
        slots = self._slots()
        self._settle_dates(slots)
        gone = self._excluded()
        for key, slot in sorted(slots.items(), key=lambda item: item[1].local):
            if self._is_excluded(key, slot, gone):
                # Not an exception that somebody made: on a guest's copy it may be the guest's own doing.
                yield from self._inside(self._plain(slot, EventKind.OCCURRENCE, by_exdate=True))
            elif override := self.overrides.get(key):
                yield from self._inside(self._changed(override, slot))
            elif leader := self._leader(slot):
                yield from self._inside(self._shifted(leader, slot))
            else:
                yield from self._inside(self._plain(slot, self._kind))
        for key, override in self.overrides.items():
            if (
                key not in slots
                and not self._is_excluded(key, override.slot, gone)
                and not self._is_stale(override)
            ):
                yield from self._inside(self._changed(override, self._as_slot(override.slot)))

    @property
    def _kind(self) -> EventKind:
        return EventKind.SINGLE if self.is_single else EventKind.OCCURRENCE

    def _as_slot(self, slot: Stamp) -> Stamp:
        """Return a slot that the rules do not give as one of the kind of the series."""
        start = self.times.start
        if start.all_day:
            return start.at(midnight(self._date_of(slot)))
        local = (
            datetime.combine(slot.local.date(), start.local.time())
            if slot.all_day
            else slot.in_zone(start.zone)
        )
        return start.at(local)

    def _settle_dates(self, slots: dict[Key, Stamp]) -> None:
        """Give overrides that name a mere date the slot of that date, whatever its time of day."""
        for key, override in list(self.overrides.items()):
            if override.slot.all_day and not self.times.start.all_day and key not in slots:
                day = override.slot.local.date()
                on_day = (k for k, s in slots.items() if s.local.date() == day and k not in self.overrides)
                if (free := next(on_day, None)) is not None:
                    self.overrides[free] = self.overrides.pop(key)

    # Which slots there are

    def _slots(self) -> dict[Key, Stamp]:
        start = self.times.start
        reach = max(
            [self.times.span.longest, *(o.times.span.longest for o in self.future)], default=timedelta(0)
        )
        low = _shift(self.window.start.replace(tzinfo=None), -(reach + self.shift + _MARGIN))
        high = _shift(self.window.end.replace(tzinfo=None), self.shift + _MARGIN)
        slots: dict[Key, Stamp] = {}
        for local in self._wall_times("RRULE", low, high):
            self._put(slots, start.at(local))
        for found in parse_list(self.master.all("RDATE"), self.master.zones):
            self._add_date(slots, found, low, high)
        return slots

    def _wall_times(self, name: str, low: datetime, high: datetime) -> Iterator[datetime]:
        first = self.times.start.local
        rules = [p for p in self.master.all(name) if p.value.strip()]
        if not rules and name == "RRULE" and low <= first <= high:
            yield first
        for p in rules:
            rule = parse_rule(p.value)
            until = self._last_time(rule.until)
            yield from Expansion(rule, first, self.budget, strict=name == "EXRULE").between(low, high, until)

    def _put(self, slots: dict[Key, Stamp], slot: Stamp) -> None:
        slots.setdefault(slot.moment, slot)
        if len(slots) > MOST_OCCURRENCES:
            raise TooMuch

    def _add_date(
        self, slots: dict[Key, Stamp], found: tuple[Stamp, Span | None] | None, low: datetime, high: datetime
    ) -> None:
        if found is None:
            self.issues.append(_BAD_DATE)
            return
        start, (stamp, span) = self.times.start, found
        slot = self._as_slot(stamp)
        if span is not None and not start.all_day:
            self.lengths[slot.moment] = span
        if low <= _shift(slot.local, span.longest if span else timedelta(0)) and slot.local <= high:
            self._put(slots, slot)

    def _last_time(self, until: str | None) -> datetime | None:
        """Return UNTIL on the wall clock of the series. A date keeps its whole day."""
        if until is None:
            return None
        start = self.times.start
        try:
            stamp = parse_stamp(until, {}, self.master.zones)
        except BadTime:
            raise BadRule("its recurrence rule has an UNTIL that cannot be read") from None
        if stamp.all_day:
            return stamp.local + timedelta(days=1, microseconds=-1)
        return midnight(self._date_of(stamp)) if start.all_day else stamp.in_zone(start.zone)

    # Which are taken back

    def _excluded(self) -> tuple[set[Key], set[datetime]]:
        """Return the instants (or dates) and the whole days that EXDATE and EXRULE name."""
        keys: set[Key] = set()
        days: set[datetime] = set()
        for found in parse_list(self.master.all("EXDATE"), self.master.zones):
            if found is None:
                self.issues.append(_BAD_DATE)
            elif found[0].all_day:
                days.add(found[0].local)
            else:
                keys.add(self.key_of(found[0]))
        if self.master.first("EXRULE"):
            low, high = self.window.start.replace(tzinfo=None), self.window.end.replace(tzinfo=None)
            low, high = _shift(low, -_MARGIN - self.times.span.longest), _shift(high, _MARGIN)
            keys |= {self.times.start.at(t).moment for t in self._wall_times("EXRULE", low, high)}
        return keys, days

    def _is_excluded(self, key: Key, slot: Stamp, gone: tuple[set[Key], set[datetime]]) -> bool:
        return key in gone[0] or midnight(slot.in_zone(self.times.start.zone).date()) in gone[1]

    def _is_stale(self, override: Override) -> bool:
        """Tell whether an override outside the series is the leftover of an earlier version of it."""
        c = override.component
        return c.first("RRULE") is not None and (c.sequence or 0) < (self.master.sequence or 0)

    # What each of them is

    def _prepare_future(self) -> None:
        self.future = sorted(
            (o for o in self.overrides.values() if o.to_future), key=lambda o: o.slot.instant
        )
        self.shift = max((abs(self._delta(o)) for o in self.future), default=timedelta(0))

    def _leader(self, slot: Stamp) -> Override | None:
        """Return the last "this and future" override before `slot`."""
        earlier = [o for o in self.future if o.slot.instant <= slot.instant]
        return earlier[-1] if earlier else None

    def _delta(self, leader: Override) -> timedelta:
        zone = self.times.start.zone
        return leader.times.start.in_zone(zone) - leader.slot.in_zone(zone)

    def _plain(self, slot: Stamp, kind: EventKind, *, by_exdate: bool = False) -> Occurrence:
        end, gone = self._slot_end(slot), by_exdate or self.family.called_off
        issues = tuple(self.issues)
        if self.is_single:
            return Occurrence(self.master, EventKind.SINGLE, slot, end, cancelled=gone, issues=issues)
        return Occurrence(self.master, kind, slot, end, slot, end, gone, issues)

    def _slot_end(self, slot: Stamp) -> Moment:
        return self.lengths.get(slot.moment, self.times.span).end_of(slot)

    def _changed(self, override: Override, slot: Stamp) -> Occurrence:
        c, times = override.component, override.times
        called_off = self.family.called_off and (c.sequence or 0) <= (self.master.sequence or 0)
        return Occurrence(
            c, EventKind.EXCEPTION, times.start, times.span.end_of(times.start), slot, self._slot_end(slot),
            c.is_cancelled or called_off, issues=(times.issue,) if times.issue else (),
        )  # fmt: skip

    def _shifted(self, leader: Override, slot: Stamp) -> Occurrence:
        start = slot.at(slot.local + self._delta(leader))
        span = leader.times.span
        return Occurrence(
            leader.component, EventKind.EXCEPTION, start, span.end_of(start), slot, self._slot_end(slot),
            leader.component.is_cancelled or self.family.called_off,
        )  # fmt: skip

    def _inside(self, occurrence: Occurrence) -> Iterator[Occurrence]:
        if overlaps(self.window, occurrence):
            yield occurrence


def lone_occurrence(override: Override) -> Occurrence:
    """Return an override whose series is not in the calendar: an invitation to one occurrence, say."""
    c, times = override.component, override.times
    end = times.span.end_of(times.start)
    slot_end = times.span.end_of(override.slot) if override.slot.all_day == times.start.all_day else None
    issues = (times.issue,) if times.issue else ()
    return Occurrence(
        c, EventKind.EXCEPTION, times.start, end, override.slot, slot_end, c.is_cancelled, issues=issues
    )


def read_override(component: Component) -> Override:
    """Return an override with its slot and times. Raises BadTime."""
    named = component.first("RECURRENCE-ID")
    if named is None:
        raise BadTime("it names no slot")
    slot = parse_stamp(named.value, named.params, component.zones)
    times = read_times(component)
    to_future = (
        named.params.get("RANGE", "").upper() == "THISANDFUTURE" and slot.all_day == times.start.all_day
    )
    return Override(component, times, slot, to_future)


def overlaps(window: Window, occurrence: Occurrence) -> bool:
    """Tell whether the present time or the slot of an occurrence touches the window."""
    if _touches(window, occurrence.start, occurrence.end):
        return True
    slot, end = occurrence.slot, occurrence.slot_end
    return slot is not None and _touches(window, slot, slot.moment if end is None else end)


def _touches(window: Window, start: Stamp, end: Moment) -> bool:
    begins = start.instant
    ends = end if isinstance(end, datetime) else Stamp(midnight(end), start.zone, all_day=True).instant
    return begins < window.end and (ends > window.start or (begins == ends and begins >= window.start))


def _shift(local: datetime, by: timedelta) -> datetime:
    try:
        return local + by
    except OverflowError:
        return _FIRST if by < timedelta(0) else _LAST
