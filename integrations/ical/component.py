"""One VEVENT with its times understood: what the series and the mapping work on.

It never guesses a start. Texts that are not kept (title, place, description) live here only until the entry
has been judged.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from integrations.ical.lines import Property, parse_line
from integrations.ical.scan import Block
from integrations.ical.times import LONGEST, BadTime, Span, Stamp, parse_instant, parse_span, parse_stamp
from integrations.ical.zones import UTC_ZONE, Zones

ENDS_FIRST = "it ends before it starts; only its start was taken"
# Messages about a meeting rather than the meeting; they count where nothing else is known.
_ASIDE_METHODS = frozenset({"REPLY", "COUNTER", "REFRESH", "DECLINECOUNTER", "ADD"})
_WANTED = frozenset({
    "ATTENDEE", "CATEGORIES", "CONFERENCE", "CREATED", "DESCRIPTION", "DTEND", "DTSTAMP", "DTSTART",
    "DURATION", "EXDATE", "EXRULE",
    "LAST-MODIFIED", "LOCATION", "ORGANIZER", "RDATE", "RECURRENCE-ID", "RRULE", "SEQUENCE",
    "STATUS", "SUMMARY", "TRANSP", "UID", "URL", "X-CADENCIA", "X-GOOGLE-CONFERENCE",
    "X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-ONLINEMEETINGEXTERNALLINK", "X-MICROSOFT-SKYPETEAMSMEETINGURL",
})  # fmt: skip
Rank = tuple[bool, int, float, float, int]


@dataclass(slots=True)
class Component:
    """The properties of one VEVENT, and where it stands."""

    block: Block
    order: int
    properties: dict[str, list[Property]]

    def all(self, name: str) -> list[Property]:
        """Return every property of that name."""
        return self.properties.get(name, [])

    def first(self, name: str) -> Property | None:
        """Return the first property of that name that holds anything."""
        return next((p for p in self.all(name) if p.value.strip()), None)

    def value(self, name: str) -> str:
        """Return the first value of that name, or nothing."""
        found = self.first(name)
        return found.value.strip() if found else ""

    def text(self, name: str) -> str:
        """Return the first text of that name without escapes, or nothing."""
        found = self.first(name)
        return found.text.strip() if found else ""

    @property
    def uid(self) -> str:
        """The UID as written, or nothing."""
        return self.text("UID")

    @property
    def zones(self) -> Zones:
        """The zones that this entry may name."""
        return self.block.section.zones or Zones({}, UTC_ZONE)

    @property
    def is_override(self) -> bool:
        """Whether it speaks of one slot of a series."""
        return self.first("RECURRENCE-ID") is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether it says that the meeting does not take place."""
        method = self.block.section.method
        return method == "CANCEL" or self.value("STATUS").upper() in ("CANCELLED", "CANCELED")

    @property
    def sequence(self) -> int | None:
        """The revision number, where there is a real one."""
        value = self.value("SEQUENCE")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None

    @property
    def rank(self) -> Rank:
        """What makes one description of the same thing newer than another."""
        stamps = [parse_instant(self.value(n)) for n in ("DTSTAMP", "LAST-MODIFIED")]
        sent, changed = (s.timestamp() if s else 0.0 for s in stamps)
        is_event = self.block.section.method not in _ASIDE_METHODS
        return is_event, self.sequence or 0, sent, changed, self.order


def read_component(block: Block, order: int, lines: Iterable[bytes]) -> Component:
    """Return the entry whose logical lines are given; lines that are none are left out."""
    properties: dict[str, list[Property]] = {}
    for line in lines:
        p = parse_line(line)
        if p is not None and p.name in _WANTED:
            properties.setdefault(p.name, []).append(p)
    return Component(block, order, properties)


@dataclass(frozen=True, slots=True)
class Times:
    """When an entry is: its start, how long it lasts, and what was odd about that."""

    start: Stamp
    span: Span
    issue: str | None = None


def read_times(component: Component) -> Times:
    """Return start and length of an entry. Raises BadTime where it has none that can be understood."""
    begin = component.first("DTSTART")
    if begin is None:
        raise BadTime("it has no start")
    start = parse_stamp(begin.value, begin.params, component.zones)
    if end := component.first("DTEND"):
        return _until(start, parse_stamp(end.value, end.params, component.zones))
    if duration := component.value("DURATION"):
        return _lasting(start, parse_span(duration))
    return Times(start, Span(days=1) if start.all_day else Span())


def _until(start: Stamp, end: Stamp) -> Times:
    if start.all_day:
        return _until_day(start, end)
    length = end.instant - start.instant
    if end.all_day:
        length = end.local - start.local
    if length < timedelta(0):
        return Times(start, Span(), ENDS_FIRST)
    if length > LONGEST:
        raise BadTime("it lasts longer than ten years")
    return Times(start, Span(exact=length))


def _until_day(start: Stamp, end: Stamp) -> Times:
    # An all-day entry that ends at a time of day lasts through that day; at midnight it ended before it.
    days = -((start.local - end.local) // timedelta(days=1))
    if days < 0:
        return Times(start, Span(days=1), ENDS_FIRST)
    if days > LONGEST.days:
        raise BadTime("it lasts longer than ten years")
    return Times(start, Span(days=max(1, days)))


def _lasting(start: Stamp, span: Span) -> Times:
    if span.longest < timedelta(0):
        return Times(start, Span(days=1) if start.all_day else Span(), ENDS_FIRST)
    if start.all_day:
        return Times(start, Span(days=max(1, -(-span.longest // timedelta(days=1)))))
    return Times(start, span)


def midnight(day: date) -> datetime:
    """Return the wall time at which `day` begins."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time
