"""A session as known at one moment: its current state, its origin, and since when it was called off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter

from tracker.ledger.document import Outcome
from tracker.ledger.evidence import Observation, Presence, Session, Side, Statement, Status
from tracker.ledger.periods import NOWHERE

_CONFIRMED = Status.CONFIRMED
_CANCELLED = Status.CANCELLED
_by_at = attrgetter("at")
by_start = attrgetter("start", "id")


class Meeting:
    """One session at `now`; the steps of judging fill in what they settle.

    `off_since` is when the calendar was seen to call it off (None if it stands). `start_day` is a
    local date's ordinal, `start_period` and `origin_period` are indexes of periods or NOWHERE; it can serve
    the periods `lo` to `hi` (none if lo > hi).
    """

    __slots__ = (
        "absent", "attendance", "end", "first_seen", "hi", "id", "late", "lo", "off_since",
        "origin", "origin_period", "outcome", "replaces", "start", "start_day", "start_period", "state",
        "statements",
    )  # fmt: skip

    def __init__(self, session: Session, first_seen: datetime, state: Observation) -> None:
        self.id: str = session.id
        self.statements: tuple[Statement, ...] = session.statements
        self.attendance: tuple[Presence, ...] | None = session.attendance
        self.first_seen = first_seen
        self.state = state
        self.start: datetime = in_utc(state.starts_at)
        self.end: datetime = in_utc(state.ends_at)
        self.origin: datetime = self.start
        self.off_since: datetime | None = None
        self.outcome: Outcome = Outcome.SCHEDULED
        self.late = False
        self.absent: tuple[Side, ...] = ()
        self.replaces: str | None = None
        self.start_day = 0
        self.start_period = self.origin_period = self.lo = NOWHERE
        self.hi = NOWHERE - 1


def in_utc(instant: datetime) -> datetime:
    """Give the same instant in UTC."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def read_meetings(sessions: tuple[Session, ...], now: datetime, within: timedelta) -> list[Meeting]:
    """Read the sessions that were known at `now`, in the order given."""
    meetings = []
    for session in sessions:
        meeting = read_meeting(session, now, within)
        if meeting is not None:
            meetings.append(meeting)
    return meetings


def read_meeting(session: Session, now: datetime, within: timedelta) -> Meeting | None:
    """Read one session's history up to `now`; None if it was not on any calendar by then.

    A start left up to `within` ago still counts as moved in time.
    """
    known = [seen for seen in session.observations if seen.at <= now]
    if not known:
        return None
    if len(known) > 1:
        known.sort(key=_by_at)  # stable, so that equal instants keep the file's order
    state = known[-1]
    meeting = Meeting(session, known[0].at, state)
    if state.status is _CANCELLED or state.declined_by:
        meeting.off_since = find_off_since(known)
    if len(known) > 1:
        meeting.origin = trace_origin(known, within)
    return meeting


def find_off_since(known: list[Observation]) -> datetime:
    """Tell when the last unbroken row of cancelled or declined observations began."""
    since = known[-1].at
    for seen in reversed(known):
        if seen.status is _CONFIRMED and not seen.declined_by:
            break
        since = seen.at
    return since


def trace_origin(known: list[Observation], within: timedelta) -> datetime:
    """Follow the moves made in time back from the current start to the one they began from."""
    origin = known[-1].starts_at
    confirmed = [seen for seen in known if seen.status is _CONFIRMED]
    if confirmed and confirmed[-1].starts_at == origin:
        for index in range(len(confirmed) - 2, -1, -1):
            left = confirmed[index].starts_at
            if left != origin and confirmed[index + 1].at > left + within:
                break
            origin = left
    return in_utc(origin)
