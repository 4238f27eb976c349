"""From ledgers to nudges: what became due, and what came to nothing, since the pairs were judged last.

Never sends and never judges. Harmless at any time and from any number of processes: what is there already is
not added again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import selectinload

from tracker.ledger import Ledger, Outcome, Side, Verdict, decode_ledger
from tracker.models import Agreement, LedgerRow, Nudge, NudgeKind, Pair, Program, Session, VerdictChange
from tracker.services.digest.findings import Change, told_missed_at
from tracker.services.evidence import policy_of
from tracker.services.nudges.wanting import Facts, Spoken, Wanted, find_wanted
from tracker.store import Store, portions

CHUNK = 500
_ROWS = 2_000

Progress = Callable[[int, int], None]
_Name = tuple[int, NudgeKind, str]  # person, kind, about: the unique key of a nudge


@dataclass(frozen=True, slots=True)
class NoticeReport:
    """How many pairs were looked at, and how many nudges came and went."""

    pairs: int = 0
    added: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    """One agreement as it was judged last."""

    pair_id: int
    people: Mapping[Side, int]
    agreement: Agreement
    policy: Mapping[str, Any]
    ledger: Ledger


def notice(store: Store, now: datetime, on_progress: Progress | None = None) -> NoticeReport:
    """Draw nudges from all ledgers that were judged since this was done last."""
    total = NoticeReport()
    while True:
        # Died here or before the commit: the pairs keep their mark, and are looked at again.
        with store.write() as db:
            report = _notice_some(db, now)
        total = NoticeReport(
            total.pairs + report.pairs, total.added + report.added, total.closed + report.closed
        )
        if on_progress:
            on_progress(total.pairs, total.pairs)
        if report.pairs < CHUNK:
            return total


def _notice_some(db: OrmSession, now: datetime) -> NoticeReport:
    pair_ids = _take_pairs(db)
    if not pair_ids:
        return NoticeReport()
    known = _load_known(db, pair_ids)
    wanted = {
        (each.people[want.side], want.kind, want.about): (each.pair_id, want)
        for each, facts in zip(known, _load_facts(db, known), strict=True)
        for want in find_wanted(facts, now)
    }
    there = _load_nudges(db, pair_ids)
    closed = _close(db, [nudge for name, nudge in there.items() if name not in wanted], now)
    _renew((nudge for name, nudge in there.items() if name in wanted), now)
    new = [_row(name, *wanted[name], now) for name in wanted.keys() - there.keys()]
    _insert(db, new)
    return NoticeReport(len(pair_ids), len(new), closed)


def _take_pairs(db: OrmSession) -> Sequence[int]:
    # The mark is taken off first: a review that ends after this sets it again, and one that is about to end
    # holds the rows, so that we wait for what it writes.
    some = select(Pair.id).where(Pair.judged_anew).order_by(Pair.id).limit(CHUNK).with_for_update()
    return db.scalars(
        update(Pair)
        .where(Pair.id.in_(some))
        .values(judged_anew=False)
        .returning(Pair.id)
        .execution_options(synchronize_session=False)
    ).all()


def _load_known(db: OrmSession, pair_ids: Sequence[int]) -> list[_Known]:
    rows = db.execute(
        select(Pair.id, Pair.mentor_id, Pair.mentee_id, Program.policy, Agreement, LedgerRow.document)
        .join(Program, Program.id == Pair.program_id)
        .join(Agreement, Agreement.pair_id == Pair.id)
        .join(LedgerRow, LedgerRow.agreement_id == Agreement.id)
        .where(Pair.id.in_(pair_ids))
        .order_by(Agreement.id)
    )
    return [
        _Known(
            row.id,
            {Side.MENTOR: row.mentor_id, Side.MENTEE: row.mentee_id},
            row.Agreement,
            row.policy,
            decode_ledger(row.document),
        )
        for row in rows
    ]


def _load_facts(db: OrmSession, known: Sequence[_Known]) -> list[Facts]:
    keys = [s.id for k in known for s in k.ledger.sessions if s.outcome is Outcome.AWAITING]
    spoken = _load_spoken(db, [int(key.partition("-")[2]) for key in keys])
    missing = [k.agreement.id for k in known if any(p.verdict is Verdict.MISSED for p in k.ledger.periods)]
    missed_at = _load_missed(db, missing)
    return [
        Facts(
            agreement_id=each.agreement.id,
            timezone=each.agreement.timezone,
            policy=policy_of(each.policy),
            ledger=each.ledger,
            spoken=spoken,
            missed_at=missed_at.get(each.agreement.id, {}),
        )
        for each in known
    ]


def _load_spoken(db: OrmSession, session_ids: Collection[int]) -> dict[str, Spoken]:
    found = db.scalars(
        select(Session).where(Session.id.in_(session_ids)).options(selectinload(Session.statements))
    )
    return {
        session.key: Spoken(
            session.id, session.ends_at, frozenset(Side(statement.side) for statement in session.statements)
        )
        for session in found
    }


def _load_missed(db: OrmSession, agreement_ids: Collection[int]) -> dict[int, dict[date, datetime]]:
    rows = db.scalars(select(VerdictChange).where(VerdictChange.agreement_id.in_(agreement_ids)))
    changes: dict[tuple[int, date], list[Change]] = defaultdict(list)
    for row in rows:
        changes[row.agreement_id, row.starts_on].append(Change(row.starts_on, row.at, Verdict(row.verdict)))
    found: dict[int, dict[date, datetime]] = defaultdict(dict)
    for (agreement_id, starts_on), told in changes.items():
        if (at := told_missed_at(told)) is not None:
            found[agreement_id][starts_on] = at
    return found


def _load_nudges(db: OrmSession, pair_ids: Collection[int]) -> dict[_Name, Nudge]:
    rows = db.scalars(select(Nudge).where(Nudge.pair_id.in_(pair_ids)))
    return {(nudge.person_id, nudge.kind, nudge.about): nudge for nudge in rows}


def _close(db: OrmSession, nudges: Iterable[Nudge], now: datetime) -> int:
    count = 0
    for nudge in nudges:
        if nudge.told_at is None and nudge.closed_at is None:
            nudge.due_at, nudge.closed_at = None, now
            count += 1
    return count


def _renew(nudges: Iterable[Nudge], now: datetime) -> None:
    """Bring back what was closed before anybody was told: the session was called off again, say.

    What could not be told to anybody while it was worth anything stays closed.
    """
    for nudge in nudges:
        if nudge.closed_at is not None and nudge.told_at is None and nudge.expires_at > now:
            nudge.due_at, nudge.closed_at = nudge.closed_at, None


def _row(name: _Name, pair_id: int, want: Wanted, now: datetime) -> dict[str, Any]:
    person_id, kind, about = name
    return {
        "person_id": person_id,
        "pair_id": pair_id,
        "kind": kind,
        "about": about,
        "due_at": want.due_at,
        "expires_at": want.expires_at,
        "created_at": now,
    }


def _insert(db: OrmSession, rows: list[dict[str, Any]]) -> None:
    insert = (sqlite if db.get_bind().dialect.name == "sqlite" else postgresql).insert(Nudge)
    for portion in portions(rows, _ROWS):
        db.execute(insert.on_conflict_do_nothing(), portion)
