"""From an event of the Calendar API to a CalendarEvent.

Title and people are looked at here for the last time: nothing that leaves holds them. A cancelled
instance may consist of three ids; what it does not tell is its series'.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import structs

from integrations.conference import find_conference
from integrations.google.payload import ConferenceData, Item, Time
from integrations.identity import lineage_of, read_stamp, version_of
from tracker.events import (
    Attendee,
    AwayNotice,
    CalendarEvent,
    Conference,
    CopyRole,
    EventClass,
    EventKind,
    EventStatus,
    Moment,
    Response,
    TagRule,
    ZoneQuality,
)
from tracker.references import reference_in
from tracker.tags import Entry, TagRules, normal_address

REFERENCE = "cadencia"
# Whoever is away for all of these is away for the day.
CORE_HOURS = (time(10), time(16))
_ANSWERS = {
    "accepted": Response.ACCEPTED,
    "declined": Response.DECLINED,
    "tentative": Response.TENTATIVE,
}
_STATES = {"tentative": EventStatus.TENTATIVE, "cancelled": EventStatus.CANCELLED}


class Unreadable(ValueError):
    """An event whose times make no sense; the text says what is wrong and holds nothing of the entry."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose calendar is read, and what is kept of it. `account` is the calendar's own address."""

    account: str
    rules: TagRules

    def find_rule(self, item: Item) -> TagRule | None:
        """Return why the event counts, None where it is nobody's business."""
        # An absence is no session, whoever is on it and whatever it is called.
        rule = None if item.is_away else self.rules.match(self._entry(item))
        # With part of the guests hidden, nobody can tell that it is a meeting of two.
        return None if rule is TagRule.SUGGESTED and not _is_complete(item) else rule

    def to_event(self, item: Item, rule: TagRule | None, series: Item | None = None) -> CalendarEvent:
        """Return the event that an item is; an instance takes from its series what it does not tell.

        Raises Unreadable.
        """
        item = _filled(item, series) if series and item.is_cancelled else item
        slot = _moment(item.original_start_time) if item.recurring_event_id else None
        start, end = _span(item, series)
        event = CalendarEvent(
            provider_event_id=item.id,
            uid=item.ical_uid,
            lineage=lineage_of(item.ical_uid or item.recurring_event_id or item.id),
            kind=_kind_of(item, series, is_mine=self._is_mine(item)),
            start=start,
            end=end,
            status=_STATES.get(item.status, EventStatus.CONFIRMED),
            version="",
            series_id=item.recurring_event_id,
            original_start=slot,
            original_end=_end_of_slot(slot, series or item),
            zone=item.start.time_zone if item.start else None,
            zone_quality=_zone_quality(item.start),
            copy_role=CopyRole.ORGANISER if self._is_mine(item) else CopyRole.ATTENDEE,
            organiser=self._organiser(item),
            attendees=tuple(self._attendees(item)),
            attendees_complete=_is_complete(item),
            created_at=read_stamp((series or item).created),
            updated_at=read_stamp(item.updated),
            sequence=item.sequence,
            tag_rule=rule,
            session_ref=self._reference(item),
            event_class=_class_of(item),
            conference=_conference_of(item),
        )
        return replace(event, version=version_of(event))

    def to_absence(self, item: Item, time_zone: str | None) -> AwayNotice | None:
        """Return the days on which the owner is away, on the calendar's own clock; None where there are none.

        Raises Unreadable.
        """
        start, end = _span(item)
        zone = _zone(time_zone) or _zone(item.start.time_zone if item.start else None) or ZoneInfo("UTC")
        first, last = _first_day(start, zone), _last_day(end, zone)
        return AwayNotice(item.id, first, last) if first <= last else None

    def _entry(self, item: Item) -> Entry:
        people = {address for address, _ in self._answers(item)} | {self._organiser(item) or ""}
        return Entry(
            title=item.summary,
            addresses=frozenset(people - {""}),
            reference=_reference_of(item),
        )

    def _answers(self, item: Item) -> Iterator[tuple[str, str]]:
        for attendee in item.attendees:
            address = self._own(normal_address(attendee.email or ""), is_self=attendee.is_self)
            if address and (not attendee.resource or address in self.rules.program_addresses):
                yield address, attendee.response_status

    def _attendees(self, item: Item) -> Iterator[Attendee]:
        answers = dict(self._answers(item))
        for address in sorted(answers):
            yield Attendee(address, _ANSWERS.get(answers[address], Response.NONE))

    def _own(self, address: str, *, is_self: bool) -> str:
        # Whoever was invited through a group or an alias is still the owner of this calendar.
        return self.account if is_self and address not in self.rules.owner else address

    def _organiser(self, item: Item) -> str | None:
        if item.organizer is None:
            return None
        address = normal_address(item.organizer.email or "")
        return self._own(address, is_self=item.organizer.is_self) or None

    def _is_mine(self, item: Item) -> bool:
        organiser = self._organiser(item)
        return organiser is None or organiser == self.account or organiser in self.rules.owner

    def _reference(self, item: Item) -> str | None:
        reference = _reference_of(item)
        return reference if reference and self.rules.is_ours(reference) else None


def _reference_of(item: Item) -> str | None:
    return item.extended_properties.shared.get(REFERENCE) or reference_in(item.ical_uid)


# What a cancelled instance has from its series where it does not tell: not its stamps, and not its sequence.
_INHERITED = (
    "ical_uid", "organizer", "attendees", "attendees_omitted", "guests_can_see_other_guests",
    "extended_properties", "event_type", "hangout_link", "conference_data",
)  # fmt: skip


def _filled(item: Item, series: Item) -> Item:
    missing = [name for name in _INHERITED if getattr(item, name) == getattr(_EMPTY, name)]
    taken = {name: getattr(series, name) for name in missing}
    return structs.replace(item, start=item.start or item.original_start_time, **taken)


_EMPTY = Item(id="")


def _first_day(start: Moment, zone: ZoneInfo) -> date:
    if not isinstance(start, datetime):
        return start
    local = start.astimezone(zone)
    return local.date() + timedelta(days=local.time() > CORE_HOURS[0])


def _last_day(end: Moment, zone: ZoneInfo) -> date:
    if not isinstance(end, datetime):
        return end - timedelta(days=1)
    local = end.astimezone(zone)
    return local.date() - timedelta(days=local.time() < CORE_HOURS[1])


def _kind_of(item: Item, series: Item | None, *, is_mine: bool) -> EventKind:
    if item.recurring_event_id is None:
        return EventKind.SINGLE
    if item.is_cancelled:
        # On a guest's calendar that is the guest's own doing as well as the organiser's: nobody can tell.
        return EventKind.EXCEPTION if is_mine else EventKind.OCCURRENCE
    is_as_made = series is not None and item.updated == series.updated
    is_moved = _moment(item.start) != _moment(item.original_start_time)
    return EventKind.OCCURRENCE if is_as_made and not is_moved else EventKind.EXCEPTION


def _span(item: Item, series: Item | None = None) -> tuple[Moment, Moment]:
    start, end = _moment(item.start), _moment(item.end)
    if start is None:
        raise Unreadable("it has no start")
    if end is None:
        end = _end_of_slot(start, series) or (start + timedelta(days=1) if _is_day(start) else start)
    if _is_day(start) is not _is_day(end):
        raise Unreadable("it begins as a day and ends as a time, or the other way round")
    return start, end


def _end_of_slot(slot: Moment | None, series: Item | None) -> Moment | None:
    """Return where a slot of the series would end; None where the series does not tell."""
    start, end = (_moment(series.start), _moment(series.end)) if series else (None, None)
    if slot is None or start is None or end is None or not _is_day(slot) is _is_day(start) is _is_day(end):
        return None
    return slot + (_at(end) - _at(start))


def _at(moment: Moment) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, UTC)


def _is_day(moment: Moment) -> bool:
    return not isinstance(moment, datetime)


def _moment(told: Time | None) -> Moment | None:
    if told is None:
        return None
    if told.date_time is None:
        return told.day
    if told.date_time.tzinfo is not None:
        return told.date_time.astimezone(UTC)
    zone = _zone(told.time_zone)
    if zone is None:
        raise Unreadable("its time has no zone")
    return told.date_time.replace(tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=1024)
def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def _zone_quality(told: Time | None) -> ZoneQuality:
    if told is None or told.date_time is None:
        return ZoneQuality.FLOATING
    # The time itself came with its offset: an odd zone makes it no less sure.
    return ZoneQuality.IANA if told.time_zone is None or _zone(told.time_zone) else ZoneQuality.UNKNOWN


def _is_complete(item: Item) -> bool:
    hidden = not item.guests_can_see_other_guests and not (item.organizer and item.organizer.is_self)
    return not (item.attendees_omitted or hidden or any(not a.email for a in item.attendees))


def _class_of(item: Item) -> EventClass:
    return EventClass.OUT_OF_OFFICE if item.is_away else EventClass.DEFAULT


def _conference_of(item: Item) -> Conference | None:
    data = item.conference_data or ConferenceData()
    if data.conference_solution.key.type == "hangoutsMeet" and data.conference_id:
        return Conference("meet", data.conference_id.lower())
    video = [point.uri for point in data.entry_points if point.entry_point_type == "video"]
    return find_conference([*video, item.hangout_link], [])
