"""When a calendar is read next: often where a session is near, else hourly, and never all at once."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import AuthRevoked, ConnectorError
from tracker.models import Calendar, Pair, Session

NEAR = timedelta(hours=48)
OFTEN = timedelta(minutes=5)
SELDOM = timedelta(hours=1)
LONGEST_WAIT = timedelta(hours=6)
NOT_NEEDED_WAIT = timedelta(days=1)
_SPREAD = 2654435761  # Knuth's multiplicative hash: neighbouring ids land far from each other
_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00Z")


def next_reading(db: OrmSession, calendar: Calendar, now: datetime) -> datetime:
    """Return when to read next after a good reading: each calendar has its own place in the interval."""
    interval = OFTEN if _has_session_near(db, calendar.person_id, now) else SELDOM
    offset = interval * ((calendar.id * _SPREAD % 2**32) / 2**32)
    passed = (now - _EPOCH - offset) // interval
    return _EPOCH + offset + (passed + 1) * interval


def after_failure(calendar: Calendar, now: datetime, error: ConnectorError | None = None) -> datetime:
    """Return when to try again: later with each failure, and not before the provider's own wish."""
    if isinstance(error, AuthRevoked):
        return now + NOT_NEEDED_WAIT
    doubled: int = 2 ** min(calendar.failures, 10)
    wait = min(OFTEN * doubled, LONGEST_WAIT)
    asked = timedelta(seconds=error.retry_after_s or 0.0) if error else timedelta()
    return now + max(wait, asked)


def when_not_needed(now: datetime) -> datetime:
    """Return when to see again whether the calendar of somebody without a pair is needed."""
    return now + NOT_NEEDED_WAIT


def _has_session_near(db: OrmSession, person_id: int, now: datetime) -> bool:
    near = (
        select(Session.id)
        .join(Pair)
        .where(or_(Pair.mentor_id == person_id, Pair.mentee_id == person_id))
        .where(Session.starts_at > now - NEAR, Session.starts_at < now + NEAR)
    )
    return db.scalars(near.limit(1)).first() is not None
