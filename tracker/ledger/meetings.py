"""A session as known at one moment: its current state, its origin, and since when it was called off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from msgspec import Struct

from tracker.ledger.document import Outcome
from tracker.ledger.evidence import Observation, Session, Side, Status

_CONFIRMED = Status.CONFIRMED
_CANCELLED = Status.CANCELLED
_by_at = attrgetter("at")
by_start = attrgetter("start", "id")


class Meeting(Struct, eq=False, gc=False):
    """One session at `now`; the steps of judging fill in what they settle.

    `off_since` is when the calendar was seen to call it off (None if it stands). `start_period` and
    `origin_period` are -1 before all periods and their number after them; it can serve the periods `lo` to
    `hi` (none if lo > hi), and `serves` one of them or none (-1).
    """

    id: str
    session: Session
    state: Observation
    first_seen: datetime
    start: datetime
    end: datetime
    origin: datetime
    off_since: datetime | None
    outcome: Outcome = Outcome.SCHEDULED
    late: bool = False
    absent: tuple[Side, ...] = ()
    replaces: str | None = None
    start_period: int = -1
    origin_period: int = -1
    lo: int = 0
    hi: int = -1
    serves: int = -1


def in_utc(instant: datetime) -> datetime:
    """Give the same instant in UTC."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def read_meeting(session: Session, now: datetime, within: timedelta) -> Meeting | None:
    """Read one session's history up to `now`; None if it was not on any calendar by then.

    A session moved up to `within` after its old start is still moved in time.
    """
    known: Sequence[Observation] = session.observations
    if (len(known) > 1 or known[0].at > now) and not are_in_order(known, now):
        # Sorting is stable, so that equal instants keep the file's order.
        known = sorted([seen for seen in known if seen.at <= now], key=_by_at)
        if not known:
            return None
    state = known[-1]
    start = state.starts_at if state.starts_at.tzinfo is UTC else state.starts_at.astimezone(UTC)
    origin = start if len(known) == 1 else trace_origin(known, start, within)
    off = state.status is _CANCELLED or state.declined_by
    off_since = find_off_since(known) if off else None
    return Meeting(session.id, session, state, known[0].at, start, state.ends_at, origin, off_since)


def are_in_order(observations: Sequence[Observation], now: datetime) -> bool:
    """Tell whether observations stand in the order of their instants, none of them after `now`."""
    later = now
    for seen in reversed(observations):
        if seen.at > later:
            return False
        later = seen.at
    return True


def find_off_since(known: Sequence[Observation]) -> datetime:
    """Tell when the last unbroken row of cancelled or declined observations began."""
    since = known[-1].at
    for seen in reversed(known):
        if seen.status is _CONFIRMED and not seen.declined_by:
            break
        since = seen.at
    return since


def trace_origin(known: Sequence[Observation], start: datetime, within: timedelta) -> datetime:
    """Follow the moves made in time back from the current start to the one they began from."""
    origin = start
    moved_at: datetime | None = None
    for seen in reversed(known):
        if seen.status is _CONFIRMED:
            if seen.starts_at != origin:
                if moved_at is None or moved_at > seen.starts_at + within:
                    break
                origin = seen.starts_at
            moved_at = seen.at
    return origin
