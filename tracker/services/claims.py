"""Claims: who reads which calendars and judges which pairs, so that ten processes never do one thing at once.

A claim moves a row's due time ahead and counts the works that were begun: whoever dies leaves rows that come
due again by themselves. Does none of the work; the work's own commit sets the count back to 0. What was
begun and never ended is suspect: it is claimed alone, and after a few times left for hours, so that what
kills a process does not do so for ever.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from tracker.bulk import in_order
from tracker.models import Calendar, CalendarStatus, Pair, PushChannel
from tracker.store import Store

MOST_CLAIMS = 3
REST = timedelta(hours=6)

_log = logging.getLogger(__name__)
_Column = InstrumentedAttribute[Any]


class Stopping(Exception):
    """The process is asked to end in the middle of its work; what it did so far is committed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rows that can be claimed: its columns, and for how long a claim is good.

    Of rows that can be away, those that `stand` are due at once where no time was set; of others, never.
    """

    name: str
    id: _Column
    due_at: _Column
    claims: _Column
    lease: timedelta  # longer than a portion takes, even if every request of it runs into its timeout
    stands: ColumnElement[bool] | None = None

    def is_due(self, now: datetime) -> ColumnElement[bool]:
        """Return the condition for a row to be due."""
        if self.stands is None:
            return self.due_at <= now
        return self.stands & or_(self.due_at.is_(None), self.due_at <= now)


@dataclass(frozen=True, slots=True)
class Claim:
    """What is ours to do now, sorted. `is_last`: nothing else was due at that moment."""

    ids: Sequence[int]
    is_last: bool


CALENDARS = Kind(
    "calendars",
    Calendar.id,
    Calendar.next_read_at,
    Calendar.claims,
    timedelta(minutes=15),
    Calendar.status == CalendarStatus.CONNECTED,
)
# Those of which a provider told us something since they were read, and those that their owner connected and
# waits to see: they go before all that is due, however much that is.
AWAITED = replace(
    CALENDARS,
    stands=and_(
        Calendar.status == CalendarStatus.CONNECTED,
        or_(
            and_(Calendar.last_read_at.is_(None), Calendar.is_owners),
            exists().where(
                PushChannel.calendar_id == Calendar.id,
                PushChannel.heard_at.is_not(None),
                or_(Calendar.last_read_at.is_(None), PushChannel.heard_at > Calendar.last_read_at),
            ),
        ),
    ),
)
PAIRS = Kind("pairs", Pair.id, Pair.review_due_at, Pair.claims, timedelta(minutes=5))


def claim_due(store: Store, kind: Kind, now: datetime, most: int) -> Claim:
    """Take up to `most` rows that are due; one at a time where an earlier claim never ended."""
    ids = _take(store, kind, now, most) or _take_suspect(store, kind, now)
    if len(ids) == most:
        return Claim(ids, is_last=False)
    with store.read() as db:
        left = db.scalar(select(kind.id).where(kind.is_due(now)).limit(1))
    return Claim(ids, is_last=left is None)


def claim_one(store: Store, kind: Kind, row_id: int, now: datetime) -> bool:
    """Take this row, if it is due and nothing bad is known of it; tell whether it is ours."""
    is_good = (kind.id == row_id) & kind.is_due(now) & (kind.claims == 0)
    return bool(_claim(store, kind, now + kind.lease, (is_good, 1)))


def give_back(store: Store, kind: Kind, ids: Collection[int], now: datetime) -> None:
    """Make those of our rows due again that were not begun, or not ended, and think no worse of them."""
    with store.write() as db:
        db.execute(
            update(kind.id.class_)
            .where(in_order(kind.id, and_(kind.id.in_(ids), kind.claims > 0)))
            .values({kind.due_at: now, kind.claims: kind.claims - 1})
            .execution_options(synchronize_session=False)
        )


def _take_suspect(store: Store, kind: Kind, now: datetime) -> Sequence[int]:
    resting = _claim(store, kind, now + REST, (kind.is_due(now) & (kind.claims >= MOST_CLAIMS), 1_000))
    if resting:
        _log.error("%s %s: begun %d times and never ended", kind.name, resting, MOST_CLAIMS)
        # One more try after that.
        _let_try_again(store, kind, resting)
    return _claim(store, kind, now + kind.lease, (kind.is_due(now) & (kind.claims > 0), 1))


def _take(store: Store, kind: Kind, now: datetime, most: int) -> Sequence[int]:
    return _claim(store, kind, now + kind.lease, (kind.is_due(now) & (kind.claims == 0), most))


def _claim(store: Store, kind: Kind, until: datetime, which: tuple[ColumnElement[bool], int]) -> list[int]:
    condition, most = which
    # SQLite has no SKIP LOCKED and needs none: there only one process writes at a time.
    first = (
        select(kind.id)
        .where(condition)
        .order_by(kind.due_at, kind.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("first")
    )
    taken = (
        update(kind.id.class_)
        .where(kind.id.in_(select(first.c.id)))
        .values({kind.due_at: until, kind.claims: kind.claims + 1})
        .returning(kind.id)
        .execution_options(synchronize_session=False)
    )
    with store.write() as db:
        # Died after the commit: the rows come due again when the lease ends.
        return sorted(db.scalars(taken))


def _let_try_again(store: Store, kind: Kind, ids: Collection[int]) -> None:
    with store.write() as db:
        db.execute(
            update(kind.id.class_)
            .where(in_order(kind.id, kind.id.in_(ids)))
            .values({kind.claims: MOST_CLAIMS - 1})
            .execution_options(synchronize_session=False)
        )
