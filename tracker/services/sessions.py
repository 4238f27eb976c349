"""Sessions of pairs as the ledger's evidence: merged from copies, statements and records of attendance.

Reads in bulk; judges and stores nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import among
from tracker.ledger import Observation, Presence, Side
from tracker.ledger import Session as Told
from tracker.ledger import Statement as Said
from tracker.ledger.zones import find_zone
from tracker.merging import CopyHistory, Members
from tracker.models import Attendance, Session, SessionKey, Standing, Statement
from tracker.services.histories import load_copies, meeting_of, members_of, merge_meeting

_Row = TypeVar("_Row")
Rows = dict[int, list[_Row]]


# What is read of each row, in the order of its columns: far cheaper to ask than SQLAlchemy's own rows.
class _Session(NamedTuple):
    id: int
    pair_id: int
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    attendance_recorded: bool
    called_off_at: datetime | None
    called_off_by: str | None


class _Statement(NamedTuple):
    session_id: int
    side: str
    at: datetime
    held: bool
    absent: list[str]


class _Stay(NamedTuple):
    session_id: int
    side: str
    joined_at: datetime
    left_at: datetime


@dataclass(frozen=True, slots=True)
class _Meetings:
    """What was read of the sessions of a number of pairs, by pair or by session."""

    sessions: Rows[_Session]
    copies: Mapping[int, Sequence[CopyHistory]]
    statements: Rows[_Statement]
    attendance: Rows[_Stay]


def grouped(rows: Iterable[_Row], key: Callable[[_Row], int]) -> Rows[_Row]:
    """Return the rows by what `key` says of each, in their order."""
    groups: Rows[_Row] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def merge_sessions(
    db: OrmSession, pairs: Collection[Any], agreements: Rows[Any]
) -> dict[int, tuple[Told, ...]]:
    """Return the sessions of these pairs by agreement, merged from all that is known; the others have none.

    `agreements` by pair, in order of their first days; each pair has one at least.
    """
    told: dict[int, list[Told]] = defaultdict(list)
    known = _load_meetings(db, [pair.id for pair in pairs])
    for pair in pairs:
        terms = agreements[pair.id]
        members = members_of(pair.mentor_id, pair.mentee_id, terms[-1].timezone)
        for row in known.sessions.get(pair.id, ()):
            session = _told(row, known, members)
            agreement = _agreement_of(session.observations, terms)
            if agreement is not None:
                told[agreement.id].append(session)
    return {agreement_id: tuple(sessions) for agreement_id, sessions in told.items()}


def _told(row: _Session, known: _Meetings, members: Members) -> Told:
    return Told(
        id=f"s-{row.id}",
        observations=merge_meeting(meeting_of(row), known.copies.get(row.id, ()), members),
        statements=tuple(map(_said, known.statements.get(row.id, ()))),
        attendance=_presences(row, known.attendance.get(row.id, ())),
    )


def _load_meetings(db: OrmSession, pair_ids: Collection[int]) -> _Meetings:
    if not pair_ids:
        return _Meetings({}, {}, {}, {})  # most reviews are due by the clock alone
    return _Meetings(
        sessions=_load_sessions(db, pair_ids),
        copies=load_copies(db, among(db, SessionKey.pair_id, pair_ids)),
        statements=_load_statements(db, pair_ids),
        attendance=_load_stays(db, pair_ids),
    )


def _load_sessions(db: OrmSession, pair_ids: Collection[int]) -> Rows[_Session]:
    rows = db.execute(
        select(
            Session.id,
            Session.pair_id,
            Session.starts_at,
            Session.ends_at,
            Session.created_at,
            Session.attendance_recorded,
            Session.called_off_at,
            Session.called_off_by,
        )
        .where(among(db, Session.pair_id, pair_ids), Session.standing == Standing.COUNTED)
        .order_by(Session.pair_id, Session.starts_at, Session.id)
    )
    return grouped(map(_Session._make, rows), attrgetter("pair_id"))


def _load_statements(db: OrmSession, pair_ids: Collection[int]) -> Rows[_Statement]:
    rows = db.execute(
        select(Statement.session_id, Statement.side, Statement.at, Statement.held, Statement.absent)
        .join(Session, Session.id == Statement.session_id)
        .where(among(db, Session.pair_id, pair_ids))
        .order_by(Statement.session_id, Statement.id)
    )
    return grouped(map(_Statement._make, rows), attrgetter("session_id"))


def _load_stays(db: OrmSession, pair_ids: Collection[int]) -> Rows[_Stay]:
    rows = db.execute(
        select(Attendance.session_id, Attendance.side, Attendance.joined_at, Attendance.left_at)
        .join(Session, Session.id == Attendance.session_id)
        .where(among(db, Session.pair_id, pair_ids))
        .order_by(Attendance.session_id, Attendance.id)
    )
    return grouped(map(_Stay._make, rows), attrgetter("session_id"))


def _agreement_of(observations: Sequence[Observation], agreements: Sequence[Any]) -> Any | None:
    """Return the agreement that covers the session's first start, else its present one, else any between.

    None: an agreement that was cut short, or moved, does not cover it any more.
    """
    for moment in (
        observations[0].starts_at,
        observations[-1].starts_at,
        *(o.starts_at for o in observations),
    ):
        for agreement in agreements:
            if _covers(agreement, moment):
                return agreement
    return None


def _covers(agreement: Any, moment: datetime) -> bool:
    day = find_zone(agreement.timezone).day_of(moment)
    return bool(agreement.starts_on.toordinal() <= day <= agreement.ends_on.toordinal())


def _said(row: _Statement) -> Said:
    return Said(by=Side(row.side), at=row.at, held=row.held, absent=tuple(map(Side, row.absent)))


def _presences(row: _Session, stays: Sequence[_Stay]) -> tuple[Presence, ...] | None:
    if not row.attendance_recorded:
        return None
    return tuple(Presence(who=Side(s.side), joined_at=s.joined_at, left_at=s.left_at) for s in stays)
