"""Which occurrence of a series that moved is which. Never decides what a move means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_SHIFT = timedelta(days=62)
# An occurrence that had ended before the series moved can only stand for a slot nearby: a feed that drops
# what is old and shows what is newly in reach has not moved the one to the other.
LONGEST_SHIFT_OF_THE_PAST = timedelta(days=7)

_Score = tuple[int, float]  # how many are paired, and minus the seconds that they shift in all


@dataclass(frozen=True, slots=True)
class Slot:
    """An occurrence's place in its series; `is_past`: it had ended when the series was changed."""

    starts_at: datetime
    is_past: bool = False


def pair_slots(vanished: Sequence[Slot], appeared: Sequence[Slot]) -> list[tuple[int, int]]:
    """Pair as many as can be, in order of time, so that they shift as little as possible in all.

    Both are sorted by start. Returns indices into `vanished` and `appeared`.
    """
    best = [[(0, 0.0)] * (len(appeared) + 1) for _ in range(len(vanished) + 1)]
    for i, old in enumerate(vanished, 1):
        for j, new in enumerate(appeared, 1):
            best[i][j] = max(best[i - 1][j], best[i][j - 1], _paired(best[i - 1][j - 1], old, new))
    return _trace(best, vanished, appeared)


def _paired(before: _Score, old: Slot, new: Slot) -> _Score:
    shift = abs(new.starts_at - old.starts_at)
    if shift > LONGEST_SHIFT or (old.is_past and not new.is_past and shift > LONGEST_SHIFT_OF_THE_PAST):
        return (-1, 0.0)
    return (before[0] + 1, before[1] - shift.total_seconds())


def _trace(
    best: list[list[_Score]], vanished: Sequence[Slot], appeared: Sequence[Slot]
) -> list[tuple[int, int]]:
    pairs = []
    i, j = len(vanished), len(appeared)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]
