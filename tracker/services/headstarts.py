"""Who of a pair was told of its misses, and when: from then on HR's waiting counts. Writes and sends nothing.

The digest, endpoints and letters all ask `tracker.manners.told_to_hr_from`, with what this module loads.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import among
from tracker.manners import HEAD_START, Word
from tracker.models import Nudge, NudgeKind
from tracker.services.nudges.wanting import period_of

# By the agreement and the first day of the period that was missed.
Words = Mapping[tuple[int, date], Sequence[Word]]


def load_words(db: OrmSession, pair_ids: Iterable[int], since: datetime) -> Words:
    """Return the words of misses to these pairs that can hold up anything after `since`."""
    rows = db.execute(
        select(Nudge.about, Nudge.created_at, Nudge.expires_at, Nudge.told_at, Nudge.closed_at).where(
            among(db, Nudge.pair_id, pair_ids),
            Nudge.kind == NudgeKind.MISSED,
            # Told at the very last moment, it holds until then.
            Nudge.expires_at > since - HEAD_START,
        )
    )
    found: dict[tuple[int, date], list[Word]] = defaultdict(list)
    for row in rows:
        found[period_of(row.about)].append(Word(row.created_at, row.expires_at, row.told_at, row.closed_at))
    return found
