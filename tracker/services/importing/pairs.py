"""Importing pairs and what they agreed: all of a file or nothing of it, and a second time without any change.

A row with a first day that the pair has already changes that agreement; another first day adds one. Never
ends or removes what the file does not name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Agreement, Pair, Program
from tracker.services.audit import Act, Entry, record_all
from tracker.services.connections import read_soon
from tracker.services.importing.pairs_file import CALENDARS, PairRow, read_pairs
from tracker.services.importing.people import Imported, Known, find_people
from tracker.services.importing.tables import File, Problems
from tracker.services.review import touch_pairs
from tracker.store import portions
from tracker.tags import fold

_TERMS = ("timezone", "ends_on", "sessions", "every", "unit")


@dataclass(frozen=True, slots=True)
class _Key:
    """Which pair: the program's name folded, and two people."""

    program: str
    mentor_id: int
    mentee_id: int


@dataclass(slots=True)
class _Pair:
    """A pair as it is and as the file wants it: agreements by their first day."""

    id: int | None = None
    known: dict[date, "_Known"] = field(default_factory=dict)
    wanted: dict[date, PairRow] = field(default_factory=dict)

    def changes(self) -> dict[date, dict[str, object]]:
        """Return what differs, for each agreement that the file names and that is known."""
        both = (
            (day, _terms(row), self.known[day].terms) for day, row in self.wanted.items() if day in self.known
        )
        found = {day: {k: v for k, v in want.items() if v != have[k]} for day, want, have in both}
        return {day: different for day, different in found.items() if different}

    def additions(self) -> list[PairRow]:
        """Return the agreements that are new."""
        return [row for day, row in self.wanted.items() if day not in self.known]


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    terms: Mapping[str, object]


def import_pairs(db: OrmSession, file: File, act: Act) -> Imported:
    """Import pairs.csv (docs/commands.md). People must be known, by any of their addresses.

    Raises BadInput with every problem of the file, and then has changed nothing.
    """
    rows, problems = read_pairs(file)
    people = find_people(db, (m.email for row in rows for m in (row.mentor, row.mentee)))
    pairs = _group(rows, people, problems)
    programs = _load(db, pairs)
    _check_overlaps(pairs, problems)
    problems.raise_any()
    return _apply(db, pairs, programs, act)


def _group(rows: list[PairRow], people: Mapping[str, Known], problems: Problems) -> dict[_Key, _Pair]:
    pairs: dict[_Key, _Pair] = {}
    for row in rows:
        mentor, mentee = (people.get(m.email) for m in (row.mentor, row.mentee))
        for column, member, person in (("mentor", row.mentor, mentor), ("mentee", row.mentee, mentee)):
            if person is None:
                problems.add(row.line, column, f"nobody is known by {member.email}. Import people first.")
        if not (mentor and mentee):
            continue
        if mentor.id == mentee.id:
            problems.add(row.line, "mentee", f"{mentor.email} can not be mentor and mentee of one pair.")
            continue
        pair = pairs.setdefault(_Key(fold(row.program), mentor.id, mentee.id), _Pair())
        if first := pair.wanted.get(row.starts_on):
            problems.add(row.line, "starts_on", f"this pair and day stand in line {first.line} already.")
        else:
            pair.wanted[row.starts_on] = row
    return pairs


def _load(db: OrmSession, pairs: Mapping[_Key, _Pair]) -> dict[str, int]:
    """Fill in what the database knows of `pairs`; return the programs by their folded names."""
    programs = {fold(name): program_id for program_id, name in db.execute(select(Program.id, Program.name))}
    names = {program_id: name for name, program_id in programs.items()}
    by_id: dict[int, _Pair] = {}
    for mentors in portions(sorted({key.mentor_id for key in pairs})):
        query = select(Pair.id, Pair.program_id, Pair.mentor_id, Pair.mentee_id).where(
            Pair.mentor_id.in_(mentors)
        )
        for pair_id, program_id, mentor_id, mentee_id in db.execute(query):
            if pair := pairs.get(_Key(names[program_id], mentor_id, mentee_id)):
                pair.id = pair_id
                by_id[pair_id] = pair
    columns = [getattr(Agreement, name) for name in _TERMS]
    for ids in portions(sorted(by_id)):
        agreements = select(Agreement.id, Agreement.pair_id, Agreement.starts_on, *columns)
        for agreement_id, pair_id, starts_on, *terms in db.execute(
            agreements.where(Agreement.pair_id.in_(ids))
        ):
            known = _Known(agreement_id, dict(zip(_TERMS, terms, strict=True)))
            by_id[pair_id].known[starts_on] = known
    return programs


def _terms(row: PairRow) -> dict[str, object]:
    cadence = row.cadence
    return {
        "timezone": row.timezone,
        "ends_on": row.ends_on,
        "sessions": cadence.sessions,
        "every": cadence.every,
        "unit": cadence.unit.value,
    }


def _check_overlaps(pairs: Mapping[_Key, _Pair], problems: Problems) -> None:
    for pair in pairs.values():
        ends: dict[date, date] = {day: known.terms["ends_on"] for day, known in pair.known.items()}  # type: ignore[misc]
        ends |= {day: row.ends_on for day, row in pair.wanted.items()}
        days = sorted(ends)
        for earlier, later in pairwise(days):
            if ends[earlier] >= later:
                _add_overlap(pair, earlier, ends[earlier], later, problems)


def _add_overlap(pair: _Pair, earlier: date, earlier_end: date, later: date, problems: Problems) -> None:
    row = pair.wanted.get(later) or pair.wanted.get(earlier)
    if row is None:
        return
    other = later if row.starts_on == earlier else earlier
    place = f"line {pair.wanted[other].line}" if other in pair.wanted else "the database"
    problems.add(
        row.line,
        "starts_on",
        f"the agreement from {earlier} to {earlier_end} and the one from {later} overlap (the other is in "
        f"{place}). Let the first end the day before the second begins.",
    )


def _apply(db: OrmSession, pairs: Mapping[_Key, _Pair], programs: dict[str, int], act: Act) -> Imported:
    rows = [row for pair in pairs.values() for row in pair.wanted.values()]
    added = [row for pair in pairs.values() for row in pair.additions()]
    changed = {pair_key: pair.changes() for pair_key, pair in pairs.items() if pair.changes()}
    before = [pair.id for key, pair in pairs.items() if pair.id and (key in changed or pair.additions())]
    programs |= _add_programs(db, rows, programs, act)
    _add_pairs(db, pairs, programs, act)
    _add_agreements(db, pairs, act)
    _change_agreements(db, [(pairs[key], changes) for key, changes in changed.items()], act)
    _read_members(db, pairs, changed, act)
    touch_pairs(db, before, act.at)
    count = sum(map(len, changed.values()))
    return Imported(len(added), count, len(rows) - len(added) - count, _notes(rows))


def _notes(rows: Iterable[PairRow]) -> tuple[str, ...]:
    if any(row.mentor_calendar or row.mentee_calendar for row in rows):
        return (f"{' and '.join(CALENDARS)} are for `cadencia check`; here calendars stand in people.csv.",)
    return ()


def _add_programs(db: OrmSession, rows: list[PairRow], known: Mapping[str, int], act: Act) -> dict[str, int]:
    names: dict[str, str] = {}
    for row in rows:
        if fold(row.program) not in known:
            names.setdefault(fold(row.program), row.program)
    found: dict[str, int] = {}
    for folded, name in names.items():
        program = Program(name=name, created_at=act.at)
        db.add(program)
        db.flush()
        found[folded] = program.id
    record_all(db, act, [("program.added", f"program:{program_id}", {}) for program_id in found.values()])
    return found


def _add_pairs(db: OrmSession, pairs: Mapping[_Key, _Pair], programs: Mapping[str, int], act: Act) -> None:
    new = {key: pair for key, pair in pairs.items() if pair.id is None}
    names = {program_id: name for name, program_id in programs.items()}
    added = insert(Pair).returning(Pair.id, Pair.program_id, Pair.mentor_id, Pair.mentee_id)
    for portion in portions(new):
        rows = [_new_pair(key, programs, act.at) for key in portion]
        for pair_id, program_id, mentor_id, mentee_id in db.execute(added, rows):
            new[_Key(names[program_id], mentor_id, mentee_id)].id = pair_id
    record_all(db, act, [("pair.added", f"pair:{pair.id}", {}) for pair in new.values()])


def _new_pair(key: _Key, programs: Mapping[str, int], now: datetime) -> dict[str, object]:
    return {
        "program_id": programs[key.program],
        "mentor_id": key.mentor_id,
        "mentee_id": key.mentee_id,
        "evidence_version": 1,
        "review_due_at": now,
        "awaits_reading": True,
        "created_at": now,
    }


def _add_agreements(db: OrmSession, pairs: Mapping[_Key, _Pair], act: Act) -> None:
    rows = [
        {"pair_id": pair.id, "starts_on": row.starts_on, "created_at": act.at, **_terms(row)}
        for pair in pairs.values()
        for row in pair.additions()
    ]
    if rows:
        db.execute(insert(Agreement), rows)
    added: list[Entry] = [
        ("agreement.added", f"pair:{row['pair_id']}", {"starts_on": str(row["starts_on"])}) for row in rows
    ]
    record_all(db, act, added)


def _change_agreements(
    db: OrmSession, changes: list[tuple[_Pair, dict[date, dict[str, object]]]], act: Act
) -> None:
    flat = [(pair, day, change) for pair, by_day in changes for day, change in by_day.items()]
    if flat:
        db.execute(update(Agreement), [{"id": pair.known[day].id, **change} for pair, day, change in flat])
    entries: list[Entry] = [
        ("agreement.changed", f"pair:{pair.id}", {"starts_on": str(day), "fields": sorted(change)})
        for pair, day, change in flat
    ]
    record_all(db, act, entries)


def _read_members(db: OrmSession, pairs: Mapping[_Key, _Pair], changed: Iterable[_Key], act: Act) -> None:
    keys = {*changed, *(key for key, pair in pairs.items() if pair.additions())}
    read_soon(db, {person for key in keys for person in (key.mentor_id, key.mentee_id)}, act)
