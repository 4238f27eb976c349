"""From an event of Microsoft Graph to a CalendarEvent.

Subject and people are looked at here for the last time: nothing that leaves holds them. An occurrence may
come bare; whatever it comes with, all but its id and its times is its series'.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import structs

from integrations.conference import find_conference
from integrations.identity import lineage_of, read_stamp, version_of
from integrations.outlook.payload import Item, Recipient, Time
from integrations.windows import WINDOWS_ZONES
from tracker.events import (
    Attendee,
    CalendarEvent,
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

_ANSWERS = {
    "accepted": Response.ACCEPTED,
    "declined": Response.DECLINED,
    "tentativelyaccepted": Response.TENTATIVE,
}


class Unreadable(ValueError):
    """An event whose times make no sense; the text says what is wrong and holds nothing of the entry."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose calendar is read, and what is kept of it. `account` is its owner's sign-in address."""

    account: str
    rules: TagRules

    def find_rule(self, item: Item) -> TagRule | None:
        """Return why the event counts, None where it is nobody's business."""
        rule = self.rules.match(self._entry(item))
        # With part of the guests hidden, nobody can tell that it is a meeting of two; an absence is none.
        is_doubtful = item.show_as == "oof" or not _is_complete(item)
        return None if rule is TagRule.SUGGESTED and is_doubtful else rule

    def to_event(self, item: Item, rule: TagRule | None, series: Item | None = None) -> CalendarEvent:
        """Return the event that an item is; one of a series needs its series. Raises Unreadable."""
        item = as_occurrence(item, series) if series and not item.is_exception else item
        start, end = span_of(item)
        slot = slot_of(item) if item.series_master_id else None
        event = CalendarEvent(
            provider_event_id=item.id,
            uid=_uid_of(series or item),
            lineage=lineage_for(series or item),
            kind=_kind_of(item),
            start=start,
            end=end,
            status=EventStatus.CANCELLED if item.is_cancelled else EventStatus.CONFIRMED,
            version="",
            series_id=item.series_master_id,
            original_start=slot,
            original_end=_end_of_slot(slot, series or item),
            zone=zone.key if (zone := find_zone(item.original_start_time_zone)) else None,
            zone_quality=_zone_quality(item),
            copy_role=CopyRole.ORGANISER if is_mine(item) else CopyRole.ATTENDEE,
            organiser=self._organiser(item),
            attendees=tuple(self._attendees(item)),
            attendees_complete=_is_complete(item),
            created_at=read_stamp((series or item).created_date_time),
            updated_at=read_stamp(item.last_modified_date_time),
            tag_rule=rule,
            session_ref=self._reference(item),
            event_class=EventClass.OUT_OF_OFFICE if item.show_as == "oof" else EventClass.DEFAULT,
            conference=find_conference([join_url(item)], []),
        )
        return replace(event, version=version_of(event))

    def to_cancelled(self, event_id: str, slot: Moment, series: Item, rule: TagRule | None) -> CalendarEvent:
        """Return an occurrence of which nothing is left but its slot, called off. Raises Unreadable."""
        event = self.to_event(_at_slot(event_id, slot, series), rule, series)
        off = replace(event, kind=EventKind.EXCEPTION, status=EventStatus.CANCELLED)
        return replace(off, version=version_of(off))

    def _entry(self, item: Item) -> Entry:
        people = {address for address, _ in self._answers(item)} | {self._organiser(item) or ""}
        return Entry(
            title=item.subject or "",
            categories=item.categories or (),
            addresses=frozenset(people - {""}),
            reference=_reference_of(item),
        )

    def _reference(self, item: Item) -> str | None:
        reference = _reference_of(item)
        return reference if reference and self.rules.is_ours(reference) else None

    def _answers(self, item: Item) -> Iterator[tuple[str, str]]:
        """Yield who is on the entry and what they answered; the owner's own copy knows the owner's best."""
        is_named = False
        own = _word(item.response_status.response if item.response_status else None)
        for attendee in item.attendees or ():
            address = _address(attendee.email_address.address)
            if not address or (attendee.type == "resource" and address not in self.rules.program_addresses):
                continue
            is_owner = address == self.account or address in self.rules.owner
            is_named = is_named or is_owner
            yield address, own if is_owner and own in _ANSWERS else _word(attendee.status.response)
        if not is_named and not is_mine(item) and item.attendees:
            # Whoever was invited through a group or an alias is still the owner of this calendar.
            yield self.account, own

    def _attendees(self, item: Item) -> Iterator[Attendee]:
        answers = dict(self._answers(item))
        for address in sorted(answers):
            yield Attendee(address, _ANSWERS.get(answers[address], Response.NONE))

    def _organiser(self, item: Item) -> str | None:
        address = _address((item.organizer or Recipient()).email_address.address)
        if item.is_organizer and address not in self.rules.owner:
            return self.account
        return address or None


def lineage_for(whole: Item) -> str:
    """Return the lineage of a single event's or a series' sessions."""
    return lineage_of(_uid_of(whole) or whole.id)


def is_mine(item: Item) -> bool:
    """Tell whether the calendar's owner called the meeting; what does not tell is nobody else's."""
    return item.is_organizer is not False


def as_occurrence(item: Item, series: Item) -> Item:
    """Return an occurrence with all that it has of its series, however much of it was sent."""
    if item.start is None or item.end is None:
        raise Unreadable("it has no start")
    return structs.replace(
        series,
        id=item.id,
        type="occurrence",
        series_master_id=series.id,
        start=item.start,
        end=item.end,
        original_start=None,
        is_cancelled=bool(series.is_cancelled or item.is_cancelled),
    )


def span_of(item: Item) -> tuple[Moment, Moment]:
    """Return start and end: two dates for an entry of whole days, else instants. Raises Unreadable."""
    if item.start is None or item.end is None:
        raise Unreadable("it has no start")
    return _moment(instant_from(item.start), item), _moment(instant_from(item.end), item)


def slot_of(item: Item) -> Moment:
    """Return where an occurrence or exception stands in its series. Raises Unreadable."""
    if item.original_start is None:
        if item.is_exception:
            raise Unreadable("it is an exception of no slot")
        return span_of(item)[0]
    stamp = read_stamp(item.original_start)
    if stamp is None:
        raise Unreadable("its original start is no time")
    return _moment(stamp, item)


def slots_called_off(series: Item) -> dict[str, Moment]:
    """Return the slots that the series leaves out, by the names that Graph has for them.

    A slot's name is its day in the series' zone; where that zone can not be told, there are none.
    """
    start = span_of(series)[0]
    zone = find_zone(series.original_start_time_zone)
    found: dict[str, Moment] = {}
    for name in series.cancelled_occurrences or ():
        day = _day(name.rpartition(".")[2])
        if day is None:
            continue
        if not isinstance(start, datetime):
            found[name] = day
        elif zone is not None:
            found[name] = datetime.combine(day, start.astimezone(zone).time(), zone).astimezone(UTC)
    return found


@lru_cache(maxsize=1024)
def find_zone(name: str | None) -> ZoneInfo | None:
    """Return the zone of that name, IANA's or Windows'; None for a custom one, which nobody can tell."""
    try:
        return ZoneInfo(WINDOWS_ZONES.get(name, name)) if name else None
    except (KeyError, ValueError, OSError):
        return None


def _at_slot(event_id: str, slot: Moment, series: Item) -> Item:
    end = _end_of_slot(slot, series)
    return Item(event_id, start=_time(slot), end=_time(slot if end is None else end))


def _time(moment: Moment) -> Time:
    at = moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, UTC)
    return Time(at.astimezone(UTC).replace(tzinfo=None).isoformat())


def _kind_of(item: Item) -> EventKind:
    if item.series_master_id is None:
        return EventKind.SINGLE
    # Called off by its organiser, on whosever copy: that is what the flag means.
    return EventKind.EXCEPTION if item.is_exception or item.is_cancelled else EventKind.OCCURRENCE


def _reference_of(item: Item) -> str | None:
    return item.reference or reference_in(_uid_of(item))


def _uid_of(item: Item) -> str:
    return item.uid or item.ical_uid or ""


def _end_of_slot(slot: Moment | None, series: Item) -> Moment | None:
    """Return where a slot of the series would end; None where the series is of another kind."""
    start, end = span_of(series)
    if isinstance(slot, datetime) and isinstance(start, datetime) and isinstance(end, datetime):
        return slot + (end - start)
    if slot is None or isinstance(slot, datetime) or isinstance(start, datetime) or isinstance(end, datetime):
        return None
    return slot + (end - start)


def instant_from(told: Time) -> datetime:
    """Return the instant that a wall time and its zone are. Raises Unreadable."""
    try:
        at = datetime.fromisoformat(told.date_time)
    except ValueError:
        raise Unreadable("its time is no time") from None
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    zone = find_zone(told.time_zone)
    if zone is None:
        raise Unreadable("its time has no zone")
    return at.replace(tzinfo=zone).astimezone(UTC)


def _moment(at: datetime, item: Item) -> Moment:
    """Return the instant, for whole days the date that it stands for."""
    if not item.is_all_day:
        return at
    zone = find_zone(item.original_start_time_zone)
    for local in (at, at.astimezone(zone) if zone else at):
        # Graph writes whole days as midnights in UTC; what was made in another zone may be told in that.
        if local.time() == time.min:
            return local.date()
    raise Unreadable("it lasts whole days, but begins or ends within one")


def _zone_quality(item: Item) -> ZoneQuality:
    if item.is_all_day:
        return ZoneQuality.FLOATING
    name = item.original_start_time_zone
    if find_zone(name) is None:
        # The time itself came in UTC: an odd zone makes it no less sure.
        return ZoneQuality.UNKNOWN if name else ZoneQuality.IANA
    return ZoneQuality.MAPPED if name in WINDOWS_ZONES and name != "UTC" else ZoneQuality.IANA


def _is_complete(item: Item) -> bool:
    hidden = bool(item.hide_attendees) and not is_mine(item)
    return not (hidden or any(not _address(a.email_address.address) for a in item.attendees or ()))


def join_url(item: Item) -> str:
    """Return the link to the online meeting, "" where there is none; it may be a key by itself."""
    return (item.online_meeting.join_url if item.online_meeting else None) or item.online_meeting_url or ""


def _address(text: str | None) -> str:
    # Exchange's own names for people (/O=EXCHANGELABS/...) are no addresses.
    address = normal_address(text or "")
    return address if "@" in address else ""


def _word(text: str | None) -> str:
    return (text or "").casefold()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
