"""When pairs are judged, and keeping what the judge says. Never decides anything: the ledger does.

`touch_pairs` is called in the transaction of every change to what is known of a pair: an agreement, a policy,
a session, a statement, an absence, a calendar that was connected or taken away.
"""

import gc
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import among, change_rows, in_order
from tracker.ledger import Health, HealthReason, Ledger, Verdict, judge
from tracker.models import Pair
from tracker.services.evidence import AgreementEvidence, load_evidence
from tracker.services.keeping import keep_ledgers
from tracker.services.memos import keep_memos
from tracker.store import Store, portions

CHUNK = 2_000  # more take more memory; of fewer, making the statements costs a tenth and more

Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """How many pairs and agreements were judged, and how many verdicts became other ones."""

    pairs: int = 0
    agreements: int = 0
    changes: int = 0


class Judged(msgspec.Struct, frozen=True, gc=False):
    """One agreement's evidence and its ledger."""

    known: AgreementEvidence
    ledger: Ledger


def touch_pairs(db: OrmSession, pair_ids: Collection[int], now: datetime) -> None:
    """Note that what is known of these pairs changed: they are due for a review at once."""
    db.flush()
    for portion in portions(sorted(set(pair_ids))):
        db.connection().execute(_TOUCH, {"pairs": portion, "now": now})


def note_readings(db: OrmSession, person_ids: Collection[int], now: datetime) -> None:
    """Make those of these people's pairs due whose ledger waits for a calendar to be read."""
    db.connection().execute(_NOTE_READINGS, {"people": list(person_ids), "now": now})


# Written once: every reading of calendars says these, and to make a statement costs more than to run it.
_TOUCH = (
    update(Pair)
    .where(in_order(Pair.id, Pair.id.in_(bindparam("pairs", expanding=True))))
    .values(evidence_version=Pair.evidence_version + 1, review_due_at=bindparam("now"))
)
_THEIRS = or_(
    *(side.in_(bindparam("people", expanding=True)) for side in (Pair.mentor_id, Pair.mentee_id)),
)
_IS_LATER = or_(Pair.review_due_at.is_(None), Pair.review_due_at > bindparam("now"))
_NOTE_READINGS = (
    update(Pair)
    .where(in_order(Pair.id, and_(_THEIRS, Pair.awaits_reading, _IS_LATER)))
    .values(review_due_at=bindparam("now"))
)


def review(
    store: Store, now: datetime, *, everyone: bool = False, on_progress: Progress | None = None
) -> ReviewReport:
    """Judge the pairs that are due, or all of them, and keep their ledgers and what changed in them."""
    with store.read() as db:
        due = select(Pair.id).order_by(Pair.id)
        if not everyone:
            due = due.where(Pair.review_due_at <= now)
        ids = db.scalars(due).all()
    report = ReviewReport()
    for portion in portions(ids, CHUNK):
        with _collecting_later():
            report = _add(report, review_pairs(store, portion, now))
        if on_progress:
            on_progress(report.pairs, len(ids))
    return report


def review_claimed(store: Store, pair_ids: Sequence[int], now: datetime) -> ReviewReport:
    """Judge pairs that were claimed. One that can not be judged is told by its number, and stops no other."""
    try:
        with _collecting_later():
            return review_pairs(store, pair_ids, now)
    except SQLAlchemyError:
        raise
    except Exception as error:
        if len(pair_ids) == 1:
            # Its claim runs out, and is counted: it is tried a few times, then once a day.
            _log.error("pair %d: could not be judged: %s", pair_ids[0], type(error).__name__)
            return ReviewReport()
    report = ReviewReport()
    for pair_id in pair_ids:
        report = _add(report, review_claimed(store, [pair_id], now))
    return report


@contextmanager
def _collecting_later() -> Iterator[None]:
    # A portion is thousands of small values, none in a cycle; looking for cycles takes a fifth of the time.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _add(one: ReviewReport, other: ReviewReport) -> ReviewReport:
    return ReviewReport(
        one.pairs + other.pairs, one.agreements + other.agreements, one.changes + other.changes
    )


def review_pairs(store: Store, pair_ids: Sequence[int], now: datetime) -> ReviewReport:
    """Judge these pairs, due or not; some hundreds at a time."""
    with store.read() as db:
        versions = _load_versions(db, pair_ids)
        known = load_evidence(db, pair_ids, from_memory=True)
    judged = [Judged(each, judge(each.evidence, now=now)) for each in known]
    # If the process dies here or before the commit, the pairs are still due and are judged again.
    with store.write() as db:
        fresh = _lock_unchanged(db, versions)
        _end_claims(db, versions.keys() - fresh)
        kept = [each for each in judged if each.known.pair_id in fresh]
        changes = keep_ledgers(db, [(j.known.agreement_id, j.known.evidence, j.ledger) for j in kept], now)
        new = [j.known for j in kept]
        keep_memos(db, [(k.agreement_id, k.new_memo, k.evidence.sessions) for k in new if k.new_memo])
        _settle_pairs(db, fresh, kept)
    return ReviewReport(len(fresh), len(kept), changes)


def _load_versions(db: OrmSession, pair_ids: Sequence[int]) -> dict[int, int]:
    rows = db.execute(select(Pair.id, Pair.evidence_version).where(among(db, Pair.id, pair_ids)))
    return dict(rows.all())


def _lock_unchanged(db: OrmSession, versions: Mapping[int, int]) -> set[int]:
    """Return the pairs of which we read the newest; whoever changes one now waits until we are done.

    A pair that changed meanwhile is due again: what we judged of it is worth nothing.
    """
    rows = db.execute(
        select(Pair.id, Pair.evidence_version)
        .where(among(db, Pair.id, versions))
        .order_by(Pair.id)
        .with_for_update(key_share=True)
    )
    return {pair_id for pair_id, version in rows if version == versions[pair_id]}


def _end_claims(db: OrmSession, pair_ids: Collection[int]) -> None:
    """Note of pairs that are due again anyway that nothing bad happened on the way."""
    if pair_ids:
        db.execute(
            update(Pair)
            .where(among(db, Pair.id, pair_ids))
            .values(claims=0)
            .execution_options(synchronize_session=False)
        )


def _settle_pairs(db: OrmSession, fresh: Collection[int], judged: Sequence[Judged]) -> None:
    due: dict[int, datetime | None] = dict.fromkeys(fresh)
    waiting = set()
    for each in judged:
        pair_id = each.known.pair_id
        due[pair_id] = _earlier(due[pair_id], each.ledger.next_review_at)
        if _awaits_reading(each.ledger):
            waiting.add(pair_id)
    rows = [
        {
            "id": pair_id,
            "review_due_at": due_at,
            "awaits_reading": pair_id in waiting,
            "judged_anew": True,
            "claims": 0,
        }
        for pair_id, due_at in due.items()
    ]
    change_rows(db, Pair, rows)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def _awaits_reading(ledger: Ledger) -> bool:
    stale = ledger.health is Health.UNKNOWN or HealthReason.STALE in ledger.health_reasons
    return stale or any(period.verdict is Verdict.UNKNOWN for period in ledger.periods)
