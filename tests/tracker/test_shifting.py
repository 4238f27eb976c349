"""Which occurrence of a moved series is which."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.tracker.world import instant
from tracker.shifting import LONGEST_SHIFT, Slot, pair_slots

DAY = timedelta(days=1)


def weekly(first: str, count: int, *, past: int = 0) -> list[Slot]:
    start = instant(first)
    return [Slot(start + i * 7 * DAY, is_past=i < past) for i in range(count)]


def test_monday_to_tuesday_pairs_each_with_its_neighbour() -> None:
    assert pair_slots(weekly("2026-03-02 10:00", 6), weekly("2026-03-03 10:00", 6)) == [
        (i, i) for i in range(6)
    ]


def test_monday_to_friday_leaves_nobody_without_a_partner() -> None:
    assert pair_slots(weekly("2026-03-02 10:00", 6), weekly("2026-03-06 10:00", 6)) == [
        (i, i) for i in range(6)
    ]


def test_the_smallest_shift_wins_where_there_are_more_new_ones() -> None:
    assert pair_slots(weekly("2026-03-09 10:00", 2), weekly("2026-03-03 10:00", 4)) == [(0, 1), (1, 2)]


def test_too_far_away_is_another_meeting() -> None:
    far = [Slot(instant("2026-03-02 10:00") + LONGEST_SHIFT + DAY)]

    assert pair_slots(weekly("2026-03-02 10:00", 1), far) == []


def test_what_a_feed_drops_is_not_what_comes_newly_into_reach() -> None:
    dropped = [Slot(instant("2026-03-02 10:00"), is_past=True)]

    assert pair_slots(dropped, [Slot(instant("2026-03-23 10:00"))]) == []


slots = st.lists(st.integers(0, 60), unique=True, max_size=7).map(
    lambda days: [Slot(instant("2026-03-01 10:00") + day * DAY) for day in sorted(days)]
)


@given(slots, slots)
def test_everybody_who_can_gets_one_partner_in_order(old: list[Slot], new: list[Slot]) -> None:
    pairs = pair_slots(old, new)

    assert len(pairs) == min(len(old), len(new))
    assert pairs == sorted(set(pairs))
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
