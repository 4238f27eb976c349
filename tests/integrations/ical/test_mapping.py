"""What an event holds: people, answers, meeting rooms on line, stamps; and what never gets into it."""

import pytest

from tests.integrations.ical.feeds import DATA, entry, feed, read, read_one, shown, standing
from tracker.events import (
    Attendee,
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

ANA = TagRules(owner=frozenset({"ana@example.com"}), partners=(frozenset({"berta@example.com"}),))
START = "DTSTART:20260302T100000Z"


def test_google_as_it_exports() -> None:
    reading = read((DATA / "google.ics").read_bytes(), rules=ANA)
    assert reading.looked_at == 4
    first = reading.events[0]
    assert (first.kind, first.copy_role, first.organiser) == (
        EventKind.OCCURRENCE, CopyRole.ORGANISER, "ana@example.com",
    )  # fmt: skip
    assert first.attendees == (
        Attendee("ana@example.com", Response.ACCEPTED),
        Attendee("berta@example.com", Response.DECLINED),
    )
    assert first.conference == Conference("meet", "abc-defg-hij")
    assert (shown(first.created_at), shown(first.updated_at)) == ("2026-02-01T09:00", "2026-03-10T08:00")
    assert {e.lineage for e in reading.events} == {"7kukuqrfedlm2f9t2@google.com"}
    assert standing(reading) == [
        "2026-03-02T09:00", "2026-03-09T09:00", "2026-03-25T15:30", "2026-03-30T08:00", "2026-04-06T08:00",
        "2026-04-13T10:00", "2026-04-20T10:00",
    ]  # fmt: skip


def test_outlook_as_it_exports() -> None:
    meeting, away = read((DATA / "outlook.ics").read_bytes(), rules=ANA).events
    assert (shown(meeting.start), meeting.zone, meeting.zone_quality) == (
        "2026-03-09T08:00", "Europe/Paris", ZoneQuality.MAPPED,
    )  # fmt: skip
    assert (meeting.copy_role, meeting.tag_rule) == (CopyRole.ATTENDEE, TagRule.MARKER)
    assert meeting.attendees == (Attendee("ana@example.com"),)
    assert meeting.conference == Conference("teams", "19:meeting_NDU0@thread.v2")
    assert away.event_class is EventClass.OUT_OF_OFFICE


def test_exchange_puts_the_date_of_the_occurrence_into_its_ids() -> None:
    meeting = read((DATA / "outlook.ics").read_bytes(), rules=ANA).events[0]
    assert meeting.lineage == meeting.uid.replace("07EA0309", "00000000")


def test_apple_as_it_exports() -> None:
    reading = read((DATA / "apple.ics").read_bytes(), rules=ANA)
    assert standing(reading) == ["2026-03-06T19:00", "2026-03-20", "2026-04-03T18:00", "2026-05-01T18:00"]
    first = reading.events[0]
    assert (first.organiser, first.copy_role) == ("ana@example.com", CopyRole.ORGANISER)
    assert first.attendees == (Attendee("berta@example.com", Response.TENTATIVE),)
    assert first.conference == Conference("zoom", "93012345678")


def test_thunderbird_as_it_exports() -> None:
    first, second, third = read((DATA / "thunderbird.ics").read_bytes()).events
    assert (first.status, second.status, third.status) == (
        EventStatus.CANCELLED, EventStatus.CONFIRMED, EventStatus.CANCELLED,
    )  # fmt: skip
    assert shown(first.updated_at) == "2026-01-15T08:00"
    assert (shown(third.created_at), shown(third.updated_at)) == ("2026-01-10T08:00", "2026-01-17T08:00")


def test_nothing_private_is_kept() -> None:
    for name in ("google", "outlook", "apple", "thunderbird"):
        kept = repr(read((DATA / f"{name}.ics").read_bytes(), rules=ANA))
        for private in (
            "mentoría",
            "Sesión",
            "Charla",
            "Núñez",
            "nobody but the two",
            "Room 4",
            "c2VjcmV0",
            "pwd",
        ):
            assert private not in kept


def test_no_organiser_is_the_owners_own() -> None:
    assert read_one(START).copy_role is CopyRole.ORGANISER


def test_another_organiser_makes_it_an_attendees_copy() -> None:
    assert read_one(START, "ORGANIZER:mailto:berta@example.com").copy_role is CopyRole.ATTENDEE


def test_rooms_are_not_people() -> None:
    event = read_one(START, "ATTENDEE;CUTYPE=ROOM:mailto:room@example.com", "ATTENDEE:mailto:b@example.com")
    assert event.attendees == (Attendee("b@example.com"),)


def test_a_room_may_be_the_programs_mailbox() -> None:
    rules = TagRules(program_addresses=frozenset({"mentoring@example.com"}))
    data = feed(entry(START, "ATTENDEE;CUTYPE=RESOURCE:mailto:Mentoring@example.com", title="Coffee"))
    assert read(data, rules=rules).events[0].tag_rule is TagRule.ADDRESS


def test_an_address_that_is_none_makes_the_list_incomplete() -> None:
    event = read_one(START, "ATTENDEE:invalid:nomail", "ATTENDEE:mailto:b@example.com")
    assert (event.attendees, event.attendees_complete) == ((Attendee("b@example.com"),), False)


def test_somebody_unknown_is_a_third_person() -> None:
    lines = (
        "ORGANIZER:mailto:ana@example.com",
        "ATTENDEE:mailto:berta@example.com",
        "ATTENDEE:invalid:nomail",
    )
    assert read(feed(entry(START, *lines, title="Coffee")), rules=ANA).events == ()


def test_an_untagged_meeting_of_exactly_the_two_is_suggested() -> None:
    data = feed(entry(START, "ATTENDEE:mailto:Berta@Example.com", title="Coffee"))
    assert read(data, rules=ANA).events[0].tag_rule is TagRule.SUGGESTED


def test_a_reference_that_is_ours_names_the_session() -> None:
    rules = TagRules(is_ours=lambda reference: reference == "abc.def")
    ours, other = (feed(entry(START, f"X-CADENCIA:{r}", title="Coffee")) for r in ("abc.def", "abc.xxx"))
    assert read(ours, rules=rules).events[0].session_ref == "abc.def"
    assert read(other, rules=rules).events == ()


def test_an_invitation_of_ours_that_was_accepted_names_the_session() -> None:
    rules = TagRules(is_ours=lambda reference: reference == "c1-abc")
    ours, other = (
        feed(entry(START, title="Coffee", uid=uid)) for uid in ("c1-abc@cadencia", "c1-x@cadencia")
    )
    assert read(ours, rules=rules).events[0].session_ref == "c1-abc"
    assert read(other, rules=rules).events == ()


@pytest.mark.parametrize(
    ("line", "conference"),
    [
        ("CONFERENCE;VALUE=URI:https://meet.google.com/abc-defg-hij", Conference("meet", "abc-defg-hij")),
        ("URL:https://us02web.zoom.us/j/123456789?pwd=x", Conference("zoom", "123456789")),
        ("LOCATION:https://teams.microsoft.com/meet/2345678?p=x", Conference("teams", "2345678")),
        ("DESCRIPTION:Join: https://meet.google.com/abc-defg-hij\\nBye", Conference("meet", "abc-defg-hij")),
        ("URL:https://example.com/agenda", None),
        ("CONFERENCE:tel:+34-900-000-000", None),
    ],
)
def test_where_the_online_meeting_is(line: str, conference: Conference | None) -> None:
    assert read_one(START, line).conference == conference


def test_another_service_has_a_key_that_tells_nothing() -> None:
    found = read_one(START, "CONFERENCE:https://jitsi.example.com/secret-room").conference
    assert found is not None
    assert found.kind == "other"
    assert "secret" not in found.key


@pytest.mark.parametrize("stamp", ["00001231T000000Z", "19000101T120000Z", "yesterday", "00010101T000000Z"])
def test_a_stamp_that_is_no_real_one_is_none(stamp: str) -> None:
    assert read_one(START, f"CREATED:{stamp}").created_at is None


def test_dtstamp_is_no_stamp_of_change() -> None:
    assert read_one(START, "DTSTAMP:20260101T000000Z").updated_at is None


def test_dtstamp_leaves_the_version_as_it_is() -> None:
    one, two = (read_one(START, f"DTSTAMP:2026010{n}T000000Z") for n in (1, 2))
    assert one == two


@pytest.mark.parametrize(
    "line",
    ["STATUS:TENTATIVE", "ATTENDEE;PARTSTAT=DECLINED:mailto:b@example.com", "SEQUENCE:3", "DURATION:PT1H"],
)
def test_the_version_changes_with_what_is_kept(line: str) -> None:
    assert read_one(START, line).version != read_one(START).version


def test_the_version_does_not_change_with_what_is_not_kept() -> None:
    assert read_one(START, "DESCRIPTION:new").version == read_one(START, "LOCATION:there").version


@pytest.mark.parametrize("sequence", ["-1", "many", "99999999999999999999999", "1.5", "\u0661"])
def test_a_sequence_that_is_no_number_is_none(sequence: str) -> None:
    assert read_one(START, f"SEQUENCE:{sequence}").sequence is None


def test_google_writes_very_large_sequences() -> None:
    assert read_one(START, "SEQUENCE:1407317367304").sequence == 1407317367304
