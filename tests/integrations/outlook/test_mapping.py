"""What an event of Graph's becomes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from integrations.outlook.payload import REFERENCE_ID
from tests.fakes.graph.mailbox import write_time
from tests.fakes.graph.shapes import (
    Attendee,
    DateTimeTimeZone,
    EmailAddress,
    ExtendedProperty,
    OnlineMeeting,
    Recipient,
    ResponseStatus,
)
from tests.integrations.outlook.conftest import (
    ANA,
    BEN,
    DAY,
    EVE,
    MONDAY,
    WEEK,
    Reading,
    event,
    occurrence,
    series,
)
from tracker.events import (
    CalendarEvent,
    Conference,
    CopyRole,
    EventClass,
    EventKind,
    Response,
    TagRule,
    ZoneQuality,
)
from tracker.tags import TagRules

TEAMS = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_abc%40thread.v2/0?context=x"


def guest(address: str | None, response: Any = "none", **about: Any) -> Attendee:
    return Attendee(
        email_address=EmailAddress(address=address), status=ResponseStatus(response=response), **about
    )


def read_one(reading: Reading, **about: Any) -> CalendarEvent:
    """Return what becomes of one event with these fields."""
    reading.box.put(event("a", **about))
    (only,) = reading.pull().events
    return only


def test_single_event_has_no_slot(ana: Reading) -> None:
    found = read_one(ana, created_date_time="2026-01-05T09:00:00.1234567Z")
    assert (found.kind, found.original_start, found.series_id) == (EventKind.SINGLE, None, None)
    assert found.created_at == datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)


def test_exception_knows_its_slot_and_the_age_of_its_series(ana: Reading) -> None:
    master, occurrences = series("s", [MONDAY, MONDAY + WEEK])
    moved = occurrence(
        master, "s", MONDAY, start=write_time(MONDAY + DAY), end=write_time(MONDAY + 2 * DAY),
        created_date_time="2026-02-01T00:00:00Z", last_modified_date_time="2026-02-02T00:00:00Z",
    )  # fmt: skip
    ana.box.put(master, [moved, occurrences[1]])
    found = {e.kind: e for e in ana.pull().events}[EventKind.EXCEPTION]
    assert (found.original_start, found.start) == (MONDAY, MONDAY + DAY)
    assert found.original_end == MONDAY + DAY / 32
    assert (found.created_at, found.updated_at) == (
        datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC),
    )  # fmt: skip


def test_category_counts(ana: Reading) -> None:
    assert read_one(ana, subject="Coffee", categories=["Mentoring"]).tag_rule is TagRule.MARKER


def test_entry_of_exactly_the_two_is_suggested(ana: Reading) -> None:
    ana.rules = TagRules(owner=frozenset({ANA}), partners=(frozenset({BEN}),))
    assert read_one(ana, subject="Coffee").tag_rule is TagRule.SUGGESTED


def test_entry_with_hidden_guests_is_not_suggested(ben: Reading) -> None:
    ben.rules = TagRules(owner=frozenset({BEN}), partners=(frozenset({ANA}),))
    ben.box.put(event("a", subject="Coffee", is_organizer=False, hide_attendees=True))
    assert ben.pull().events == ()


def test_hidden_guests_are_not_all(ben: Reading) -> None:
    assert not read_one(ben, is_organizer=False, hide_attendees=True).attendees_complete


def test_organiser_sees_all_guests(ana: Reading) -> None:
    assert read_one(ana, hide_attendees=True).attendees_complete


def test_room_is_nobody(ana: Reading) -> None:
    found = read_one(ana, attendees=[guest(BEN), guest("room@example.com", type="resource")])
    assert [a.email for a in found.attendees] == [BEN]


def test_room_that_is_the_program_counts(ana: Reading) -> None:
    ana.rules = TagRules(program_addresses=frozenset({"mentoring@example.com"}))
    found = read_one(
        ana, subject="x", attendees=[guest(BEN), guest("Mentoring@example.com", type="resource")]
    )
    assert found.tag_rule is TagRule.ADDRESS


@pytest.mark.parametrize(("said", "meant"), [
    ("accepted", Response.ACCEPTED), ("declined", Response.DECLINED),
    ("tentativelyAccepted", Response.TENTATIVE),
    ("notResponded", Response.NONE), ("none", Response.NONE),
])  # fmt: skip
def test_organisers_copy_tells_the_answers(ana: Reading, said: str, meant: Response) -> None:
    assert read_one(ana, attendees=[guest(BEN, said)]).attendees[0].response is meant


def test_guests_own_copy_tells_the_own_answer(ben: Reading) -> None:
    found = read_one(ben, is_organizer=False, response_status=ResponseStatus(response="declined"))
    assert found.attendees[0].response is Response.DECLINED


def test_guest_who_came_through_a_group_is_on_the_entry(ben: Reading) -> None:
    own = ResponseStatus(response="accepted")
    found = read_one(ben, is_organizer=False, attendees=[guest("team@example.com")], response_status=own)
    assert {a.email: a.response for a in found.attendees}[BEN] is Response.ACCEPTED


def test_answer_of_the_year_one_is_read(ana: Reading) -> None:
    own = ResponseStatus(response="organizer", time="0001-01-01T00:00:00Z")
    assert read_one(ana, response_status=own).status == "confirmed"


def test_stamp_of_the_year_one_is_none(ana: Reading) -> None:
    assert read_one(ana, last_modified_date_time="0001-01-01T00:00:00Z").updated_at is None


def test_organiser_under_an_alias_is_the_owner(ana: Reading) -> None:
    alias = Recipient(email_address=EmailAddress(address="ana.alias@example.com"))
    found = read_one(ana, organizer=alias)
    assert (found.organiser, found.copy_role) == (ANA, CopyRole.ORGANISER)


def test_exchanges_own_name_is_no_address(ben: Reading) -> None:
    found = read_one(ben, is_organizer=False, attendees=[guest(BEN), guest("/O=EXCHANGELABS/CN=EVE")])
    assert [a.email for a in found.attendees] == [BEN]
    assert not found.attendees_complete


def test_absence_is_told_apart(ana: Reading) -> None:
    assert read_one(ana, show_as="oof").event_class is EventClass.OUT_OF_OFFICE


@pytest.mark.parametrize(
    "where", [{"online_meeting": OnlineMeeting(join_url=TEAMS)}, {"online_meeting_url": TEAMS}]
)
def test_teams_meeting_is_found(ana: Reading, where: dict[str, Any]) -> None:
    assert read_one(ana, **where).conference == Conference("teams", "19:meeting_abc@thread.v2")


@pytest.mark.parametrize(("name", "zone", "quality"), [
    ("Romance Standard Time", "Europe/Paris", ZoneQuality.MAPPED),
    ("America/Bogota", "America/Bogota", ZoneQuality.IANA),
    ("tzone://Microsoft/Custom", None, ZoneQuality.UNKNOWN),
])  # fmt: skip
def test_zone_is_known_mapped_or_unknown(
    ana: Reading, name: str, zone: str | None, quality: ZoneQuality
) -> None:
    found = read_one(ana, original_start_time_zone=name)
    assert (found.zone, found.zone_quality, found.start) == (zone, quality, MONDAY)


@pytest.mark.parametrize(("start", "end"), [
    ("2026-03-02T00:00:00.0000000", "2026-03-03T00:00:00.0000000"),
    ("2026-03-01T23:00:00.0000000", "2026-03-02T23:00:00.0000000"),
])  # fmt: skip
def test_whole_day_is_a_date_in_whatever_zone_it_is_told(ana: Reading, start: str, end: str) -> None:
    found = read_one(
        ana, is_all_day=True, start=DateTimeTimeZone(date_time=start), end=DateTimeTimeZone(date_time=end)
    )
    assert (found.start, found.end) == (date(2026, 3, 2), date(2026, 3, 3))


def test_whole_day_that_begins_at_noon_is_set_aside(ana: Reading) -> None:
    noon = DateTimeTimeZone(date_time="2026-03-02T12:00:00")
    ana.box.put(event("a", is_all_day=True, start=noon, end=noon))
    assert [a.issue for a in ana.pull().set_aside] == ["it lasts whole days, but begins or ends within one"]


def test_series_of_whole_days_has_dates_for_slots(ana: Reading) -> None:
    days = [MONDAY.replace(hour=0), MONDAY.replace(hour=0) + WEEK]
    master, occurrences = series("s", days, is_all_day=True)
    for whole, day in zip([master, *occurrences], [days[0], *days], strict=True):
        whole.end = write_time(day + DAY)
    ana.box.put(master, occurrences)
    ana.box.call_off(master.id, "2026-03-09")
    assert sorted(str(e.original_start) for e in ana.pull().events) == ["2026-03-02", "2026-03-09"]


@pytest.mark.parametrize(("name", "value", "known"), [
    (REFERENCE_ID, "signed", "signed"), (REFERENCE_ID, "forged", None),
    (REFERENCE_ID.replace("cadencia", "Cadencia"), "signed", None),
])  # fmt: skip
def test_our_own_mark_is_known_by_its_signature(
    ana: Reading, name: str, value: str, known: str | None
) -> None:
    ana.rules = TagRules(is_ours=lambda reference: reference == "signed")
    mark = ExtendedProperty(id=name, value=value)
    ana.box.put(*series("s", [MONDAY], single_value_extended_properties=[mark]))
    ana.box.put(event("a", single_value_extended_properties=[mark]))
    assert [e.session_ref for e in ana.pull().events] == [known, known]


def test_an_invitation_of_ours_that_was_accepted_is_known_by_its_uid(ana: Reading) -> None:
    ana.rules = TagRules(is_ours=lambda reference: reference == "c1-abc")
    assert read_one(ana, ical_uid="c1-abc@cadencia", subject="Coffee").session_ref == "c1-abc"


def test_nothing_that_leaves_holds_a_title_or_a_place(ana: Reading) -> None:
    found = read_one(ana, subject="#mentoring about my salary", attendees=[guest(BEN), guest(EVE)])
    assert not [
        word for word in ("salary", "quiet room", "nobody's business", "Somebody") if word in repr(found)
    ]
    assert "salary" not in str(ana.cursor)
