"""Two sessions that could be one: each noted the same hour down. Proposed, never merged unasked."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from tracker.errors import BadInput
from tracker.ledger import Status
from tracker.models import Copy, Person, Session, SessionKey, Standing
from tracker.services.audit import Act
from tracker.services.histories import refresh_times
from tracker.services.questions import last_states, note_answer, own_session, pairs_of
from tracker.services.settle import absorb_session, lock_pairs
from tracker.wording import N_


@dataclass(frozen=True, slots=True)
class Twins:
    """Sessions at the very same times from entries that nothing ties together, all of two series at once."""

    pair_id: int
    session_ids: tuple[tuple[int, int], ...]
    starts_at: datetime


def answer_twins(
    db: OrmSession, session_ids: Sequence[tuple[int, int]], *, same: bool, by: Person, act: Act
) -> None:
    """Say whether sessions at the same time are one and the same, as each of them noted it down."""
    for one_id, other_id in session_ids:
        one, other = own_session(db, one_id, by), own_session(db, other_id, by)
        if one.pair_id != other.pair_id or one is other:
            raise BadInput(N_("Choose another session of the two of you."))
        if same:
            lock_pairs(db, [one.pair_id])
            absorb_session(db, one, other)
            refresh_times(db, [one])
        else:
            one.distinct_from = [*one.distinct_from, other_id]
        note_answer(db, act, "twins.answered", one, other=other_id, same=same)


def list_twins(db: OrmSession, person: Person) -> list[Twins]:
    """Return which of the person's sessions could be one and the same, earliest first."""
    pair_ids = [pair.id for pair in db.scalars(pairs_of(person))]
    of_series: dict[tuple[int, str, str], list[tuple[Session, int]]] = defaultdict(list)
    for session, other_id, lineages in _at_one_time(db, pair_ids):
        of_series[session.pair_id, *lineages].append((session, other_id))
    return [
        Twins(pair_id, tuple((one.id, other_id) for one, other_id in some), some[0][0].starts_at)
        for (pair_id, *_), some in of_series.items()
    ]


def _at_one_time(db: OrmSession, pair_ids: list[int]) -> Iterator[tuple[Session, int, tuple[str, str]]]:
    other = aliased(Session)
    rows = db.execute(
        select(Session, other.id.label("other_id"))
        .join(other, and_(other.pair_id == Session.pair_id, other.id > Session.id))
        .where(Session.pair_id.in_(pair_ids))
        .where(Session.starts_at == other.starts_at, Session.ends_at == other.ends_at)
        .where(Session.standing == Standing.COUNTED, other.standing == Standing.COUNTED)
        .order_by(Session.starts_at, Session.id, other.id)
    ).all()
    ids = {i for row in rows for i in (row.Session.id, row.other_id)}
    cancelled, lineages = _cancelled(db, ids), _lineages(db, ids)
    for row in rows:
        session, other_id = row.Session, row.other_id
        if not cancelled & {session.id, other_id} and other_id not in session.distinct_from:
            yield session, other_id, (lineages.get(session.id, ""), lineages.get(other_id, ""))


def _lineages(db: OrmSession, session_ids: Collection[int]) -> dict[int, str]:
    rows = db.execute(
        select(SessionKey.session_id, Copy.lineage)
        .join(Copy, Copy.slot == SessionKey.slot)
        .where(SessionKey.session_id.in_(session_ids))
        .order_by(Copy.lineage.desc())
    )
    return {row.session_id: row.lineage for row in rows}


def _cancelled(db: OrmSession, session_ids: Collection[int]) -> set[int]:
    sessions = db.scalars(select(Session).where(Session.id.in_(session_ids))).all()
    return {session.id for session, _, last in last_states(db, sessions) if last.status is Status.CANCELLED}
