"""When pairs are judged, and judging them. Never decides anything: the ledger does.

`touch_pairs` is called in the transaction of every change to what is known of a pair: an agreement, a policy,
a session, a statement, an absence, a calendar that was connected or taken away.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Pair


def touch_pairs(db: OrmSession, pair_ids: Collection[int], now: datetime) -> None:
    """Note that what is known of these pairs changed: they are due for a review at once."""
    for some in _portions(sorted(set(pair_ids))):
        db.execute(
            update(Pair)
            .where(Pair.id.in_(some))
            .values(evidence_version=Pair.evidence_version + 1, review_due_at=now)
            .execution_options(synchronize_session=False)
        )


def note_reading(db: OrmSession, person_id: int, now: datetime) -> None:
    """Make those of the person's pairs due whose ledger waits for a calendar to be read."""
    db.execute(
        update(Pair)
        .where(
            or_(Pair.mentor_id == person_id, Pair.mentee_id == person_id),
            Pair.awaits_reading,
            or_(Pair.review_due_at.is_(None), Pair.review_due_at > now),
        )
        .values(review_due_at=now)
        .execution_options(synchronize_session=False)
    )


def _portions(ids: list[int]) -> list[list[int]]:
    # SQLite takes at most 32,766 parameters in a statement.
    return [ids[i : i + 10_000] for i in range(0, len(ids), 10_000)]
