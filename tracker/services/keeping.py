"""Keeping ledgers: the latest of each agreement, and each verdict that became another one. Judges nothing."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import among, put_rows, write_rows
from tracker.ledger import Evidence, Ledger, PeriodVerdict, Side, Verdict, encode_ledger
from tracker.ledger.zones import find_midnight
from tracker.models import LedgerRow, VerdictChange

Kept = tuple[int, Evidence, Ledger]  # the agreement's id, what was judged, and how

# What comes and goes with time alone.
_PASSING = (Verdict.PLANNED, Verdict.OPEN)
_Content = tuple[str, str | None, tuple[str, ...]]


class _Told(msgspec.Struct, frozen=True, gc=False):
    """The part of a stored period that makes a change a change."""

    starts_on: date
    verdict: str
    reason: str | None
    missed_by: tuple[Side, ...]


class _Document(msgspec.Struct, frozen=True, gc=False):
    periods: tuple[_Told, ...]


_documents = msgspec.json.Decoder(_Document)
_PERIODS = b'"periods":'


def keep_ledgers(db: OrmSession, kept: Sequence[Kept], now: datetime) -> int:
    """Store the ledgers and append what changed in them; return how many verdicts did."""
    before = _load_documents(db, [agreement_id for agreement_id, _, _ in kept])
    documents = [encode_ledger(ledger) for _, _, ledger in kept]
    differing = [
        each
        for each, document in zip(kept, documents, strict=True)
        if _differs(before.get(each[0]), document, each[2])
    ]
    told = _load_told(db, [agreement_id for agreement_id, _, _ in differing if agreement_id in before])
    changes = [
        change
        for agreement_id, evidence, ledger in differing
        for change in _changes(
            (agreement_id, evidence, ledger),
            told.get(agreement_id, {}),
            now,
            is_first=agreement_id not in before,
        )
    ]
    write_rows(db, VerdictChange, changes)
    rows = [
        _row(agreement_id, ledger, document)
        for (agreement_id, _, ledger), document in zip(kept, documents, strict=True)
    ]
    put_rows(db, LedgerRow, rows)
    return len(changes)


def _differs(before: bytes | None, document: bytes, ledger: Ledger) -> bool:
    if before is None:
        return True
    # As nearly always: only the moment of judging, which stands before the periods, is another one.
    if before[before.find(_PERIODS) :] == document[document.find(_PERIODS) :]:
        return False
    stored = _documents.decode(before).periods
    return [(t.starts_on, t.verdict, t.reason, t.missed_by) for t in stored] != [
        (p.starts_on, p.verdict, p.reason, p.missed_by) for p in ledger.periods
    ]


def _changes(
    kept: Kept, told: dict[date, _Content], now: datetime, *, is_first: bool
) -> Iterator[dict[str, Any]]:
    agreement_id, evidence, ledger = kept
    for period in ledger.periods:
        last, content = told.get(period.starts_on), _content(period)
        if content == last or (period.verdict in _PASSING and (last is None or last[0] in _PASSING)):
            continue
        verdict, reason, missed_by = content
        yield {
            "agreement_id": agreement_id,
            "starts_on": period.starts_on,
            # What a first import finds in the past is not news.
            "at": min(now, _closes_at(evidence, period)) if is_first else now,
            "verdict": verdict,
            "reason": reason,
            "missed_by": list(missed_by),
        }


def _content(period: PeriodVerdict) -> _Content:
    reason = period.reason.value if period.reason else None
    return (period.verdict.value, reason, tuple(side.value for side in period.missed_by))


def _closes_at(evidence: Evidence, period: PeriodVerdict) -> datetime:
    day = period.ends_before.toordinal() + evidence.policy.grace_days
    return find_midnight(ZoneInfo(evidence.timezone), day)


def _load_documents(db: OrmSession, agreement_ids: Sequence[int]) -> dict[int, bytes]:
    rows = db.execute(
        select(LedgerRow.agreement_id, LedgerRow.document).where(
            among(db, LedgerRow.agreement_id, agreement_ids)
        )
    )
    return dict(rows.all())


def _load_told(db: OrmSession, agreement_ids: Sequence[int]) -> dict[int, dict[date, _Content]]:
    rows = db.execute(
        select(
            VerdictChange.agreement_id,
            VerdictChange.starts_on,
            VerdictChange.verdict,
            VerdictChange.reason,
            VerdictChange.missed_by,
        )
        .where(among(db, VerdictChange.agreement_id, agreement_ids))
        .order_by(VerdictChange.id)
    )
    told: dict[int, dict[date, _Content]] = {}
    for row in rows:
        content = (row.verdict, row.reason, tuple(row.missed_by))
        told.setdefault(row.agreement_id, {})[row.starts_on] = content
    return told


def _row(agreement_id: int, ledger: Ledger, document: bytes) -> dict[str, Any]:
    return {
        "agreement_id": agreement_id,
        "judged_at": ledger.now,
        "document": document,
        "health": ledger.health.value,
        "due": ledger.due,
        "met": ledger.met,
        "consecutive_missed": ledger.consecutive_missed,
        "next_session_at": ledger.next_session,
    }
