"""Leases: one holder at a time, a number that tells the late, and no clock that locks all out."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.services.leases import give_back, held_alone, take_lease
from tracker.store import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_only_one_holds_a_lease(store: Store) -> None:
    assert take_lease(store, "digests", "one", NOW, MINUTE)
    assert take_lease(store, "digests", "two", NOW, MINUTE) is None
    assert take_lease(store, "mailbox", "two", NOW, MINUTE)


def test_a_lease_that_ran_out_goes_to_the_next_with_a_larger_fence(store: Store) -> None:
    first = take_lease(store, "digests", "one", NOW, MINUTE)
    second = take_lease(store, "digests", "two", NOW + MINUTE, MINUTE)
    assert first
    assert second
    assert second.fence > first.fence


def test_whoever_slept_past_the_end_does_not_give_back_what_is_somebody_elses(store: Store) -> None:
    first = take_lease(store, "digests", "one", NOW, MINUTE)
    second = take_lease(store, "digests", "two", NOW + MINUTE, MINUTE)
    assert first
    assert second
    give_back(store, first, NOW + MINUTE)
    assert take_lease(store, "digests", "three", NOW + MINUTE, MINUTE) is None


def test_fences_grow_across_holders_who_gave_back(store: Store) -> None:
    fences = []
    for turn in range(3):
        held = take_lease(store, "digests", "one", NOW + turn * MINUTE, MINUTE)
        assert held
        fences.append(held.fence)
        give_back(store, held, NOW + turn * MINUTE)
    assert fences == sorted(set(fences))


def test_a_clock_that_went_back_two_hours_locks_nobody_out(store: Store) -> None:
    assert take_lease(store, "digests", "one", NOW, MINUTE)
    assert take_lease(store, "digests", "two", NOW - timedelta(hours=2), MINUTE)


def test_nobody_asks_for_longer_than_an_hour(store: Store) -> None:
    with pytest.raises(ValueError, match="an hour"):
        take_lease(store, "digests", "one", NOW, timedelta(hours=2))


def _fail_while_holding(store: Store) -> None:
    with held_alone(store, "digests", "one", NOW, MINUTE) as is_ours:
        assert is_ours
        with held_alone(store, "digests", "two", NOW, MINUTE) as is_theirs:
            assert not is_theirs
        raise KeyError


def test_a_lease_ends_with_its_block_however_that_ends(store: Store) -> None:
    with pytest.raises(KeyError):
        _fail_while_holding(store)
    with held_alone(store, "digests", "two", NOW, MINUTE) as is_ours:
        assert is_ours
