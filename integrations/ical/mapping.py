"""From an occurrence of iCalendar to a CalendarEvent.

Title, description, place and names are looked at here for the last time: nothing that leaves holds them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from integrations.conference import find_conference
from integrations.ical.component import Component
from integrations.ical.lines import Property, split_list
from integrations.ical.series import Occurrence
from integrations.ical.times import Stamp, parse_instant
from integrations.identity import lineage_of, version_of
from tracker.events import (
    Attendee,
    CalendarEvent,
    Conference,
    CopyRole,
    EventClass,
    EventKind,
    EventStatus,
    Response,
    TagRule,
    ZoneQuality,
)
from tracker.references import reference_in
from tracker.tags import Entry, TagRules, normal_address

_ANSWERS = {
    "ACCEPTED": Response.ACCEPTED,
    "DECLINED": Response.DECLINED,
    "TENTATIVE": Response.TENTATIVE,
}
_MEETING_LINKS = (
    "X-GOOGLE-CONFERENCE",
    "X-MICROSOFT-SKYPETEAMSMEETINGURL",
    "X-MICROSOFT-ONLINEMEETINGEXTERNALLINK",
)


def event_id(uid: str, slot: Stamp | None) -> str:
    """Return the id of an entry within its calendar: of UID and RECURRENCE-ID, however that is written."""
    return sha256(f"{uid}\0{_moment_text(slot) if slot else ''}".encode()).hexdigest()[:40]


def _moment_text(slot: Stamp) -> str:
    return slot.moment.isoformat()


@dataclass(frozen=True, slots=True)
class Facts:
    """What an entry says of all its occurrences alike."""

    entry: Entry
    organiser: str | None
    attendees: tuple[Attendee, ...]
    attendees_complete: bool
    created_at: datetime | None
    updated_at: datetime | None
    sequence: int | None
    event_class: EventClass
    tentative: bool
    conference: Conference | None


def read_facts(component: Component, rules: TagRules) -> Facts:
    """Return what the tag rules and the events need of an entry."""
    organiser = component.first("ORGANIZER")
    people = [p for p in component.all("ATTENDEE") if _is_person(p, rules)]
    addresses = {_address(p) for p in [*people, *([organiser] if organiser else [])]} - {""}
    return Facts(
        entry=Entry(
            title=component.text("SUMMARY"),
            categories=tuple(c for p in component.all("CATEGORIES") for c in split_list(p.value)),
            addresses=frozenset(addresses),
            reference=component.text("X-CADENCIA") or reference_in(component.value("UID")),
        ),
        organiser=_mail(organiser) if organiser else None,
        attendees=tuple(_attendees(people)),
        attendees_complete=all("@" in _address(p) for p in people),
        created_at=parse_instant(component.value("CREATED")),
        updated_at=parse_instant(component.value("LAST-MODIFIED")),
        sequence=component.sequence,
        event_class=_class_of(component),
        tentative=component.value("STATUS").upper() == "TENTATIVE",
        conference=_conference_of(component),
    )


def _is_person(p: Property, rules: TagRules) -> bool:
    kind = p.params.get("CUTYPE", "").upper()
    return kind not in ("ROOM", "RESOURCE") or _address(p) in rules.program_addresses


def _address(p: Property) -> str:
    # iCloud puts a number of its own into the value and the address into EMAIL.
    return normal_address(p.params.get("EMAIL") or p.value)


def _mail(p: Property) -> str | None:
    address = _address(p)
    return address if "@" in address else None


def _attendees(people: list[Property]) -> Iterator[Attendee]:
    answers: dict[str, Response] = {}
    for p in people:
        answer = _ANSWERS.get(p.params.get("PARTSTAT", "").strip().upper(), Response.NONE)
        if (address := _mail(p)) and answers.get(address, Response.NONE) is Response.NONE:
            answers[address] = answer
    for address in sorted(answers):
        yield Attendee(address, answers[address])


def _class_of(component: Component) -> EventClass:
    away = component.value("X-MICROSOFT-CDO-BUSYSTATUS").upper() == "OOF"
    return EventClass.OUT_OF_OFFICE if away else EventClass.DEFAULT


def _conference_of(component: Component) -> Conference | None:
    named = [p.value for p in component.all("CONFERENCE")]
    named += map(component.text, _MEETING_LINKS)
    return find_conference(named, [component.value("URL"), *map(component.text, ("LOCATION", "DESCRIPTION"))])


@dataclass(frozen=True, slots=True)
class Origin:
    """What an occurrence takes from its series: UID, the master's facts, why it counts, and who reads it."""

    uid: str
    series: Facts | None
    rule: TagRule | None
    session_ref: str | None
    owner: frozenset[str]


def to_event(occurrence: Occurrence, facts: Facts, origin: Origin) -> CalendarEvent:
    """Return the event, with a version over all that it holds."""
    slot, start = occurrence.slot, occurrence.start
    series = origin.series or facts
    in_series = occurrence.kind is not EventKind.SINGLE
    zone = occurrence.start.zone
    event = CalendarEvent(
        provider_event_id=event_id(origin.uid, slot),
        uid=origin.uid,
        lineage=lineage_of(origin.uid),
        kind=occurrence.kind,
        start=start.moment,
        end=occurrence.end,
        status=_status_of(occurrence, facts),
        version="",
        series_id=origin.uid if in_series else None,
        original_start=slot.moment if slot else None,
        original_end=occurrence.slot_end,
        zone=zone.name,
        zone_quality=ZoneQuality.FLOATING if start.all_day else zone.quality,
        copy_role=_role_of(facts, origin.owner),
        organiser=facts.organiser,
        attendees=facts.attendees,
        attendees_complete=facts.attendees_complete,
        created_at=series.created_at,
        updated_at=facts.updated_at,
        sequence=facts.sequence,
        tag_rule=origin.rule,
        session_ref=origin.session_ref,
        event_class=facts.event_class,
        conference=facts.conference,
        issues=tuple(dict.fromkeys(occurrence.issues)),
    )
    # Nobody has seen the event yet; a copy of it would cost more than all the rest.
    object.__setattr__(event, "version", version_of(event))
    return event


def _status_of(occurrence: Occurrence, facts: Facts) -> EventStatus:
    if occurrence.cancelled:
        return EventStatus.CANCELLED
    return EventStatus.TENTATIVE if facts.tentative else EventStatus.CONFIRMED


def _role_of(facts: Facts, owner: frozenset[str]) -> CopyRole:
    is_mine = facts.organiser is None or facts.organiser in owner
    return CopyRole.ORGANISER if is_mine else CopyRole.ATTENDEE
