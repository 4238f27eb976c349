"""Free time, and sessions that are written, moved and called off: once, however often it is tried."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.google import open_diary
from integrations.google.diary import GoogleDiary, event_id_of
from tests.fakes.google import FakeGoogle
from tests.fakes.google.calendar import instance_id
from tests.fakes.google.description import Refused
from tests.fakes.google.tokens import ALL_THAT_WE_USE, LEAST
from tests.fakes.google.writes import Mail
from tests.integrations.google.conftest import ANA, BEN, DAY, EVE, MONDAY, WEEK, Calendar, place_of
from tracker.errors import AuthRevoked, BadPayload, ConnectorError
from tracker.events import EventKind, EventStatus, TagRule, Window
from tracker.ports import Entry, Invitee, Meeting
from tracker.references import new_reference, reader_of
from tracker.tags import TagRules

HOUR = timedelta(hours=1)
KEYS = ["a key that is long enough to be one"]
MEETING = Meeting(
    reference=new_reference(KEYS),
    title="Ana and Ben #mentoring",
    notes="Bring your questions",
    starts_at=MONDAY,
    ends_at=MONDAY + HOUR,
    timezone="Europe/Madrid",
    invitees=(Invitee("Ana", ANA), Invitee("Ben", BEN)),
    online=True,
)


@pytest.fixture
def diary(google: FakeGoogle) -> GoogleDiary:
    """Ana's diary, where the administrator granted what we use."""
    google.desk.delegated = set(ALL_THAT_WE_USE)
    return open_diary(ANA, google.key, place_of(google))


@pytest.fixture
def entry(diary: GoogleDiary) -> Entry:
    """A session on the calendars."""
    return diary.create(MEETING)


def item_of(google: FakeGoogle, entry: Entry, owner: str = ANA) -> dict[str, Any]:
    """Return the event as it is on somebody's calendar."""
    return google.office.calendars[owner].items[entry.provider_event_id]


def problem(google: FakeGoogle, work: Any, *values: Any) -> ConnectorError:
    """Return what the work raises."""
    with pytest.raises(ConnectorError) as caught:
        work(*values)
    return caught.value


# Free time


def test_busy_times_come_sorted_and_merged(google: FakeGoogle, diary: GoogleDiary) -> None:
    for start in (MONDAY + 2 * HOUR, MONDAY, MONDAY + HOUR / 2):
        google.office.meet(BEN, (), start, summary="Nobody's business")
    found = diary.free_busy([BEN], Window(MONDAY - HOUR, MONDAY + DAY))
    assert found == {
        BEN: (
            Window(MONDAY, MONDAY + timedelta(minutes=75)),
            Window(MONDAY + 2 * HOUR, MONDAY + timedelta(minutes=165)),
        )
    }


def test_busy_times_end_with_the_window(google: FakeGoogle, diary: GoogleDiary) -> None:
    google.office.meet(BEN, (), MONDAY)
    window = Window(MONDAY + HOUR / 4, MONDAY + HOUR / 2)
    assert diary.free_busy([BEN], window) == {BEN: (window,)}


def test_nobody_knows_when_a_stranger_is_busy(google: FakeGoogle, diary: GoogleDiary) -> None:
    google.hidden.add(BEN)
    found = diary.free_busy([ANA, BEN, EVE], Window(MONDAY, MONDAY + DAY))
    assert found == {ANA: (), BEN: None, EVE: None}


def test_addresses_are_asked_for_as_google_knows_them(google: FakeGoogle, diary: GoogleDiary) -> None:
    found = diary.free_busy(["Ben@Example.com"], Window(MONDAY, MONDAY + DAY))
    assert found == {"Ben@Example.com": ()}


def test_many_people_are_asked_for_in_parts(google: FakeGoogle, diary: GoogleDiary) -> None:
    people = [f"p{number}@example.com" for number in range(120)]
    for person in people:
        google.office.hire(person)
    google.methods()
    found = diary.free_busy(people, Window(MONDAY, MONDAY + DAY))
    assert set(found.values()) == {()}
    assert google.methods() == ["freebusy.query"] * 3


def test_free_time_needs_no_right_to_write(google: FakeGoogle, diary: GoogleDiary) -> None:
    google.desk.delegated -= {scope for scope in google.desk.delegated if scope.endswith("owned")}
    assert diary.free_busy([BEN], Window(MONDAY, MONDAY + DAY)) == {BEN: ()}


# Writing


def test_meeting_is_on_both_calendars(google: FakeGoogle, diary: GoogleDiary) -> None:
    entry = diary.create(MEETING)
    assert (entry.starts_at, entry.ends_at, entry.is_cancelled) == (MONDAY, MONDAY + HOUR, False)
    for owner in (ANA, BEN):
        item = item_of(google, entry, owner)
        assert item["extendedProperties"] == {"shared": {"cadencia": MEETING.reference}}
        assert item["start"]["timeZone"] == "Europe/Madrid"
    assert google.writer.mails == [Mail("invitation", BEN, entry.provider_event_id)]


def test_host_has_accepted_and_the_guest_is_asked(google: FakeGoogle, entry: Entry) -> None:
    answers = {a["email"]: a["responseStatus"] for a in item_of(google, entry)["attendees"]}
    assert answers == {ANA: "accepted", BEN: "needsAction"}


def test_online_meeting_has_a_room(google: FakeGoogle, entry: Entry) -> None:
    assert re.match(r"https://meet\.google\.com/\w", item_of(google, entry)["hangoutLink"])


def test_meeting_in_person_has_no_room(google: FakeGoogle, diary: GoogleDiary) -> None:
    entry = diary.create(replace(MEETING, online=False))
    assert "conferenceData" not in item_of(google, entry)


def test_id_is_one_that_google_takes() -> None:
    assert re.fullmatch(r"[a-v0-9]{5,1024}", event_id_of(MEETING.reference))
    assert event_id_of(MEETING.reference) != event_id_of(new_reference(KEYS))


def test_what_was_written_is_read_as_a_session_of_ours(google: FakeGoogle, entry: Entry) -> None:
    google.desk.delegated.add(LEAST)
    rules = TagRules(is_ours=reader_of(KEYS))
    for owner in (ANA, BEN):
        (event,) = Calendar(google, owner, rules).pull().events
        assert (event.tag_rule, event.session_ref) == (TagRule.CADENCIA, MEETING.reference)
        assert event.conference is not None
        assert event.conference.kind == "meet"


def test_reference_that_is_not_ours_says_nothing(google: FakeGoogle, entry: Entry) -> None:
    rules = TagRules(is_ours=reader_of(["the key of another installation"]))
    (event,) = Calendar(google, ANA, rules).pull().events
    assert (event.tag_rule, event.session_ref) == (TagRule.MARKER, None)


def test_second_try_finds_the_first(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    assert diary.create(MEETING) == entry
    assert len(google.office.calendars[ANA].items) == 1
    assert len(google.writer.mails) == 1


def test_answer_that_got_lost_makes_no_second_meeting(
    google: FakeGoogle, waits: list[float], diary: GoogleDiary
) -> None:
    google.losses.append(Refused(503, "backendError"))
    entry = diary.create(MEETING)
    assert entry.starts_at == MONDAY
    assert len(google.office.calendars[ANA].items) == 1
    assert len(google.writer.mails) == 1
    assert len(waits) == 1


def test_meeting_that_was_called_off_is_not_made_again(diary: GoogleDiary, entry: Entry) -> None:
    diary.cancel(entry)
    assert diary.create(MEETING).is_cancelled


def test_look_shows_what_is_there(diary: GoogleDiary, entry: Entry) -> None:
    assert diary.look(entry.provider_event_id) == entry
    assert diary.look("nothing0") is None


# Moving


def test_meeting_is_moved_for_all(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    moved = diary.move(entry, MONDAY + DAY, MONDAY + DAY + HOUR)
    assert (moved.starts_at, moved.ends_at) == (MONDAY + DAY, MONDAY + DAY + HOUR)
    assert moved.version != entry.version
    assert item_of(google, entry, BEN)["start"]["dateTime"].startswith("2026-03-03T10:00")
    assert item_of(google, entry)["start"]["timeZone"] == "Europe/Madrid", "it stays as it was"
    assert google.writer.mails[-1].kind == "update"


def test_nothing_but_the_time_is_changed(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    google.office.change(entry.provider_event_id, summary="Renamed #mentoring")
    seen = diary.look(entry.provider_event_id)
    assert seen
    diary.move(seen, MONDAY + DAY, MONDAY + DAY + HOUR)
    item = item_of(google, entry)
    assert item["summary"] == "Renamed #mentoring"
    assert item["extendedProperties"]["shared"]["cadencia"] == MEETING.reference


def test_somebody_s_change_is_not_written_over(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    google.office.move(entry.provider_event_id, MONDAY + 2 * DAY)
    refused = problem(google, diary.move, entry, MONDAY + DAY, MONDAY + DAY + HOUR)
    assert refused.code == "changed"
    assert item_of(google, entry)["start"]["dateTime"].startswith("2026-03-04")


def test_move_that_went_through_can_be_tried_again(
    google: FakeGoogle, diary: GoogleDiary, entry: Entry
) -> None:
    moved = diary.move(entry, MONDAY + DAY, MONDAY + DAY + HOUR)
    assert diary.move(entry, MONDAY + DAY, MONDAY + DAY + HOUR) == moved
    assert [mail.kind for mail in google.writer.mails] == ["invitation", "update"]


def test_move_of_a_meeting_that_is_gone(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    google.office.cancel(entry.provider_event_id)
    assert problem(google, diary.move, entry, MONDAY, MONDAY + HOUR).code == "not_found"


def test_meeting_that_became_a_day_gets_a_time_again(
    google: FakeGoogle, diary: GoogleDiary, entry: Entry
) -> None:
    day = {"start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}}
    google.office.change(entry.provider_event_id, **day)
    seen = diary.look(entry.provider_event_id)
    assert seen
    assert seen.starts_at == datetime(2026, 3, 2, tzinfo=UTC)
    assert diary.move(seen, MONDAY, MONDAY + HOUR).starts_at == MONDAY
    assert "date" not in item_of(google, entry)["start"]


def test_one_occurrence_of_a_series_is_moved(google: FakeGoogle, diary: GoogleDiary, ana: Calendar) -> None:
    series = google.office.repeat(ANA, (BEN,), MONDAY, "FREQ=WEEKLY;COUNT=3")
    seen = diary.look(instance_id(series, MONDAY + WEEK))
    assert seen
    diary.move(seen, MONDAY + WEEK + DAY, MONDAY + WEEK + DAY + HOUR)
    events = ana.pull().events
    assert sorted(e.start for e in events) == [MONDAY, MONDAY + WEEK + DAY, MONDAY + 2 * WEEK]
    assert [e.kind for e in events].count(EventKind.EXCEPTION) == 1


# Calling off


def test_meeting_is_called_off_for_all(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    diary.cancel(entry)
    assert {item_of(google, entry, owner)["status"] for owner in (ANA, BEN)} == {"cancelled"}
    assert google.writer.mails[-1].kind == "cancellation"
    seen = diary.look(entry.provider_event_id)
    assert seen
    assert seen.is_cancelled


def test_calling_off_twice_is_no_error(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    diary.cancel(entry)
    diary.cancel(entry)
    assert [mail.kind for mail in google.writer.mails] == ["invitation", "cancellation"]


def test_calling_off_what_never_was_is_no_error(diary: GoogleDiary) -> None:
    diary.cancel(Entry("nothing0", '"1"', MONDAY, MONDAY + HOUR))


def test_changed_meeting_is_not_called_off_unseen(
    google: FakeGoogle, diary: GoogleDiary, entry: Entry
) -> None:
    google.office.move(entry.provider_event_id, MONDAY + 2 * DAY)
    assert problem(google, diary.cancel, entry).code == "changed"
    assert item_of(google, entry)["status"] == "confirmed"


def test_lost_answer_to_a_cancellation(
    google: FakeGoogle, waits: list[float], diary: GoogleDiary, entry: Entry
) -> None:
    google.losses.append(Refused(503, "backendError"))
    diary.cancel(entry)
    assert item_of(google, entry)["status"] == "cancelled"
    assert len(waits) == 1


def test_lost_answer_to_a_move(
    google: FakeGoogle, waits: list[float], diary: GoogleDiary, entry: Entry
) -> None:
    google.losses.append(Refused(503, "backendError"))
    assert diary.move(entry, MONDAY + DAY, MONDAY + DAY + HOUR).starts_at == MONDAY + DAY
    assert [mail.kind for mail in google.writer.mails] == ["invitation", "update"]


def test_one_occurrence_of_a_series_is_called_off(
    google: FakeGoogle, diary: GoogleDiary, ana: Calendar
) -> None:
    series = google.office.repeat(ANA, (BEN,), MONDAY, "FREQ=WEEKLY;COUNT=3")
    seen = diary.look(instance_id(series, MONDAY + WEEK))
    assert seen
    diary.cancel(seen)
    diary.cancel(seen)
    states = {e.original_start: e.status for e in ana.pull().events}
    assert states[MONDAY + WEEK] is EventStatus.CANCELLED
    assert list(states.values()).count(EventStatus.CONFIRMED) == 2


# What Google refuses


def test_writing_that_was_not_delegated(google: FakeGoogle) -> None:
    diary = open_diary(ANA, google.key, place_of(google))
    assert problem(google, diary.create, MEETING).code == "not_delegated"


def test_consent_that_does_not_cover_writing(google: FakeGoogle) -> None:
    access = Reading(google)
    refused = problem(google, open_diary(ANA, access, place_of(google)).create, MEETING)
    assert isinstance(refused, AuthRevoked)
    assert refused.code == "no_scope"


def test_meeting_of_somebody_else_s_can_not_be_moved(google: FakeGoogle, diary: GoogleDiary) -> None:
    event = google.office.meet(BEN, (ANA,), MONDAY)
    seen = diary.look(event)
    assert seen
    assert problem(google, diary.move, seen, MONDAY + DAY, MONDAY + DAY + HOUR).code == "no_right"


@pytest.mark.parametrize(("status", "reason"), [(403, "rateLimitExceeded"), (429, "rateLimitExceeded")])
def test_asked_to_slow_down_a_write_waits(
    google: FakeGoogle, waits: list[float], status: int, reason: str
) -> None:
    google.desk.delegated = set(ALL_THAT_WE_USE)
    diary = open_diary(ANA, google.key, place_of(google))
    google.faults.append(Refused(status, reason, {"Retry-After": "6"}))
    diary.create(MEETING)
    assert [wait >= 6 for wait in waits] == [True]


def test_sign_in_page_of_a_proxy_is_no_entry(google: FakeGoogle, diary: GoogleDiary, entry: Entry) -> None:
    google.raw = b"<html>Please sign in</html>"
    assert isinstance(problem(google, diary.look, entry.provider_event_id), BadPayload)


@dataclass
class Reading:
    """A consent to reading alone."""

    google: FakeGoogle

    def token(self) -> str:
        """Return a token that may read."""
        self.google.desk.issued["ya29.reading"] = self.google.desk.consents[self.google.desk.consent(ANA)]
        return "ya29.reading"

    def replace(self, refused: str) -> str:
        """Return another."""
        return self.token()
