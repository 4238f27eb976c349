"""What is asked of Google, and what a reading makes of the answers."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.google.listing import Listing
from integrations.google.payload import PAGE_FIELDS
from tests.fakes.google import FakeGoogle
from tests.fakes.google.office import JANUARY, stamp
from tests.integrations.google.conftest import ANA, BEN, DAY, EVE, MONDAY, WEEK, WINDOW, Calendar
from tracker.errors import BadPayload, ConnectorError, SyncTokenExpired
from tracker.events import CopyRole, EventKind, EventStatus, PullKind, TagRule, Window
from tracker.tags import TagRules

WEEKLY = "FREQ=WEEKLY;COUNT=4"


def test_first_reading_is_full(google: FakeGoogle, ana: Calendar) -> None:
    google.office.meet(ANA, (BEN,), MONDAY)
    pull = ana.pull()
    assert (pull.kind, pull.window, pull.looked_at) == (PullKind.FULL, WINDOW, 1)
    assert [e.start for e in pull.events] == [MONDAY]


def test_no_change_is_one_request(google: FakeGoogle, ana: Calendar) -> None:
    google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    ana.pull()
    google.methods()
    assert ana.pull().kind is PullKind.UNCHANGED
    assert google.methods() == ["events.list"]


def test_changes_elsewhere_on_the_calendar_cost_one_request(google: FakeGoogle, ana: Calendar) -> None:
    ana.pull()
    google.methods()
    google.office.repeat(ANA, (EVE,), MONDAY, WEEKLY, summary="Lunch")
    pull = ana.pull()
    assert (pull.kind, pull.events, google.methods()) == (PullKind.UNCHANGED, (), ["events.list"])


def test_a_page_may_be_empty_and_not_the_last(google: FakeGoogle, ana: Calendar) -> None:
    calendar = google.office.calendars[ANA]
    calendar.page_size, calendar.empty_pages = 1, True
    for day in range(3):
        google.office.meet(ANA, (BEN,), MONDAY + day * DAY)
    assert len(ana.pull().events) == 3
    assert google.methods() == ["events.list"] * 7


def test_changes_come_in_pages_too(google: FakeGoogle, ana: Calendar) -> None:
    ana.pull()
    google.office.calendars[ANA].page_size = 1
    for day in range(3):
        google.office.meet(ANA, (BEN,), MONDAY + day * DAY)
    google.methods()
    assert len(ana.pull().events) == 3
    assert google.methods() == ["events.list"] * 3


@pytest.mark.parametrize("token", ["CPjqwZ2H5ZADEPjqwZ2H5ZAD", "a/b+c d=&%é"])
def test_question_for_changes_is_the_one_that_the_library_writes(ana: Calendar, token: str) -> None:
    source = ana.open()
    owner = "ana+work@example.com"
    ours = Listing(source.api, source.line, owner, ["default"])._ask_changes(token)
    theirs = source.api.events.list(
        calendarId=owner, syncToken=token, maxResults=2500, fields=PAGE_FIELDS, singleEvents=False,
        showDeleted=True, eventTypes=["default"],
    )  # fmt: skip
    assert (ours.method, ours.headers, ours.body) == (theirs.method, theirs.headers, theirs.body)
    assert urlsplit(ours.uri).path == urlsplit(theirs.uri).path
    assert parse_qs(urlsplit(ours.uri).query) == parse_qs(urlsplit(theirs.uri).query)


def test_untagged_series_are_never_expanded(google: FakeGoogle, ana: Calendar) -> None:
    google.office.repeat(ANA, (EVE,), MONDAY, WEEKLY, summary="Lunch")
    google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    ana.pull()
    assert google.methods() == ["events.list", "events.instances"]


def test_nothing_private_is_asked_for(google: FakeGoogle, ana: Calendar) -> None:
    google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    ana.pull()
    for asked in google.asked:
        for word in ("description", "location", "displayName", "attachments", "creator"):
            assert word not in asked.query["fields"]
    assert google.asked[0].query["eventTypes"] == ["default"]


def test_forgotten_sync_token_is_said_so(google: FakeGoogle, ana: Calendar) -> None:
    ana.pull()
    google.office.calendars[ANA].expire_tokens()
    with pytest.raises(SyncTokenExpired):
        ana.pull()


def test_a_sync_token_that_is_none_means_reading_anew(google: FakeGoogle, ana: Calendar) -> None:
    ana.pull()
    assert ana.cursor
    ana.cursor = ana.cursor.replace('"token":"', '"token":"x')
    with pytest.raises(SyncTokenExpired):
        ana.pull()


def test_another_window_is_another_question(google: FakeGoogle, ana: Calendar) -> None:
    google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    ana.pull()
    pull = ana.pull(Window(WINDOW.start, MONDAY + 10 * DAY))
    assert (pull.kind, len(pull.events)) == (PullKind.FULL, 2)


def test_other_rules_are_another_question(google: FakeGoogle, ana: Calendar) -> None:
    google.office.meet(ANA, (BEN,), MONDAY, summary="Tandem")
    assert ana.pull().events == ()
    ana.rules = TagRules(markers=("tandem",))
    pull = ana.pull()
    assert (pull.kind, len(pull.events)) == (PullKind.FULL, 1)


def test_a_cursor_of_another_version_is_none(google: FakeGoogle, ana: Calendar) -> None:
    ana.cursor = '{"v": 0}'
    assert ana.pull().kind is PullKind.FULL


def test_the_cursor_holds_nothing_of_what_events_say(google: FakeGoogle, ana: Calendar) -> None:
    google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY, summary="Salary #mentoring")
    pull = ana.pull()
    assert pull.cursor
    assert "Salary" not in pull.cursor
    assert BEN not in pull.cursor


def test_deleted_entries_are_named(google: FakeGoogle, ana: Calendar, ben: Calendar) -> None:
    event = google.office.meet(ANA, (BEN,), MONDAY)
    ana.pull()
    ben.pull()
    google.office.now += DAY
    google.office.cancel(event)
    assert ben.pull().removed == (event,)
    (cancelled,) = ana.pull().events
    assert (cancelled.status, cancelled.updated_at) == (EventStatus.CANCELLED, JANUARY + DAY)


def test_tombstones_of_strangers_are_dropped(google: FakeGoogle, ben: Calendar) -> None:
    event = google.office.meet(ANA, (BEN,), MONDAY, summary="Lunch")
    ben.pull()
    google.office.cancel(event)
    assert ben.pull().removed == ()


def test_single_entry_deleted_before_the_first_reading_is_told(google: FakeGoogle, ana: Calendar) -> None:
    event = google.office.meet(ANA, (BEN,), MONDAY)
    google.office.cancel(event)
    (cancelled,) = ana.pull().events
    assert (cancelled.status, cancelled.start) == (EventStatus.CANCELLED, MONDAY)


def test_deleted_series_names_all_its_sessions(google: FakeGoogle, ben: Calendar) -> None:
    series = google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    known = {e.provider_event_id for e in ben.pull().events}
    google.methods()
    google.office.cancel(series)
    assert set(ben.pull().removed) == known
    assert google.methods() == ["events.list"]


def test_moved_series_tells_what_vanished(google: FakeGoogle, ana: Calendar) -> None:
    series = google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    before = {e.provider_event_id for e in ana.pull().events}
    google.office.move(series, MONDAY + DAY)
    pull = ana.pull()
    assert set(pull.vanished) == before
    assert pull.removed == ()
    assert [e.start for e in pull.events] == [MONDAY + DAY + n * WEEK for n in range(4)]


def test_instance_moved_beyond_the_window_is_a_move(google: FakeGoogle, ana: Calendar) -> None:
    series = google.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    ana.pull()
    google.office.move_instance(series, MONDAY, WINDOW.end + DAY)
    pull = ana.pull()
    assert pull.vanished == ()
    assert WINDOW.end + DAY in [e.start for e in pull.events]


def test_entry_moved_beyond_the_window_is_a_move(google: FakeGoogle, ana: Calendar) -> None:
    event = google.office.meet(ANA, (BEN,), MONDAY)
    ana.pull()
    google.office.move(event, WINDOW.end + DAY)
    assert [e.start for e in ana.pull().events] == [WINDOW.end + DAY]


def test_what_lies_beyond_the_window_is_not_listed(google: FakeGoogle, ana: Calendar) -> None:
    google.office.meet(ANA, (BEN,), WINDOW.end + DAY)
    google.office.meet(ANA, (BEN,), WINDOW.start - DAY)
    google.office.repeat(ANA, (BEN,), WINDOW.end - 8 * DAY, WEEKLY)
    assert len(ana.pull().events) == 2


def test_old_entries_are_not_even_sent(google: FakeGoogle, ana: Calendar) -> None:
    google.office.meet(ANA, (EVE,), WINDOW.start - DAY, summary="Lunch")
    assert ana.pull().looked_at == 0


def test_guest_of_one_instance_alone(google: FakeGoogle, ben: Calendar) -> None:
    """Whoever is invited to one occurrence has it without its series."""
    series = google.office.repeat(ANA, (), MONDAY, WEEKLY)
    instance = google.office.change_instance(series, MONDAY, attendees=[{"email": ANA}, {"email": BEN}])
    lone = {**google.office.calendars[ANA].items[instance], "organizer": {"email": ANA}}
    google.office.calendars[BEN].put(lone)
    (event,) = ben.pull().events
    assert (event.kind, event.original_start, event.copy_role) == (
        EventKind.EXCEPTION,
        MONDAY,
        CopyRole.ATTENDEE,
    )
    google.office.calendars[BEN].bury(instance)
    assert ben.pull().removed == (instance,)


def test_one_instance_with_a_tag_of_its_own(google: FakeGoogle, ana: Calendar) -> None:
    series = google.office.repeat(ANA, (EVE,), MONDAY, WEEKLY, summary="Lunch")
    google.office.change_instance(series, MONDAY + WEEK, summary="Lunch #mentoring")
    assert [e.start for e in ana.pull().events] == [MONDAY + WEEK]
    google.office.cancel_instance(series, MONDAY + WEEK)
    assert ana.pull().removed == (f"{series}_20260309T100000Z",)


def test_instance_without_the_tag_of_its_series_counts(google: FakeGoogle, ana: Calendar) -> None:
    series = google.office.repeat(ANA, (EVE,), MONDAY, WEEKLY)
    google.office.change_instance(series, MONDAY, summary="In the park this time")
    events = ana.pull().events
    assert {e.tag_rule for e in events} == {TagRule.MARKER}
    assert len(events) == 4


def test_alias_names_the_account_but_not_its_calendar(google: FakeGoogle) -> None:
    google.office.aliases["a.garcia@example.com"] = ANA
    google.office.meet(ANA, (BEN,), MONDAY)
    calendar = Calendar(google, "a.garcia@example.com")
    assert len(calendar.pull().events) == 1
    google.methods()
    assert calendar.pull().kind is PullKind.UNCHANGED
    assert google.methods() == ["events.list"]


def test_calendar_that_only_shows_when_its_owner_is_busy(google: FakeGoogle, ana: Calendar) -> None:
    google.office.calendars[ANA].access_role = "freeBusyReader"
    with pytest.raises(ConnectorError) as caught:
        ana.pull()
    assert caught.value.code == "no_right"


def test_broken_entry_is_set_aside_and_costs_no_other(google: FakeGoogle, ana: Calendar) -> None:
    event = google.office.meet(ANA, (BEN,), MONDAY, summary="Salary #mentoring")
    google.office.meet(ANA, (BEN,), MONDAY + DAY)
    del google.office.calendars[ANA].items[event]["start"]
    pull = ana.pull()
    assert [e.start for e in pull.events] == [MONDAY + DAY]
    (aside,) = pull.set_aside
    assert "no start" in aside.issue
    assert "Salary" not in f"{aside}"


def test_sign_in_page_of_a_proxy_is_no_calendar(google: FakeGoogle, ana: Calendar) -> None:
    ana.pull()
    google.raw = b"<html>Please sign in</html>"
    with pytest.raises(BadPayload):
        ana.pull()


def test_long_tokens_still_get_through(google: FakeGoogle, ana: Calendar) -> None:
    """The library asks by POST where an address grows beyond what servers take."""
    source = ana.open()
    token = "x" * 3000
    request = source.api.events.list(calendarId=ANA, pageToken=token)
    with pytest.raises(ConnectorError) as caught:
        source.line.fetch(request)
    assert caught.value.code == "refused"
    assert google.asked[-1].query["pageToken"] == token


def test_listing_that_ends_without_a_sync_token_is_cut_off(google: FakeGoogle, ana: Calendar) -> None:
    source = ana.open()
    source.line.fetch(source.api.events.list(calendarId=ANA))
    google.raw = b'{"items": []}'
    with pytest.raises(BadPayload) as caught:
        source.pull(None, WINDOW, TagRules())
    assert caught.value.code == "cut_off"


def test_listing_that_never_ends_is_left(google: FakeGoogle, ana: Calendar) -> None:
    source = ana.open()
    source.line.fetch(source.api.events.list(calendarId=ANA))
    google.raw = b'{"items": [], "nextPageToken": "again"}'
    with pytest.raises(BadPayload) as caught:
        source.pull(None, WINDOW, TagRules())
    assert caught.value.code == "too_large"


def test_everything_can_be_shown_to_its_owner(google: FakeGoogle, ana: Calendar) -> None:
    google.office.meet(ANA, (EVE,), MONDAY, summary="Lunch")
    google.office.repeat(ANA, (EVE,), MONDAY, WEEKLY, summary="Yoga")
    ana.rules = TagRules(keep_untagged=True)
    events = ana.pull().events
    assert len(events) == 5
    assert {e.tag_rule for e in events} == {None}


def test_cancelled_entry_comes_back(google: FakeGoogle, ana: Calendar) -> None:
    event = google.office.meet(ANA, (BEN,), MONDAY)
    ana.pull()
    google.office.cancel(event)
    ana.pull()
    item = google.office.calendars[ANA].items[event]
    google.office.calendars[ANA].put(
        {**item, "status": "confirmed", "updated": stamp(datetime(2026, 2, 1, tzinfo=UTC))}
    )
    assert [e.status for e in ana.pull().events] == [EventStatus.CONFIRMED]
