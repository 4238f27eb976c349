"""From the API's words to the normalised event."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from integrations.google.mapping import Reader, Unreadable
from integrations.google.payload import Item
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
from tracker.tags import TagRules

ANA, BEN = "ana@example.com", "ben@example.com"
TEN = {"dateTime": "2026-03-02T11:00:00+01:00", "timeZone": "Europe/Madrid"}
ELEVEN = {"dateTime": "2026-03-02T12:00:00+01:00", "timeZone": "Europe/Madrid"}
SERIES: dict[str, Any] = {
    "id": "abc",
    "recurrence": ["RRULE:FREQ=WEEKLY"],
    "updated": "2026-01-06T09:00:00.000Z",
}


def item(**about: Any) -> Item:
    """Return an event of Ana's with Ben."""
    told = {
        "id": "abc",
        "status": "confirmed",
        "iCalUID": "abc@google.com",
        "summary": "Salary #mentoring",
        "start": TEN,
        "end": ELEVEN,
        "created": "2026-01-05T09:00:00.000Z",
        "updated": "2026-01-06T09:00:00.000Z",
        "sequence": 1,
        "organizer": {"email": ANA, "self": True},
        "attendees": [
            {"email": ANA, "self": True, "responseStatus": "accepted"},
            {"email": BEN, "responseStatus": "needsAction"},
        ],
        **about,
    }
    return msgspec.convert({k: v for k, v in told.items() if v is not None}, Item)


def instance(**about: Any) -> Item:
    """Return an instance of Ana's series."""
    return item(**{
        "id": "abc_20260302T100000Z", "recurringEventId": "abc", "originalStartTime": TEN, **about,
    })  # fmt: skip


def read(told: Item, series: Item | None = None, rules: TagRules | None = None) -> CalendarEvent:
    """Return the event as Ana's calendar shows it."""
    return Reader(ANA, rules or TagRules(owner=frozenset({ANA}))).to_event(told, TagRule.MARKER, series)


def test_single_event() -> None:
    event = read(item())
    assert event.version
    assert event == CalendarEvent(
        provider_event_id="abc",
        uid="abc@google.com",
        lineage="abc@google.com",
        kind=EventKind.SINGLE,
        start=datetime(2026, 3, 2, 10, tzinfo=UTC),
        end=datetime(2026, 3, 2, 11, tzinfo=UTC),
        status=EventStatus.CONFIRMED,
        version=event.version,
        zone="Europe/Madrid",
        zone_quality=ZoneQuality.IANA,
        copy_role=CopyRole.ORGANISER,
        organiser=ANA,
        attendees=(Attendee(ANA, Response.ACCEPTED), Attendee(BEN, Response.NONE)),
        created_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
        updated_at=datetime(2026, 1, 6, 9, tzinfo=UTC),
        sequence=1,
        tag_rule=TagRule.MARKER,
    )


def test_no_field_holds_the_title() -> None:
    event = read(item())
    assert not any("Salary" in str(getattr(event, f.name)) for f in fields(event))


def test_version_stays_while_nothing_that_is_kept_changes() -> None:
    assert read(item()).version == read(item(summary="#mentoring")).version
    assert read(item()).version != read(item(end=TEN)).version


def test_occurrence_of_a_series() -> None:
    event = read(instance(created="2026-02-01T09:00:00.000Z"), item(**SERIES))
    assert (event.kind, event.series_id) == (EventKind.OCCURRENCE, "abc")
    assert event.original_start == event.start
    assert event.original_end == event.end
    assert event.created_at == datetime(2026, 1, 5, 9, tzinfo=UTC), "the series'"


def test_moved_instance_is_an_exception_and_knows_its_slot() -> None:
    later = {"dateTime": "2026-03-03T11:00:00+01:00"}
    event = read(instance(start=later, end={"dateTime": "2026-03-03T13:00:00+01:00"}), item(**SERIES))
    assert event.kind is EventKind.EXCEPTION
    assert event.original_start == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert event.original_end == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert event.start == datetime(2026, 3, 3, 10, tzinfo=UTC)


def test_instance_that_was_changed_by_itself_is_an_exception() -> None:
    changed = instance(updated="2026-01-07T09:00:00.000Z")
    assert read(changed, item(**SERIES)).kind is EventKind.EXCEPTION


def test_three_ids_of_a_cancelled_instance_are_enough() -> None:
    told = msgspec.convert(
        {"id": "abc_1", "status": "cancelled", "recurringEventId": "abc", "originalStartTime": TEN}, Item
    )
    event = read(told, item(**SERIES))
    assert (event.status, event.kind) == (EventStatus.CANCELLED, EventKind.EXCEPTION)
    assert (event.start, event.end) == (event.original_start, event.original_end)
    assert event.end == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert (event.uid, event.copy_role, event.updated_at) == ("abc@google.com", CopyRole.ORGANISER, None)
    assert len(event.attendees) == 2


def test_guest_s_cancelled_instance_blames_nobody() -> None:
    series = item(
        **SERIES, organizer={"email": BEN}, attendees=[{"email": ANA, "self": True}, {"email": BEN}]
    )
    told = msgspec.convert(
        {"id": "abc_1", "status": "cancelled", "recurringEventId": "abc", "originalStartTime": TEN}, Item
    )
    event = read(told, series)
    assert (event.copy_role, event.kind) == (CopyRole.ATTENDEE, EventKind.OCCURRENCE)


def test_split_series_is_of_the_same_lineage() -> None:
    event = read(item(id="abc_R20260302T100000", iCalUID="abc_R20260302T100000@google.com"))
    assert event.lineage == "abc@google.com"


def test_all_day_event_has_dates() -> None:
    event = read(item(start={"date": "2026-03-02"}, end={"date": "2026-03-03"}))
    assert (event.start, event.end) == (date(2026, 3, 2), date(2026, 3, 3))
    assert event.zone_quality is ZoneQuality.FLOATING


def test_all_day_instance_that_got_an_hour_keeps_its_day_as_slot() -> None:
    series = item(**SERIES, start={"date": "2026-03-02"}, end={"date": "2026-03-03"})
    event = read(instance(originalStartTime={"date": "2026-03-09"}), series)
    assert (event.original_start, event.original_end) == (date(2026, 3, 9), date(2026, 3, 10))
    assert event.start == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_time_without_an_offset_is_in_its_zone() -> None:
    event = read(item(start={"dateTime": "2026-03-02T11:00:00", "timeZone": "Europe/Madrid"}))
    assert event.start == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_time_without_offset_and_zone_can_not_be_read() -> None:
    with pytest.raises(Unreadable):
        read(item(start={"dateTime": "2026-03-02T11:00:00"}))


def test_odd_zone_makes_a_time_no_less_sure() -> None:
    event = read(item(start={"dateTime": "2026-03-02T11:00:00+01:00", "timeZone": "Mars/Base"}))
    assert event.start == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert event.zone_quality is ZoneQuality.UNKNOWN


def test_imported_event_that_was_created_in_the_year_0() -> None:
    assert read(item(created="0000-12-31T00:00:00.000Z")).created_at is None


def test_owner_invited_by_another_address_is_still_the_owner() -> None:
    people = [{"email": "everybody@example.com", "self": True, "responseStatus": "declined"}, {"email": BEN}]
    event = read(item(attendees=people, organizer={"email": BEN}))
    assert Attendee(ANA, Response.DECLINED) in event.attendees
    assert event.copy_role is CopyRole.ATTENDEE


def test_own_alias_stays_as_it_is() -> None:
    rules = TagRules(owner=frozenset({ANA, "a@example.com"}))
    people = [{"email": "A@example.com", "self": True}, {"email": BEN}]
    event = read(item(attendees=people, organizer={"email": "a@example.com"}), rules=rules)
    assert [a.email for a in event.attendees] == ["a@example.com", BEN]
    assert event.copy_role is CopyRole.ORGANISER


def test_rooms_are_no_people() -> None:
    people = [{"email": ANA, "self": True}, {"email": BEN}, {"email": "room@example.com", "resource": True}]
    assert [a.email for a in read(item(attendees=people)).attendees] == [ANA, BEN]


@pytest.mark.parametrize(
    "about",
    [
        {"attendeesOmitted": True},
        {"guestsCanSeeOtherGuests": False, "organizer": {"email": BEN}},
        {"attendees": [{"email": ANA, "self": True}, {"responseStatus": "accepted"}]},
    ],
)
def test_list_of_guests_that_is_not_whole(about: dict[str, Any]) -> None:
    told = item(summary="1:1", **about)
    rules = TagRules(owner=frozenset({ANA}), partners=(frozenset({BEN}),))
    assert read(told).attendees_complete is False
    assert Reader(ANA, rules).find_rule(told) is None, "nobody can tell that it is a meeting of two"


def test_meeting_of_the_two_is_suggested() -> None:
    rules = TagRules(owner=frozenset({ANA}), partners=(frozenset({BEN}),))
    assert Reader(ANA, rules).find_rule(item(summary="1:1")) is TagRule.SUGGESTED


def test_signed_reference_is_kept_and_a_foreign_one_is_not() -> None:
    rules = TagRules(is_ours=lambda reference: reference == "signed")
    ours = item(summary="", extendedProperties={"shared": {"cadencia": "signed"}})
    foreign = item(summary="", extendedProperties={"shared": {"cadencia": "forged"}})
    assert Reader(ANA, rules).find_rule(ours) is TagRule.CADENCIA
    assert Reader(ANA, rules).find_rule(foreign) is None
    assert read(ours, rules=rules).session_ref == "signed"
    assert read(foreign, rules=rules).session_ref is None


def test_an_invitation_of_ours_that_was_accepted_is_known_by_its_uid() -> None:
    rules = TagRules(is_ours=lambda reference: reference == "c1-abc")
    accepted = item(summary="", iCalUID="c1-abc@cadencia")
    assert Reader(ANA, rules).find_rule(accepted) is TagRule.CADENCIA
    assert read(accepted, rules=rules).session_ref == "c1-abc"
    assert Reader(ANA, rules).find_rule(item(summary="", iCalUID="c1-xyz@cadencia")) is None


def test_private_property_is_no_tag() -> None:
    rules = TagRules(is_ours=lambda _: True)
    told = item(summary="", extendedProperties={"private": {"cadencia": "signed"}})
    assert Reader(ANA, rules).find_rule(told) is None


def test_out_of_office_is_a_class_of_its_own() -> None:
    assert read(item(eventType="outOfOffice")).event_class is EventClass.OUT_OF_OFFICE
    assert read(item()).event_class is EventClass.DEFAULT


MEET = {"conferenceId": "AAA-bbbb-ccc", "conferenceSolution": {"key": {"type": "hangoutsMeet"}}}
ZOOM = {
    "conferenceId": "99",
    "conferenceSolution": {"key": {"type": "addOn"}},
    "entryPoints": [
        {"entryPointType": "phone", "uri": "tel:1"},
        {"entryPointType": "video", "uri": "https://acme.zoom.us/j/123456789?pwd=secret"},
    ],
}


@pytest.mark.parametrize(
    ("about", "conference"),
    [
        ({}, None),
        ({"conferenceData": MEET}, Conference("meet", "aaa-bbbb-ccc")),
        ({"hangoutLink": "https://meet.google.com/aaa-bbbb-ccc"}, Conference("meet", "aaa-bbbb-ccc")),
        ({"conferenceData": ZOOM}, Conference("zoom", "123456789")),
    ],
)
def test_conference(about: dict[str, Any], conference: Conference | None) -> None:
    assert read(item(**about)).conference == conference


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("confirmed", EventStatus.CONFIRMED),
        ("tentative", EventStatus.TENTATIVE),
        ("cancelled", EventStatus.CANCELLED),
        ("something new", EventStatus.CONFIRMED),
    ],
)
def test_status(status: str, expected: EventStatus) -> None:
    assert read(item(status=status)).status is expected
