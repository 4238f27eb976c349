"""From an entry to what it says and since when: the table of docs/calendars.md, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from tests.tracker.world import JANUARY, cancel, instant, move, occurrence, single
from tracker.events import CalendarEvent, CopyRole, EventKind, EventStatus, Response
from tracker.observing import (
    Seen,
    observe_first,
    observe_later,
    observe_removal,
    slot_of,
)

NOW = instant("2026-02-01 08:00")
SILENT = {"1": Response.ACCEPTED, "2": Response.NONE}
Line = tuple[datetime, datetime, bool]


def lines(seen: list[Seen]) -> list[Line]:
    return [(s.at, s.starts_at, s.is_off) for s in seen]


def first(event: CalendarEvent) -> list[Line]:
    return lines(observe_first(event, SILENT, NOW))


def test_a_single_entry_is_as_old_as_its_creation() -> None:
    assert first(single("2026-02-09 10:00")) == [(JANUARY, instant("2026-02-09 10:00"), False)]


def test_what_a_single_entry_was_before_its_last_change_is_presumed() -> None:
    event = replace(single("2026-02-09 10:00"), updated_at=instant("2026-01-20 10:00"))

    (seen,) = observe_first(event, SILENT, NOW)

    assert (seen.at, seen.sure_from) == (JANUARY, instant("2026-01-20 10:00"))


def test_an_occurrence_is_as_old_as_its_series() -> None:
    assert first(occurrence("2026-02-09 10:00")) == [(JANUARY, instant("2026-02-09 10:00"), False)]


def test_an_exception_was_at_its_slot_before() -> None:
    event = move(occurrence("2026-02-09 10:00"), "2026-02-11 15:00", "2026-01-20 10:00")

    assert first(event) == [
        (JANUARY, instant("2026-02-09 10:00"), False),
        (instant("2026-01-20 10:00"), instant("2026-02-11 15:00"), False),
    ]


def test_an_exception_that_changed_nothing_we_keep_is_one_observation() -> None:
    event = replace(occurrence("2026-02-09 10:00"), kind=EventKind.EXCEPTION)
    silent = dict.fromkeys(SILENT, Response.NONE)

    assert len(observe_first(event, silent, NOW)) == 1


def test_a_cancelled_occurrence_was_at_its_slot_before() -> None:
    event = cancel(occurrence("2026-02-09 10:00"), "2026-01-20 10:00")

    assert first(event) == [
        (JANUARY, instant("2026-02-09 10:00"), False),
        (instant("2026-01-20 10:00"), instant("2026-02-09 10:00"), True),
    ]


def test_a_cancelled_single_entry_was_confirmed_before() -> None:
    event = cancel(single("2026-02-09 10:00"), "2026-01-20 10:00")

    assert first(event) == [
        (JANUARY, instant("2026-02-09 10:00"), False),
        (instant("2026-01-20 10:00"), instant("2026-02-09 10:00"), True),
    ]


def test_without_stamps_the_moment_of_the_sync_serves() -> None:
    event = replace(cancel(single("2026-02-09 10:00"), "2026-01-20 10:00"), created_at=None, updated_at=None)

    assert [at for at, _, _ in first(event)] == [NOW, NOW]


def test_no_observation_is_later_than_the_sync() -> None:
    ahead = instant("2026-02-03 08:00")
    event = replace(cancel(single("2026-02-09 10:00"), "2026-02-04 10:00"), created_at=ahead)

    assert [at for at, _, _ in first(event)] == [NOW, NOW]


def test_a_change_stamped_before_the_creation_comes_after_it() -> None:
    event = move(occurrence("2026-02-09 10:00"), "2026-02-11 15:00", "2026-01-02 10:00")

    assert [at for at, _, _ in first(event)] == [JANUARY, JANUARY]
    assert first(event)[-1][1] == instant("2026-02-11 15:00")


def test_a_missing_creation_is_the_last_change() -> None:
    event = replace(
        move(occurrence("2026-02-09 10:00"), "2026-02-11 15:00", "2026-01-20 10:00"), created_at=None
    )

    assert [at for at, _, _ in first(event)] == [instant("2026-01-20 10:00")] * 2


def later(event: CalendarEvent, last: Seen, responses: dict[str, Response] | None = None) -> Seen | None:
    return observe_later(event, responses or SILENT, last, NOW)


def known(event: CalendarEvent) -> Seen:
    return observe_first(event, SILENT, instant("2026-01-10 08:00"))[-1]


def test_the_same_again_is_no_observation() -> None:
    event = single("2026-02-09 10:00")

    assert later(replace(event, updated_at=instant("2026-01-30 10:00")), known(event)) is None


def test_tentative_is_not_a_change() -> None:
    event = single("2026-02-09 10:00")

    assert later(replace(event, status=EventStatus.TENTATIVE), known(event)) is None


def test_a_change_is_dated_by_the_providers_stamp() -> None:
    event = single("2026-02-09 10:00")

    seen = later(move(event, "2026-02-10 10:00", "2026-01-30 10:00"), known(event))

    assert seen is not None
    assert (seen.at, seen.starts_at) == (instant("2026-01-30 10:00"), instant("2026-02-10 10:00"))


def test_a_stamp_that_is_no_newer_gives_way_to_the_sync() -> None:
    event = single("2026-02-09 10:00")

    seen = later(move(event, "2026-02-10 10:00", "2026-01-05 09:00"), known(event))

    assert seen is not None
    assert seen.at == NOW


def test_an_answer_is_a_change() -> None:
    event = replace(single("2026-02-09 10:00"), updated_at=instant("2026-01-30 10:00"))

    seen = later(event, known(event), {"1": Response.ACCEPTED, "2": Response.DECLINED})

    assert seen is not None
    assert seen.at == instant("2026-01-30 10:00")


def test_a_cancellation_keeps_the_time_that_was_known() -> None:
    event = single("2026-02-09 10:00")
    odd = replace(cancel(event, "2026-01-30 10:00"), start=instant("2026-02-02 07:00"))

    seen = later(odd, known(event))

    assert seen is not None
    assert seen.is_off
    assert seen.starts_at == instant("2026-02-09 10:00")


def test_a_series_that_changes_leaves_alone_what_had_ended() -> None:
    event = occurrence("2026-01-12 10:00")
    moved = replace(
        event,
        start=instant("2026-01-13 10:00"),
        end=instant("2026-01-13 11:00"),
        updated_at=instant("2026-01-20 10:00"),
    )

    assert later(moved, known(event)) is None


def test_a_series_that_changed_in_time_moves_its_occurrence() -> None:
    event = occurrence("2026-01-12 10:00")
    moved = replace(
        event,
        start=instant("2026-01-13 10:00"),
        end=instant("2026-01-13 11:00"),
        updated_at=instant("2026-01-11 10:00"),
    )

    seen = later(moved, known(event))

    assert seen is not None
    assert seen.starts_at == instant("2026-01-13 10:00")


def test_a_tombstone_patches_the_status_alone() -> None:
    last = known(single("2026-02-09 10:00"))

    seen = observe_removal(last, CopyRole.ORGANISER, NOW)

    assert replace(seen, at=last.at, sure_from=last.sure_from, status=last.status, by_organiser=False) == last
    assert seen.is_off


def test_who_cancelled_is_not_known_from_a_slot_that_an_attendee_leaves_out() -> None:
    left_out = replace(
        cancel(occurrence("2026-02-09 10:00"), "2026-01-20 10:00"), copy_role=CopyRole.ATTENDEE
    )
    cancelled = replace(left_out, kind=EventKind.EXCEPTION)

    assert not observe_first(left_out, SILENT, NOW)[-1].by_organiser
    assert observe_first(cancelled, SILENT, NOW)[-1].by_organiser


def test_an_all_day_entry_keeps_its_date() -> None:
    event = replace(single("2026-02-09 10:00"), start=date(2026, 2, 9), end=date(2026, 2, 10))

    (seen,) = observe_first(event, SILENT, NOW)

    assert (seen.all_day, seen.starts_at) == (True, instant("2026-02-09 00:00"))


def test_an_entry_without_a_length_ends_after_it_starts() -> None:
    begins = instant("2026-02-09 10:00")
    event = replace(move(occurrence(begins), "2026-02-09 12:00", "2026-01-20 10:00"), original_end=begins)

    for seen in observe_first(replace(event, end=event.start), SILENT, NOW):
        assert seen.ends_at > seen.starts_at


def test_copies_of_one_slot_share_its_name() -> None:
    event = occurrence("2026-02-09 10:00", uid="ABC@google.com")
    other = replace(event, lineage=" abc@google.com", provider_event_id="other", uid="something else")

    assert slot_of(event) == slot_of(other)
    assert slot_of(event) == slot_of(move(event, "2026-02-10 10:00", "2026-01-20 10:00"))


def test_slots_differ_by_start_and_by_lineage() -> None:
    events = [
        occurrence("2026-02-09 10:00"),
        occurrence("2026-02-16 10:00"),
        occurrence("2026-02-09 10:00", uid="other@example.com"),
        single("2026-02-09 10:00", uid="series@example.com"),
        replace(occurrence("2026-02-09 00:00"), original_start=date(2026, 2, 9)),
    ]

    assert len({slot_of(event) for event in events}) == len(events)
