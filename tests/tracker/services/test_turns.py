"""Turns: one of all who ask gets them, and no clock that jumps stops them or lets them pile up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from tracker.models import Heartbeat
from tracker.services.turns import due_turns, note_end, note_failure, take_turn
from tracker.store import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _beat(store: Store) -> Heartbeat:
    with store.read() as db:
        return db.scalars(select(Heartbeat)).one()


def test_a_job_has_its_turn_at_once_and_then_every_so_often(store: Store) -> None:
    taken = [m for m in range(12) if take_turn(store, "job", 5 * MINUTE, NOW + m * MINUTE)]
    assert taken == [0, 5, 10]


def test_one_of_ten_gets_the_turn(store: Store) -> None:
    with ThreadPoolExecutor(10) as pool:
        for turn in range(3):
            at = NOW + turn * MINUTE
            taken = list(pool.map(lambda _, at=at: take_turn(store, "job", MINUTE, at), range(10)))
            assert sum(taken) == 1


def test_a_clock_that_goes_back_two_hours_stops_no_job(store: Store) -> None:
    assert take_turn(store, "job", MINUTE, NOW)
    back = NOW - timedelta(hours=2)
    assert due_turns(store, [("job", MINUTE)], back) == ["job"]
    assert take_turn(store, "job", MINUTE, back)
    assert not take_turn(store, "job", MINUTE, back + MINUTE / 2)


def test_a_standstill_of_ten_days_ends_with_one_turn(store: Store) -> None:
    assert take_turn(store, "job", MINUTE, NOW)
    later = NOW + timedelta(days=10)
    assert take_turn(store, "job", MINUTE, later)
    assert not take_turn(store, "job", MINUTE, later)


def test_clocks_that_differ_a_little_give_no_turn_twice(store: Store) -> None:
    assert take_turn(store, "job", 5 * MINUTE, NOW)
    assert not take_turn(store, "job", 5 * MINUTE, NOW - timedelta(seconds=30))


def test_it_asks_for_those_that_are_due_in_the_order_given(store: Store) -> None:
    assert due_turns(store, [("b", MINUTE), ("a", MINUTE)], NOW) == ["b", "a"]
    take_turn(store, "b", MINUTE, NOW)
    assert due_turns(store, [("b", MINUTE), ("a", MINUTE)], NOW) == ["a"]


def test_failures_are_counted_until_it_goes_well_again_and_tell_no_words(store: Store) -> None:
    take_turn(store, "job", MINUTE, NOW)
    note_failure(store, "job", NOW, ValueError("https://secret.example"))
    note_failure(store, "job", NOW + MINUTE, KeyError("x"))
    beat = _beat(store)
    assert (beat.error, beat.failures, beat.failed_at, beat.ended_at) == ("KeyError", 2, NOW + MINUTE, None)
    note_end(store, "job", NOW + 2 * MINUTE)
    beat = _beat(store)
    assert (beat.error, beat.failures, beat.ended_at) == (None, 0, NOW + 2 * MINUTE)
