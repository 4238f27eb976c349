"""Filling an empty database with the pairs of one file and their calendars, to be judged once and forgotten.

Never for a database that is kept: people are whoever the file names, and nothing else is known of them.
"""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session as OrmSession

from tracker.models import Agreement, Pair, Person, Program
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, add_calendar
from tracker.services.importing.pairs_file import CALENDARS, COLUMNS_TO_CHECK, Member, PairRow, read_pairs
from tracker.services.importing.tables import File, Problems
from tracker.tags import fold

UNNAMED = "Mentoring"
_Key = tuple[str, str, str]


@dataclass(slots=True)
class Loaded:
    """What was made of the file: each line's agreement in the order of the file, each calendar's place."""

    agreements: dict[int, PairRow] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Filling:
    """Where things are made, and what was made so far."""

    db: OrmSession
    vault: Vault
    act: Act
    file: str
    loaded: Loaded = field(default_factory=Loaded)
    programs: dict[str, Program] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    pairs: dict[_Key, Pair] = field(default_factory=dict)


def load_file(db: OrmSession, vault: Vault, file: File, act: Act) -> Loaded:
    """Make programs, people, calendars and pairs of pairs.csv. Raises BadInput with every problem."""
    rows, problems = read_pairs(file, COLUMNS_TO_CHECK)
    _check(rows, problems)
    problems.raise_any()
    filling = _Filling(db, vault, act, file.name)
    for row in rows:
        _add(filling, row)
    return filling.loaded


def _check(rows: list[PairRow], problems: Problems) -> None:
    terms: dict[_Key, list[PairRow]] = {}
    for row in rows:
        if row.mentor.email == row.mentee.email:
            problems.add(row.line, "mentee", f"{row.mentor.email} can not be mentor and mentee of one pair.")
        for other in terms.setdefault(_key(row), []):
            if row.starts_on <= other.ends_on and other.starts_on <= row.ends_on:
                problems.add(row.line, "starts_on", f"overlaps with the agreement in line {other.line}.")
        terms[_key(row)].append(row)


def _key(row: PairRow) -> _Key:
    return fold(row.program or UNNAMED), row.mentor.email, row.mentee.email


def _add(filling: _Filling, row: PairRow) -> None:
    pair = filling.pairs.get(_key(row)) or _add_pair(filling, row)
    agreement = Agreement(
        pair_id=pair.id,
        timezone=row.timezone,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        sessions=row.cadence.sessions,
        every=row.cadence.every,
        unit=row.cadence.unit.value,
        created_at=filling.act.at,
    )
    filling.db.add(agreement)
    filling.db.flush()
    filling.loaded.agreements[agreement.id] = row
    for column, person_id, at in zip(
        CALENDARS, (pair.mentor_id, pair.mentee_id), (row.mentor_calendar, row.mentee_calendar), strict=True
    ):
        if at:
            _connect(filling, person_id, at, f"line {row.line}, {column}")


def _connect(filling: _Filling, person_id: int, at: CalendarAt, place: str) -> None:
    calendar = add_calendar(filling.db, filling.vault, person_id, at, filling.act)
    filling.db.flush()
    filling.loaded.places.setdefault(calendar.id, f"{filling.file}, {place}")


def _add_pair(filling: _Filling, row: PairRow) -> Pair:
    mentor, mentee = (_person(filling, member, row.timezone) for member in (row.mentor, row.mentee))
    pair = Pair(
        program_id=_program(filling, row.program or UNNAMED).id,
        mentor_id=mentor.id,
        mentee_id=mentee.id,
        created_at=filling.act.at,
    )
    filling.pairs[_key(row)] = pair
    filling.db.add(pair)
    filling.db.flush()
    return pair


def _program(filling: _Filling, name: str) -> Program:
    if fold(name) not in filling.programs:
        filling.programs[fold(name)] = Program(name=name, created_at=filling.act.at)
        filling.db.add(filling.programs[fold(name)])
        filling.db.flush()
    return filling.programs[fold(name)]


def _person(filling: _Filling, member: Member, timezone: str) -> Person:
    if member.email not in filling.people:
        name = member.name or member.email
        person = Person(email=member.email, name=name, timezone=timezone, created_at=filling.act.at)
        filling.people[member.email] = person
        filling.db.add(person)
        filling.db.flush()
    return filling.people[member.email]
