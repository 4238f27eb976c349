"""Which session replaced which failed one, and the origin that it inherits."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from operator import attrgetter

from tracker.ledger.document import Outcome
from tracker.ledger.meetings import Meeting, by_start

_CANCELLED = Outcome.CANCELLED
_NOT_HELD = Outcome.NOT_HELD
_start = attrgetter("start")
_DAY = timedelta(days=1)


def failed_meetings(meetings: list[Meeting]) -> list[Meeting]:
    """List the cancelled and not held sessions, by start, then id."""
    failed = [m for m in meetings if m.outcome is _CANCELLED or m.outcome is _NOT_HELD]
    failed.sort(key=by_start)
    return failed


def assign_replacements(meetings: list[Meeting], failed: list[Meeting], within: timedelta) -> None:
    """Give each failed session its replacement, which inherits its origin.

    A replacement starts after what it replaces: in order of start, an origin is final before it is inherited.
    """
    if not failed:
        return
    free = sorted((m for m in meetings if m.outcome is not _CANCELLED), key=by_start)
    for lost in failed:
        taken = find_replacement(lost, free, within)
        if taken is not None:
            free.remove(taken)
            taken.replaces = lost.id
            taken.origin = lost.origin


def find_replacement(lost: Meeting, free: list[Meeting], within: timedelta) -> Meeting | None:
    """Find the earliest of the free sessions (by start, then id) that may replace a failed one."""
    earliest, latest = known_failed_at(lost) - _DAY, lost.start + within
    for index in range(bisect_right(free, lost.start, key=_start), len(free)):
        if earliest <= free[index].first_seen <= latest:
            return free[index]
    return None


def known_failed_at(lost: Meeting) -> datetime:
    """Tell when a failure became known: the cancellation when it was seen, a no-show at its start."""
    if lost.outcome is _CANCELLED and lost.off_since is not None:
        return lost.off_since
    return lost.start
