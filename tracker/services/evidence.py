"""What the database knows of pairs, as the ledger's evidence. Reads in bulk; judges and stores nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from tracker.bulk import among
from tracker.ledger import Cadence, Evidence, Policy, Unit
from tracker.ledger import Session as Told
from tracker.models import (
    Agreement,
    Calendar,
    CalendarStatus,
    Pair,
    Person,
    Program,
    Provider,
)
from tracker.services.away import Calendar as Absences
from tracker.services.away import Region, Twosome, load_absences
from tracker.services.memos import load_memos, stamp_of
from tracker.services.sessions import Rows, grouped, merge_sessions
from tracker.services.unseen import find_unseen


class AgreementEvidence(msgspec.Struct, frozen=True, gc=False):
    """The evidence of one agreement; its name tells the later agreements of a pair by their first day.

    `new_memo` is the stamp under which its sessions can be remembered, None if they were.
    """

    agreement_id: int
    pair_id: int
    evidence: Evidence
    new_memo: str | None = None


# What is read of each row, in the order of its columns. Each is asked often, and to ask a row of SQLAlchemy's
# for a column by its name takes ten times as long.
class _Pair(NamedTuple):
    id: int
    program_id: int
    mentor_id: int
    mentee_id: int
    evidence_version: int
    mentor_country: str | None
    mentor_subdivision: str | None
    mentee_country: str | None
    mentee_subdivision: str | None


class _Agreement(NamedTuple):
    id: int
    pair_id: int
    timezone: str
    starts_on: date
    ends_on: date
    sessions: int
    every: int
    unit: str


class _Calendar(NamedTuple):
    person_id: int
    provider: Provider
    status: CalendarStatus
    connected_at: datetime
    disconnected_at: datetime | None
    last_read_at: datetime | None
    shows_from: datetime | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a number of pairs; `forgotten` are those whose sessions no good memo held."""

    policies: Mapping[int, Policy]  # by program
    agreements: Rows[_Agreement]  # by pair
    told: Mapping[int, tuple[Told, ...]]  # by agreement
    forgotten: Collection[int]
    calendars: Rows[_Calendar]  # by person
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


def _load_pairs(db: OrmSession, pair_ids: Collection[int]) -> list[_Pair]:
    mentor, mentee = aliased(Person), aliased(Person)
    rows = db.execute(
        select(
            Pair.id,
            Pair.program_id,
            Pair.mentor_id,
            Pair.mentee_id,
            Pair.evidence_version,
            mentor.country,
            mentor.subdivision,
            mentee.country,
            mentee.subdivision,
        )
        .join(mentor, mentor.id == Pair.mentor_id)
        .join(mentee, mentee.id == Pair.mentee_id)
        .where(among(db, Pair.id, pair_ids))
        .order_by(Pair.id)
    )
    return list(map(_Pair._make, rows))


def _load_known(db: OrmSession, pairs: Sequence[_Pair], *, from_memory: bool) -> _Known:
    pair_ids = [pair.id for pair in pairs]
    agreements = _load_agreements(db, pair_ids)
    people = {person for pair in pairs for person in (pair.mentor_id, pair.mentee_id)}
    told = load_memos(db, _stamps(pairs, agreements)) if from_memory else {}
    forgotten = [pair for pair in pairs if any(a.id not in told for a in agreements.get(pair.id, ()))]
    return _Known(
        policies=_load_policies(db, {pair.program_id for pair in pairs}),
        agreements=agreements,
        told=told | merge_sessions(db, forgotten, agreements),
        forgotten={pair.id for pair in forgotten},
        calendars=_load_calendars(db, people),
        absences=load_absences(db, people, pair_ids),
    )


def _stamps(pairs: Sequence[_Pair], agreements: Rows[_Agreement]) -> dict[int, str]:
    return {
        agreement.id: stamp_of(pair.evidence_version)
        for pair in pairs
        for agreement in agreements.get(pair.id, ())
    }


def _load_policies(db: OrmSession, program_ids: Collection[int]) -> dict[int, Policy]:
    rows = db.execute(select(Program.id, Program.policy).where(among(db, Program.id, program_ids)))
    return {program_id: policy_of(stored) for program_id, stored in rows}


def _load_agreements(db: OrmSession, pair_ids: Collection[int]) -> Rows[_Agreement]:
    rows = db.execute(
        select(
            Agreement.id,
            Agreement.pair_id,
            Agreement.timezone,
            Agreement.starts_on,
            Agreement.ends_on,
            Agreement.sessions,
            Agreement.every,
            Agreement.unit,
        )
        .where(among(db, Agreement.pair_id, pair_ids))
        .order_by(Agreement.pair_id, Agreement.starts_on)
    )
    return grouped(map(_Agreement._make, rows), attrgetter("pair_id"))


def _load_calendars(db: OrmSession, person_ids: Collection[int]) -> Rows[_Calendar]:
    rows = db.execute(
        select(
            Calendar.person_id,
            Calendar.provider,
            Calendar.status,
            Calendar.connected_at,
            Calendar.disconnected_at,
            Calendar.last_read_at,
            Calendar.shows_from,
        ).where(among(db, Calendar.person_id, person_ids))
    )
    return grouped(map(_Calendar._make, rows), attrgetter("person_id"))


def _of_pair(pair: _Pair, known: _Known) -> list[AgreementEvidence]:
    new_memo = stamp_of(pair.evidence_version) if pair.id in known.forgotten else None
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
            _evidence(two, agreement, known, known.policies[pair.program_id], is_first=not i),
            new_memo,
        )
        for i, agreement in enumerate(known.agreements.get(pair.id, ()))
    ]


def _evidence(
    two: Twosome, agreement: _Agreement, known: _Known, policy: Policy, *, is_first: bool
) -> Evidence:
    calendars = [*known.calendars.get(two.mentor_id, ()), *known.calendars.get(two.mentee_id, ())]
    cadence = _cadence(agreement.sessions, agreement.every, agreement.unit)
    return Evidence(
        pair=f"p-{two.pair_id}" if is_first else f"p-{two.pair_id}@{agreement.starts_on}",
        timezone=agreement.timezone,
        starts_on=agreement.starts_on,
        ends_on=agreement.ends_on,
        cadence=cadence,
        policy=policy,
        observed_until=observed_until(calendars, agreement),
        sessions=known.told.get(agreement.id, ()),
        absences=known.absences.of(two, agreement.starts_on, agreement.ends_on)
        + find_unseen(calendars, agreement, cadence, policy.grace_days),
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


@lru_cache(maxsize=1024)
def _cadence(sessions: int, every: int, unit: str) -> Cadence:
    return Cadence(sessions=sessions, every=every, unit=Unit(unit))


@lru_cache(maxsize=1024)
def _policy(stored: bytes) -> Policy:
    return msgspec.json.decode(stored, type=Policy)
