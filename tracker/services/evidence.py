"""What the database knows of pairs, as the ledger's evidence. Reads in bulk; judges and stores nothing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from tracker.bulk import among
from tracker.ledger import Cadence, Evidence, Observation, Policy, Presence, Side, Unit
from tracker.ledger import Session as Told
from tracker.ledger import Statement as Said
from tracker.ledger.zones import find_zone
from tracker.merging import CopyHistory
from tracker.models import (
    Agreement,
    Attendance,
    Calendar,
    CalendarStatus,
    Pair,
    Person,
    Program,
    Provider,
    Session,
    SessionKey,
    Standing,
    Statement,
)
from tracker.services.away import Calendar as Absences
from tracker.services.away import Region, Twosome, load_absences
from tracker.services.histories import load_copies, meeting_of, members_of, merge_meeting
from tracker.services.memos import load_memos, stamp_of
from tracker.services.unseen import find_unseen

_Rows = dict[int, list[Any]]


@dataclass(frozen=True, slots=True)
class AgreementEvidence:
    """The evidence of one agreement; its name tells the later agreements of a pair by their first day.

    `new_memo` is the stamp under which its sessions can be remembered, None if they were.
    """

    agreement_id: int
    pair_id: int
    evidence: Evidence
    new_memo: str | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a number of pairs, by pair, by person or by session."""

    agreements: _Rows
    memos: Mapping[int, Sequence[Told]]  # by agreement
    sessions: _Rows
    copies: Mapping[int, Sequence[CopyHistory]]
    statements: _Rows
    attendance: _Rows
    calendars: _Rows
    absences: Absences


def load_evidence(
    db: OrmSession, pair_ids: Collection[int], *, from_memory: bool = False
) -> list[AgreementEvidence]:
    """Return the evidence of these pairs, in order of pair and of agreement; a dozen queries, however many.

    `from_memory` takes merged sessions from memos where these are good.
    """
    pairs = _load_pairs(db, pair_ids)
    known = _load_known(db, pairs, from_memory=from_memory)
    return [each for pair in pairs for each in _of_pair(pair, known)]


def policy_of(stored: Mapping[str, Any]) -> Policy:
    """Return the policy that a program's own keys make over the defaults."""
    return _policy(msgspec.json.encode(stored, order="sorted"))


def _load_pairs(db: OrmSession, pair_ids: Collection[int]) -> list[Any]:
    mentor, mentee = aliased(Person), aliased(Person)
    return list(
        db.execute(
            select(
                Pair.id,
                Pair.mentor_id,
                Pair.mentee_id,
                Pair.evidence_version,
                Program.policy,
                mentor.country.label("mentor_country"),
                mentor.subdivision.label("mentor_subdivision"),
                mentee.country.label("mentee_country"),
                mentee.subdivision.label("mentee_subdivision"),
            )
            .join(Program)
            .join(mentor, mentor.id == Pair.mentor_id)
            .join(mentee, mentee.id == Pair.mentee_id)
            .where(among(db, Pair.id, pair_ids))
            .order_by(Pair.id)
        )
    )


def _load_known(db: OrmSession, pairs: Sequence[Any], *, from_memory: bool) -> _Known:
    agreements = _load_agreements(db, [pair.id for pair in pairs])
    people = {person for pair in pairs for person in (pair.mentor_id, pair.mentee_id)}
    memos = load_memos(db, _stamps(pairs, agreements)) if from_memory else {}
    forgotten = [pair.id for pair in pairs if any(a.id not in memos for a in agreements[pair.id])]
    return _Known(
        agreements=agreements,
        memos=memos,
        sessions=_load_sessions(db, forgotten),
        copies=load_copies(db, among(db, SessionKey.pair_id, forgotten)),
        statements=_load_by_session(db, Statement, forgotten),
        attendance=_load_by_session(db, Attendance, forgotten),
        calendars=_load_calendars(db, people),
        absences=load_absences(db, people, [pair.id for pair in pairs]),
    )


def _stamps(pairs: Sequence[Any], agreements: _Rows) -> dict[int, str]:
    return {
        agreement.id: stamp_of(pair.evidence_version) for pair in pairs for agreement in agreements[pair.id]
    }


def _load_agreements(db: OrmSession, pair_ids: Collection[int]) -> _Rows:
    rows = db.execute(
        select(*Agreement.__table__.c)
        .where(among(db, Agreement.pair_id, pair_ids))
        .order_by(Agreement.pair_id, Agreement.starts_on)
    )
    return _grouped(rows, "pair_id")


def _load_sessions(db: OrmSession, pair_ids: Collection[int]) -> _Rows:
    rows = db.execute(
        select(*Session.__table__.c)
        .where(among(db, Session.pair_id, pair_ids), Session.standing == Standing.COUNTED)
        .order_by(Session.pair_id, Session.starts_at, Session.id)
    )
    return _grouped(rows, "pair_id")


def _load_by_session(
    db: OrmSession, table: type[Statement] | type[Attendance], pair_ids: Collection[int]
) -> _Rows:
    rows = db.execute(
        select(*table.__table__.c)
        .join(Session, Session.id == table.session_id)
        .where(among(db, Session.pair_id, pair_ids))
        .order_by(table.session_id, table.id)
    )
    return _grouped(rows, "session_id")


def _load_calendars(db: OrmSession, person_ids: Collection[int]) -> _Rows:
    rows = db.execute(
        select(
            Calendar.person_id,
            Calendar.provider,
            Calendar.status,
            Calendar.connected_at,
            Calendar.disconnected_at,
            Calendar.last_read_at,
        ).where(among(db, Calendar.person_id, person_ids))
    )
    return _grouped(rows, "person_id")


def _grouped(rows: Any, key: str) -> _Rows:
    groups: _Rows = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def _of_pair(pair: Any, known: _Known) -> list[AgreementEvidence]:
    agreements = known.agreements.get(pair.id, [])
    if not agreements:
        return []
    is_remembered = all(agreement.id in known.memos for agreement in agreements)
    told = known.memos if is_remembered else _sessions_of(pair, known, agreements)
    new_memo = None if is_remembered else stamp_of(pair.evidence_version)
    two = Twosome(
        pair.id,
        pair.mentor_id,
        pair.mentee_id,
        Region(pair.mentor_country, pair.mentor_subdivision),
        Region(pair.mentee_country, pair.mentee_subdivision),
    )
    return [
        AgreementEvidence(
            agreement.id,
            pair.id,
            _evidence(pair, agreement, known, two, told.get(agreement.id, ()), is_first=not i),
            new_memo,
        )
        for i, agreement in enumerate(agreements)
    ]


def _evidence(  # noqa: PLR0913 - what one agreement's evidence is made of
    pair: Any,
    agreement: Any,
    known: _Known,
    two: Twosome,
    told: Sequence[Told],
    *,
    is_first: bool,
) -> Evidence:
    calendars = [c for person in (pair.mentor_id, pair.mentee_id) for c in known.calendars.get(person, ())]
    policy = policy_of(pair.policy)
    cadence = _cadence(agreement.sessions, agreement.every, agreement.unit)
    return Evidence(
        pair=f"p-{pair.id}" if is_first else f"p-{pair.id}@{agreement.starts_on}",
        timezone=agreement.timezone,
        starts_on=agreement.starts_on,
        ends_on=agreement.ends_on,
        cadence=cadence,
        policy=policy,
        observed_until=observed_until(calendars, agreement),
        sessions=tuple(told),
        absences=(
            *known.absences.of(two, agreement.starts_on, agreement.ends_on),
            *find_unseen(calendars, agreement, cadence, policy.grace_days),
        ),
    )


def observed_until(calendars: Sequence[Any], agreement: Any) -> datetime | None:
    """Return up to when the two's calendars are known to have been read: the earliest of their last reads.

    A calendar that was taken away while the agreement ran stays at its last read, unless its owner connected
    another one in its place.
    """
    calendars = those_that_count(calendars)
    reads = [c.last_read_at for c in calendars if c.status is CalendarStatus.CONNECTED]
    if len(reads) < len(calendars):
        reads += [c.last_read_at for c in calendars if _is_missed(c, calendars, agreement)]
    return None if not reads or None in reads else min(reads)


def those_that_count(calendars: Sequence[Any]) -> list[Any]:
    """Return the calendars that tell how far their owners are known.

    The program's mailbox knows less than any calendar does: it counts for those who have nothing else.
    """
    if all(c.provider is not Provider.MAILBOX for c in calendars):
        return list(calendars)
    have_one = {
        c.person_id
        for c in calendars
        if c.status is CalendarStatus.CONNECTED and c.provider is not Provider.MAILBOX
    }
    return [c for c in calendars if c.provider is not Provider.MAILBOX or c.person_id not in have_one]


def _is_missed(calendar: Any, calendars: Sequence[Any], agreement: Any) -> bool:
    if calendar.status is CalendarStatus.CONNECTED or calendar.last_read_at is None:
        return False
    left = calendar.disconnected_at
    return agreement.starts_on <= left.date() <= agreement.ends_on and not any(
        other.status is CalendarStatus.CONNECTED
        and other.person_id == calendar.person_id
        and other.connected_at >= left
        for other in calendars
    )


def _sessions_of(pair: Any, known: _Known, agreements: Sequence[Any]) -> Mapping[int, Sequence[Told]]:
    """Return the pair's sessions by the agreement that each belongs to."""
    told: dict[int, list[Told]] = defaultdict(list)
    members = members_of(pair.mentor_id, pair.mentee_id, agreements[-1].timezone)
    for row in known.sessions.get(pair.id, ()):
        copies = known.copies.get(row.id, ())
        observations = merge_meeting(meeting_of(row), copies, members)
        agreement = _agreement_of(observations, agreements)
        if agreement is None:
            continue
        told[agreement.id].append(
            Told(
                id=f"s-{row.id}",
                observations=observations,
                statements=tuple(map(_said, known.statements.get(row.id, ()))),
                attendance=_presences(row, known.attendance.get(row.id, ())),
            )
        )
    return told


def _agreement_of(observations: Sequence[Observation], agreements: Sequence[Any]) -> Any:
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


def _said(row: Any) -> Said:
    return Said(by=Side(row.side), at=row.at, held=row.held, absent=tuple(map(Side, row.absent)))


def _presences(row: Any, stays: Sequence[Any]) -> tuple[Presence, ...] | None:
    if not row.attendance_recorded:
        return None
    return tuple(Presence(who=Side(s.side), joined_at=s.joined_at, left_at=s.left_at) for s in stays)


@lru_cache(maxsize=1024)
def _cadence(sessions: int, every: int, unit: str) -> Cadence:
    return Cadence(sessions=sessions, every=every, unit=Unit(unit))


@lru_cache(maxsize=1024)
def _policy(stored: bytes) -> Policy:
    return msgspec.json.decode(stored, type=Policy)
