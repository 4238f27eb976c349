"""Which session replaced which failed one, and the origin that it inherits."""

from __future__ import annotations

from datetime import datetime, timedelta

from tracker.ledger.document import Outcome
from tracker.ledger.meetings import Meeting, by_start
from tracker.ledger.outcomes import Settled

_CANCELLED = Outcome.CANCELLED
_DAY = timedelta(days=1)


def assign_replacements(settled: Settled, within: timedelta) -> None:
    """Give each failed session its replacement, which inherits its origin.

    A replacement starts after what it replaces: in order of start, an origin is final before it is inherited.
    """
    for lost in settled.failed:
        start, earliest, latest = lost.start, known_failed_at(lost) - _DAY, lost.start + within
        eligible = [
            m
            for m in settled.meetings
            if m.start > start
            and earliest <= m.first_seen <= latest
            and m.replaces is None
            and m.outcome is not _CANCELLED
        ]
        if eligible:
            taken = min(eligible, key=by_start) if len(eligible) > 1 else eligible[0]
            taken.replaces = lost.id
            taken.origin = lost.origin


def known_failed_at(lost: Meeting) -> datetime:
    """Tell when a failure became known: the cancellation when it was seen, a no-show at its start."""
    if lost.outcome is _CANCELLED and lost.off_since is not None:
        return lost.off_since
    return lost.start
