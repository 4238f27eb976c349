"""Readings of an Outlook calendar, and the traps that Graph lays; numbers are those of the list of traps."""

from __future__ import annotations

import msgspec
import pytest

from integrations.outlook.cursor import LOOK_AGAIN
from tests.fakes.graph.mailbox import Refused, write_time
from tests.fakes.graph.mirror import graph_id
from tests.integrations.outlook.conftest import (
    DAY,
    LENGTH,
    MONDAY,
    WEEK,
    WINDOW,
    Reading,
    called_off,
    event,
    occurrence,
    series,
    standing,
)
from tracker.errors import BadPayload, ConnectorError, SyncTokenExpired
from tracker.events import CopyRole, EventKind, PullKind, Window
from tracker.tags import TagRules

FOUR = [MONDAY + n * WEEK for n in range(4)]


def test_calendar_without_changes_costs_one_request(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    ana.pull()
    ana.graph.asked.clear()
    assert ana.pull().kind is PullKind.UNCHANGED
    assert ana.graph.targets() == ["calendarView/delta"]


def test_untagged_entries_are_dropped(ana: Reading) -> None:
    ana.box.put(event("a", subject="Dentist"))
    ana.box.put(*series("s", FOUR, subject="Yoga"))
    pull = ana.pull()
    assert (pull.events, pull.looked_at) == ((), 2)
    assert "Dentist" not in str(ana.cursor)


def test_everything_is_shown_to_whoever_asks_for_it(ana: Reading) -> None:
    ana.rules = TagRules(keep_untagged=True)
    ana.box.put(event("a", subject="Dentist"))
    ana.box.put(*series("s", [s + DAY for s in FOUR], subject="Yoga"))
    assert len(ana.pull().events) == 5


@pytest.mark.parametrize("size", [1, 2, 500])
@pytest.mark.parametrize("empty", [True, False])
def test_pages_may_be_short_or_empty(ana: Reading, size: int, *, empty: bool) -> None:
    ana.box.page_size, ana.box.empty_pages = size, empty
    ana.box.put(*series("s", FOUR))
    ana.box.put(event("a", MONDAY + DAY))
    assert standing(ana.pull()) == [FOUR[0], MONDAY + DAY, *FOUR[1:]]


# 1. The place is lost


@pytest.mark.parametrize("answer", [
    (410, "syncStateNotFound"), (410, "resyncRequired"), (400, "SyncStateNotFound"),
    (403, "syncStateNotFound"), (404, "syncStateNotFound"), (400, "ErrorInvalidSyncStateData"),
    (400, "ErrorInvalidUrlQuery"),
])  # fmt: skip
def test_lost_place_asks_for_a_new_reading(ana: Reading, answer: tuple[int, str]) -> None:
    ana.box.put(event("a"))
    ana.pull()
    ana.box.lost_place = answer
    ana.box.expire_links()
    with pytest.raises(SyncTokenExpired):
        ana.pull()


# 2. A reading that breaks off


def test_reading_that_breaks_off_is_no_reading(ana: Reading) -> None:
    for day in range(3):
        ana.box.put(event(str(day), MONDAY + day * DAY))
    ana.box.page_size, ana.box.breaks_at = 1, 2
    with pytest.raises(ConnectorError) as caught:
        ana.pull()
    assert (caught.value.code, caught.value.retry_after_s) == ("server_error", 3600)


def test_list_that_ends_without_a_link_is_no_reading(ana: Reading) -> None:
    ana.pull()
    ana.graph.raw = b'{"value": []}'
    with pytest.raises(BadPayload):
        ana.pull()


def test_list_that_goes_in_circles_comes_to_an_end(ana: Reading) -> None:
    ana.pull()
    link = msgspec.json.decode(ana.cursor or "")["link"]
    ana.graph.raw = msgspec.json.encode({"value": [], "@odata.nextLink": link})
    with pytest.raises(BadPayload):
        ana.pull()


def test_link_to_another_host_is_not_followed(ana: Reading) -> None:
    ana.pull()
    ana.graph.raw = msgspec.json.encode(
        {"value": [], "@odata.nextLink": "https://127.0.0.1.example.com/v1.0/x"}
    )
    with pytest.raises(BadPayload, match="away"):
        ana.pull()


# 4. Answers are repeated, in any order


def test_what_is_sent_twice_counts_once(ana: Reading) -> None:
    ana.box.repeats = True
    ana.box.put(*series("s", FOUR))
    ana.box.put(event("a", MONDAY + DAY))
    assert len(ana.pull().events) == 5


def test_occurrences_may_come_before_their_series(ana: Reading) -> None:
    ana.box.backwards = True
    ana.box.put(*series("s", FOUR))
    master, occurrences = series("t", [s + DAY for s in FOUR], subject="Yoga")
    tagged = occurrence(master, "t", FOUR[1] + DAY, subject="Yoga, then #mentoring")
    ana.box.put(master, [occurrences[0], tagged, *occurrences[2:]])
    assert standing(ana.pull()) == [*FOUR[:2], FOUR[1] + DAY, *FOUR[2:]]


# 7. Removed, or out of the window


def test_deleted_entry_is_removed(ana: Reading) -> None:
    ana.box.put(event("a"))
    ana.pull()
    ana.box.delete(graph_id("a"))
    pull = ana.pull()
    assert (pull.removed, pull.events) == ((graph_id("a"),), ())


def test_entry_that_left_the_window_moved(ana: Reading) -> None:
    ana.box.put(event("a"))
    ana.pull()
    ana.box.put(event("a", WINDOW.end + DAY))
    pull = ana.pull()
    assert standing(pull) == [WINDOW.end + DAY]
    assert (pull.removed, pull.vanished) == ((), ())


def test_removed_entry_that_was_never_a_session_costs_no_request(ana: Reading) -> None:
    ana.pull()
    ana.box.put(event("a", WINDOW.end + DAY, subject="Dentist"))
    ana.graph.asked.clear()
    assert ana.pull().kind is PullKind.UNCHANGED
    assert ana.graph.targets() == ["calendarView/delta"]


def test_entry_in_another_folder_is_not_called_off(ana: Reading) -> None:
    """18. Its immutable id still finds it, at its old time: nobody said that the meeting is off."""
    ana.box.put(event("a"))
    ana.pull()
    ana.box.move_away(graph_id("a"), "Another calendar")
    pull = ana.pull()
    assert (pull.removed, pull.vanished, pull.events) == ((), (graph_id("a"),), ())


def test_series_in_another_folder_is_not_called_off(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    ana.pull()
    ana.box.move_away(graph_id("s"), "Another calendar")
    pull = ana.pull()
    assert (pull.removed, len(pull.vanished), pull.events) == ((), 4, ())


def test_series_whose_beginning_is_outside_the_window_lives_on(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    window = Window(FOUR[2] - DAY, WINDOW.end)
    assert standing(ana.pull(window)) == FOUR[2:]
    ana.box.touch_all()
    pull = ana.pull(window)
    assert standing(pull) == FOUR[2:]
    assert (pull.removed, pull.vanished) == ((), ())


def test_exception_that_left_the_window_moved(ana: Reading) -> None:
    master, occurrences = series("s", FOUR)
    ana.box.put(master, occurrences)
    ana.pull()
    late = WINDOW.end + DAY
    moved = occurrence(master, "s", FOUR[1], start=write_time(late), end=write_time(late + LENGTH))
    ana.box.put(master, [occurrences[0], moved, *occurrences[2:]])
    pull = ana.pull()
    assert standing(pull) == [FOUR[0], *FOUR[2:], late]
    assert pull.vanished == ()


# 8. Deleted occurrences


def test_deleted_occurrence_is_called_off_by_the_organiser(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    ana.pull()
    ana.box.call_off(graph_id("s"), "2026-03-16")
    pull = ana.pull()
    assert called_off(pull) == [FOUR[2]]
    (off,) = [e for e in pull.events if e.start == FOUR[2]]
    assert (off.kind, off.copy_role, off.original_start) == (EventKind.EXCEPTION, CopyRole.ORGANISER, FOUR[2])


def test_occurrence_that_was_deleted_without_a_trace_is_found_in_time(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    ana.pull()
    ana.box.silent = True
    ana.box.call_off(graph_id("s"), "2026-03-16")
    found = [called_off(ana.pull()) for _ in range(LOOK_AGAIN)]
    assert found[:-1] == [[]] * (LOOK_AGAIN - 1)
    assert found[-1] == [FOUR[2]]


def test_occurrence_that_a_guest_deletes_is_not_called_off(ben: Reading) -> None:
    ben.box.put(*series("s", FOUR, is_organizer=False))
    ben.pull()
    ben.box.call_off(graph_id("s"), "2026-03-16")
    pull = ben.pull()
    assert called_off(pull) == []
    assert pull.vanished == (graph_id("s 20260316"),)


def test_summer_time_does_not_hide_a_slot_that_was_called_off(ana: Reading) -> None:
    """Ten in Madrid is an hour earlier in UTC after 29 March."""
    starts = [MONDAY, MONDAY + 4 * WEEK - DAY / 24]
    ana.box.put(*series("s", starts))
    ana.box.call_off(graph_id("s"), "2026-03-30")
    assert called_off(ana.pull()) == starts[1:]


def test_slot_in_a_zone_that_nobody_knows_just_vanishes(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR, original_start_time_zone="tzone://Microsoft/Custom"))
    ana.pull()
    ana.box.call_off(graph_id("s"), "2026-03-16")
    pull = ana.pull()
    assert called_off(pull) == []
    assert pull.vanished == (graph_id("s 20260316"),)


# 9. Bare occurrences


def test_bare_occurrences_are_filled_from_a_series_that_was_not_sent(ana: Reading) -> None:
    ana.box.hides_masters = True
    ana.box.put(*series("s", FOUR))
    pull = ana.pull()
    assert standing(pull) == FOUR
    assert {e.organiser for e in pull.events} == {"ana@example.com"}


def test_occurrences_of_nobodys_series_are_dropped_though_it_was_not_sent(ana: Reading) -> None:
    ana.box.hides_masters = True
    ana.box.put(*series("s", FOUR, subject="Yoga"))
    assert ana.pull().events == ()


def test_exceptions_may_come_as_bare_as_occurrences(ana: Reading) -> None:
    ana.box.bare_exceptions = True
    master, occurrences = series("s", FOUR)
    late = FOUR[1] + DAY
    moved = occurrence(master, "s", FOUR[1], start=write_time(late), end=write_time(late + LENGTH))
    ana.box.put(master, [occurrences[0], moved, *occurrences[2:]])
    pull = ana.pull()
    assert {e.start: e.original_start for e in pull.events}[late] == FOUR[1]
    assert pull.set_aside == ()


def test_deleted_series_that_can_still_be_asked_for_is_not_shown(ana: Reading) -> None:
    ana.box.finds_deleted = True
    ana.box.put(*series("s", FOUR))
    ana.box.put(event("a"))
    ana.pull()
    ana.box.delete(graph_id("s"))
    ana.box.delete(graph_id("a"))
    pull = ana.pull()
    assert (pull.events, pull.removed, len(pull.vanished)) == ((), (), 5)


def test_exception_counts_by_itself(ana: Reading) -> None:
    master, occurrences = series("s", FOUR, subject="Yoga")
    tagged = occurrence(master, "s", FOUR[1], subject="Yoga, then #mentoring")
    ana.box.put(master, [occurrences[0], tagged, *occurrences[2:]])
    assert standing(ana.pull()) == [FOUR[1]]


def test_both_ways_of_reading_a_series_agree(ana: Reading) -> None:
    """A first reading fills bare occurrences, a later one lists whole ones: that changes no version."""
    master, occurrences = series("s", FOUR)
    moved = occurrence(
        master, "s", FOUR[1], start=write_time(FOUR[1] + DAY), end=write_time(FOUR[1] + DAY + LENGTH)
    )
    ana.box.put(master, [occurrences[0], moved, *occurrences[2:]])
    first = ana.pull()
    ana.box.touch_all()
    assert set(ana.pull().events) == set(first.events)


# 10. The window moves on


def test_window_that_moved_is_read_anew_without_removals(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    ana.pull()
    pull = ana.pull(Window(FOUR[1] - DAY, WINDOW.end + 30 * DAY))
    assert (pull.kind, pull.removed, pull.vanished) == (PullKind.FULL, (), ())
    assert standing(pull) == FOUR[1:]


def test_delta_link_is_sent_as_it_came(ana: Reading) -> None:
    ana.pull()
    link = msgspec.json.decode(ana.cursor or "")["link"]
    ana.graph.asked.clear()
    ana.pull()
    assert ana.graph.root + "/v1.0" + ana.graph.asked[0].target == link


# 11, 12. Identity


def test_ids_are_kept_byte_by_byte(ana: Reading) -> None:
    ids = ["AAkA_b-C=", "AAkA-b_C=", "aakA_b-C="]
    for number, name in enumerate(ids):
        ana.box.put(event(str(number), MONDAY + number * DAY, id=name))
    assert sorted(e.provider_event_id for e in ana.pull().events) == sorted(ids)
    ana.box.delete(ids[1])
    assert ana.pull().removed == (ids[1],)


def test_occurrences_share_what_their_ids_do_not(ana: Reading) -> None:
    master, occurrences = series("s", FOUR)
    moved = occurrence(
        master, "s", FOUR[1], start=write_time(FOUR[1] + DAY), end=write_time(FOUR[1] + DAY + LENGTH)
    )
    ana.box.put(master, [occurrences[0], moved, *occurrences[2:]])
    assert len({e.ical_uid for e in (master, *occurrences, moved)}) == 5
    assert len({e.lineage for e in ana.pull().events}) == 1


def test_exception_with_another_uid_belongs_to_its_series(ana: Reading) -> None:
    master, occurrences = series("s", FOUR)
    other = occurrence(master, "s", FOUR[1], ical_uid="something-else@example.com")
    ana.box.put(master, [occurrences[0], other, *occurrences[2:]])
    assert len({e.uid for e in ana.pull().events}) == 1


# 14, 15. Guests, and series that move


def test_cancelled_copy_of_a_guest_says_who_called_it_off(ben: Reading) -> None:
    ben.box.put(event("a", is_organizer=False))
    ben.pull()
    ben.box.put(event("a", is_organizer=False, is_cancelled=True))
    (off,) = ben.pull().events
    assert (off.status, off.copy_role, off.organiser) == ("cancelled", CopyRole.ATTENDEE, "ana@example.com")


def test_cancelled_series_of_a_guest_is_called_off(ben: Reading) -> None:
    master, occurrences = series("s", FOUR, is_organizer=False)
    ben.box.put(master, occurrences)
    ben.pull()
    off = [msgspec.structs.replace(e, is_cancelled=True) for e in (master, *occurrences)]
    ben.box.put(off[0], off[1:])
    pull = ben.pull()
    assert called_off(pull) == FOUR
    assert (pull.removed, pull.vanished) == ((), ())


def test_series_that_moved_loses_its_old_slots_and_shows_new_ones(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    ana.pull()
    ana.box.put(*series("s", [s + DAY for s in FOUR]))
    pull = ana.pull()
    assert standing(pull) == [s + DAY for s in FOUR]
    assert (pull.removed, len(pull.vanished)) == ((), 4)


def test_series_that_became_a_single_entry(ana: Reading) -> None:
    ana.box.put(*series("s", FOUR))
    ana.pull()
    ana.box.put(event("s"))
    pull = ana.pull()
    assert standing(pull) == [MONDAY]
    assert len(pull.vanished) == 4


# 21. What can not be understood


def test_entry_without_a_zone_is_set_aside_and_not_gone(ana: Reading) -> None:
    ana.box.put(event("a"))
    ana.pull()
    odd = msgspec.structs.replace(write_time(MONDAY), time_zone="Middle Earth Standard Time")
    ana.box.put(event("a", start=odd))
    pull = ana.pull()
    assert (pull.removed, pull.vanished, pull.events) == ((), (), ())
    assert [aside.issue for aside in pull.set_aside] == ["its time has no zone"]
    assert "mentoring" not in str(pull.set_aside)


def test_occurrence_that_can_not_be_read_is_not_gone(ana: Reading) -> None:
    master, occurrences = series("s", FOUR)
    ana.box.put(master, occurrences)
    ana.pull()
    odd = occurrence(
        master, "s", FOUR[1], start=msgspec.structs.replace(write_time(FOUR[1]), time_zone="Nowhere")
    )
    ana.box.put(master, [occurrences[0], odd, *occurrences[2:]])
    pull = ana.pull()
    assert (pull.vanished, len(pull.set_aside)) == ((), 1)


def test_sign_in_page_in_between_is_no_calendar(ana: Reading) -> None:
    ana.pull()
    ana.graph.raw = b"<html>Sign in</html>"
    with pytest.raises(BadPayload):
        ana.pull()


# Batches


def test_requests_of_a_batch_are_tried_again_by_themselves(ana: Reading, waits: list[float]) -> None:
    for day in range(3):
        ana.box.put(event(str(day), MONDAY + day * DAY))
    ana.pull()
    for day in range(3):
        ana.box.delete(graph_id(str(day)))
    ana.graph.batch_faults.append(Refused(429, "ApplicationThrottled", {"Retry-After": "7"}))
    assert len(ana.pull().removed) == 3
    assert [int(w) for w in waits] == [7]
    assert sum(a.in_batch for a in ana.graph.asked) == 4


def test_refused_request_of_a_batch_is_no_deletion(ana: Reading, waits: list[float]) -> None:
    ana.box.put(event("a"))
    ana.pull()
    ana.box.delete(graph_id("a"))
    ana.graph.batch_faults.append(Refused(403, "ErrorAccessDenied"))
    with pytest.raises(ConnectorError) as caught:
        ana.pull()
    assert (caught.value.code, waits) == ("not_in_scope", [])


def test_more_than_a_batch_holds_goes_in_several(ana: Reading) -> None:
    for day in range(45):
        ana.box.put(event(str(day), MONDAY + day * DAY))
    ana.pull()
    for day in range(45):
        ana.box.delete(graph_id(str(day)))
    ana.graph.asked.clear()
    assert len(ana.pull().removed) == 45
    assert ana.graph.targets().count("$batch") == 3
