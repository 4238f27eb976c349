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
    `hi` (none if lo > hi), and `serves` one of them or none.
    """

    id: str
    session: Session
    state: Observation
    first_seen: datetime
    start: datetime
    end: datetime
    origin: datetime
    off_since: datetime | None = None
    outcome: Outcome = Outcome.SCHEDULED
    late: bool = False
    absent: tuple[Side, ...] = ()
    replaces: str | None = None
    start_period: int = -1
    origin_period: int = -1
    lo: int = 0
    hi: int = -1
    serves: bool = False


def in_utc(instant: datetime) -> datetime:
    """Give the same instant in UTC."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def read_meetings(sessions: Sequence[Session], now: datetime, within: timedelta) -> list[Meeting]:
    """Read the histories of sessions up to `now`, in the order given; those not yet seen are left out.

    A session moved up to `within` after its old start is still moved in time.
    """
    meetings = []
    for session in sessions:
        known: Sequence[Observation] = session.observations
        single = len(known) == 1
        if not single or known[0].at > now:
            known = list_known(known, now)
            if not known:
                continue
        state = known[-1]
        start = state.starts_at
        if start.tzinfo is not UTC:
            start = start.astimezone(UTC)
        meeting = Meeting(session.id, session, state, known[0].at, start, state.ends_at, start)
        if not single:
            meeting.origin = trace_origin(known, start, within)
        if state.status is _CANCELLED or state.declined_by:
            meeting.off_since = find_off_since(known)
        meetings.append(meeting)
    return meetings


def list_known(observations: Sequence[Observation], now: datetime) -> Sequence[Observation]:
    """List the observations up to `now` in the order of their instants; equal ones keep the file's order."""
    later = now
    for seen in reversed(observations):
        if seen.at > later:
            return sorted([seen for seen in observations if seen.at <= now], key=_by_at)
        later = seen.at
    return observations


def find_off_since(known: Sequence[Observation]) -> datetime:
    """Tell when the last unbroken row of cancelled or declined observations began."""
    since = known[-1].at
    for seen in reversed(known):
        if seen.status is _CONFIRMED and not seen.declined_by:
            break
        since = seen.at
    return since


def trace_origin(known: Sequence[Observation], start: datetime, within: timedelta) -> datetime:
    """Follow the moves made in time back from the current start (in UTC) to the one they began from."""
    origin = start
    moved_at: datetime | None = None
    for seen in reversed(known):
        if seen.status is _CONFIRMED:
            if seen.starts_at != origin:
                if moved_at is None or moved_at > seen.starts_at + within:
                    break
                origin = seen.starts_at
            moved_at = seen.at
    return in_utc(origin)
