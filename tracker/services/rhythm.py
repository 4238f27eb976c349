"""When a calendar is read next: often where a session is near, else seldom, and never all at once.

Where its provider tells us of changes, reading is the backstop: notices get lost, and nobody tells us so.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import in_order
from tracker.errors import AuthRevoked, ConnectorError
from tracker.models import Calendar, CalendarStatus, Pair, PushChannel, Session

NEAR = timedelta(hours=48)
OFTEN = timedelta(minutes=5)
SELDOM = timedelta(hours=1)
# The same two where the provider tells of changes.
OFTEN_TOLD = timedelta(hours=1)
SELDOM_TOLD = timedelta(hours=12)
# Whoever edits a calendar sends notices by the dozen: after this, one reading serves them all.
GATHERING = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=6)
NOT_NEEDED_WAIT = timedelta(days=1)
_SPREAD = 2654435761  # Knuth's multiplicative hash: neighbouring ids land far from each other
_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00Z")


def next_readings(db: OrmSession, calendar_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """Return when to read each of these calendars next after a good reading that began `now`.

    Each has its own place in the interval.
    """
    asked = {"calendars": list(calendar_ids), "now": now, "after": now - NEAR, "before": now + NEAR}
    return {
        row.id: _next_place(row.id, interval_of(is_near=row.is_near, is_told=row.is_told), now)
        for row in db.connection().execute(_TOLD_AND_NEAR, asked)
    }


def _next_place(calendar_id: int, interval: timedelta, now: datetime) -> datetime:
    offset = interval * place_of(calendar_id)
    passed = (now - _EPOCH - offset) // interval
    return _EPOCH + offset + (passed + 1) * interval


def interval_of(*, is_near: bool, is_told: bool) -> timedelta:
    """Return how long to wait between readings: a session is near, the provider tells of changes."""
    if is_told:
        return OFTEN_TOLD if is_near else SELDOM_TOLD
    return OFTEN if is_near else SELDOM


def place_of(number: int) -> float:
    """Return where in an interval the row of that number has its place: from 0 up to, not including, 1."""
    return (number * _SPREAD % 2**32) / 2**32


def hasten(db: OrmSession, calendar_ids: Collection[int], now: datetime) -> None:
    """Have these calendars read soon. Never sooner than a provider wants that refused us just now."""
    soon = now + GATHERING
    connected = and_(Calendar.id.in_(calendar_ids), Calendar.status == CalendarStatus.CONNECTED)
    db.execute(
        update(Calendar)
        .where(in_order(Calendar.id, and_(connected, Calendar.next_read_at > soon, Calendar.failures == 0)))
        .values(next_read_at=soon)
        .execution_options(synchronize_session=False)
    )


def after_failure(calendar: Calendar, now: datetime, error: ConnectorError | None = None) -> datetime:
    """Return when to try again: later with each failure, and not before the provider's own wish."""
    return now + wait_after(calendar.failures, error)


def wait_after(failures: int, error: ConnectorError | None = None) -> timedelta:
    """Return how long to wait after so many failures in a row, the last of which was `error`."""
    if isinstance(error, AuthRevoked):
        return NOT_NEEDED_WAIT
    doubled: int = 2 ** min(failures, 10)
    wait = min(OFTEN * doubled, LONGEST_WAIT)
    asked = timedelta(seconds=error.retry_after_s or 0.0) if error else timedelta()
    return max(wait, asked)


def when_not_needed(now: datetime) -> datetime:
    """Return when to see again whether the calendar of somebody without a pair is needed."""
    return now + NOT_NEEDED_WAIT


# Whether the provider has reached us by an open channel (one that never did may not be able to), and whether
# a session of the calendar's owner is near. Written once: to make a statement costs more than to run it.
_TOLD_AND_NEAR = select(
    Calendar.id,
    exists()
    .where(
        PushChannel.calendar_id == Calendar.id,
        PushChannel.fingerprint == Calendar.fingerprint,
        PushChannel.provider_name != "",
        PushChannel.expires_at > bindparam("now"),
        PushChannel.heard_at.is_not(None),
    )
    .label("is_told"),
    exists()
    .where(Session.pair_id == Pair.id)
    .where(or_(Pair.mentor_id == Calendar.person_id, Pair.mentee_id == Calendar.person_id))
    .where(Session.starts_at > bindparam("after"), Session.starts_at < bindparam("before"))
    .label("is_near"),
).where(Calendar.id.in_(bindparam("calendars", expanding=True)))
