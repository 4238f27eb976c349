"""Importing people: all of a file or nothing of it, and a second time without any change.

An empty cell leaves what is known of a person, `-` clears it. Never removes a person: who left keeps the
history of the pair.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, insert, select, tuple_, update
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Person, PersonAddress
from tracker.ports import Vault
from tracker.services.audit import Act, Entry, record_all
from tracker.services.connections import CalendarAt, connect_calendars, pairs_of, read_soon
from tracker.services.importing.people_file import PersonRow, missing_files, read_people
from tracker.services.importing.tables import File, Problems
from tracker.services.review import touch_pairs
from tracker.store import portions
from tracker.tags import fold

_KEPT = (
    "name",
    "timezone",
    "language",
    "country",
    "subdivision",
    "department",
    "manager",
    "is_hr",
    "is_admin",
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, in rows; `notes` are for the person who started it."""

    added: int
    changed: int
    unchanged: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A person as the database has them."""

    id: int
    email: str
    values: Mapping[str, object]
    aliases: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Change:
    """What one row does to one person; `known` is None for a new one."""

    row: PersonRow
    known: Known | None

    @property
    def email(self) -> str:
        """Return the main address as it is to be: another one if the row calls the old one a further one."""
        if self.known is None or self.known.email in (self.row.aliases or ()):
            return self.row.email
        return self.known.email

    @property
    def values(self) -> dict[str, object]:
        if self.known is None:
            return dict(self.row.values)
        moved = {"email": self.email} if self.email != self.known.email else {}
        return moved | {k: v for k, v in self.row.values.items() if self.known.values[k] != v}

    @property
    def aliases(self) -> frozenset[str]:
        """Return all further addresses as they are to be."""
        before = self.known.aliases if self.known else frozenset[str]()
        return before if self.row.aliases is None else (self.row.aliases | {self.row.email}) - {self.email}

    @property
    def has_other_aliases(self) -> bool:
        return self.aliases != (self.known.aliases if self.known else frozenset())


def import_people(db: OrmSession, vault: Vault, file: File, act: Act) -> Imported:
    """Import people.csv (docs/commands.md).

    Raises BadInput with every problem of the file, and then has changed nothing.
    """
    rows, problems = read_people(file)
    known = find_people(db, (a for row in rows for a in (row.email, *(row.aliases or ()))))
    changes = _plan(rows, known, problems)
    problems.raise_any()
    return replace(_apply(db, vault, changes, act), notes=missing_files(rows, file))


def find_people(db: OrmSession, addresses: Iterable[str]) -> dict[str, Known]:
    """Return the people behind these addresses, by each of their addresses, further ones included."""
    wanted = sorted(set(addresses))
    ids: set[int] = set()
    for portion in portions(wanted):
        ids.update(db.scalars(select(Person.id).where(Person.email.in_(portion))))
        ids.update(db.scalars(select(PersonAddress.person_id).where(PersonAddress.email.in_(portion))))
    found: dict[str, Known] = {}
    for some in portions(sorted(ids)):
        for person in _load(db, some):
            found.update(dict.fromkeys((person.email, *person.aliases), person))
    return found


def _load(db: OrmSession, ids: list[int]) -> list[Known]:
    aliases: dict[int, set[str]] = {}
    further = select(PersonAddress.person_id, PersonAddress.email).where(PersonAddress.person_id.in_(ids))
    for person_id, email in db.execute(further):
        aliases.setdefault(person_id, set()).add(email)
    columns = [getattr(Person, name) for name in _KEPT]
    people = db.execute(select(Person.id, Person.email, *columns).where(Person.id.in_(ids)))
    return [
        Known(person_id, email, dict(zip(_KEPT, values, strict=True)), frozenset(aliases.get(person_id, ())))
        for person_id, email, *values in people
    ]


def _plan(rows: list[PersonRow], known: Mapping[str, Known], problems: Problems) -> list[_Change]:
    changes: dict[str, _Change] = {}
    for row in rows:
        change = _Change(row, known.get(row.email) or _known_by_old_address(row, known))
        if first := changes.get(change.email):
            problems.add(row.line, "email", f"{row.email} stands in line {first.row.line} already.")
        else:
            changes[change.email] = change
    _check_addresses(changes, known, problems)
    return list(changes.values())


def _known_by_old_address(row: PersonRow, known: Mapping[str, Known]) -> Known | None:
    """Return who gets a new main address by this row: somebody of that name, whose main one it repeats."""
    mains = (known[address] for address in sorted(row.aliases or ()) if address in known)
    return next(
        (p for p in mains if p.email in (row.aliases or ()) and _same_name(p.values["name"], row)), None
    )


def _same_name(name: object, row: PersonRow) -> bool:
    return fold(str(name)) == fold(str(row.values.get("name", "")))


def _check_addresses(changes: Mapping[str, _Change], known: Mapping[str, Known], problems: Problems) -> None:
    # Whose each address will be: who is not in the file keeps theirs.
    named = {change.known.id for change in changes.values() if change.known}
    owners = {address: person.email for address, person in known.items() if person.id not in named}
    owners |= {email: email for email in changes}
    for email, change in changes.items():
        for address in sorted(change.aliases):
            owner = owners.setdefault(address, email)
            if owner != email:
                problems.add(
                    change.row.line,
                    "aliases",
                    f"{address} belongs to {owner}. An address is one person's: take it from one of the two "
                    "(or write the same name, if that is who it is).",
                )


def _apply(db: OrmSession, vault: Vault, changes: list[_Change], act: Act) -> Imported:
    ids = {c.email: c.known.id for c in changes if c.known}
    new = [c for c in changes if c.known is None]
    altered = [c for c in changes if c.known and (c.values or c.has_other_aliases)]
    ids |= _add(db, new, act.at)
    _alter(db, altered)
    _settle_aliases(db, [c for c in changes if c.has_other_aliases], ids)
    wanted: dict[int, CalendarAt | None] = {
        ids[c.email]: c.row.calendar for c in changes if c.row.calendar or (c.row.disconnects and c.known)
    }
    moved = connect_calendars(db, vault, wanted, act)
    _note(db, new, altered, ids, act)
    _follow_up(db, altered, ids, act)
    changed = {ids[c.email] for c in altered} | (moved - {ids[c.email] for c in new})
    return Imported(len(new), len(changed), len(changes) - len(new) - len(changed))


def _add(db: OrmSession, new: list[_Change], now: datetime) -> dict[str, int]:
    ids: dict[str, int] = {}
    for portion in portions(new):
        rows = [{"email": c.email, "created_at": now, **_blank(), **c.values} for c in portion]
        added = db.execute(insert(Person).returning(Person.email, Person.id), rows)
        ids.update((email, person_id) for email, person_id in added)
    return ids


def _blank() -> dict[str, object]:
    # Every row of one statement names the same columns.
    nothing = dict.fromkeys(("country", "subdivision", "department", "manager"))
    return {"timezone": "UTC", "language": "en", "is_hr": False, "is_admin": False, **nothing}


def _alter(db: OrmSession, altered: list[_Change]) -> None:
    rows = [{"id": c.known.id, **c.values} for c in altered if c.known and c.values]
    if rows:
        db.execute(update(Person), rows)


def _settle_aliases(db: OrmSession, changes: list[_Change], ids: Mapping[str, int]) -> None:
    gone = [(c.known.id, a) for c in changes if c.known for a in sorted(c.known.aliases - c.aliases)]
    come = [
        (ids[c.email], a)
        for c in changes
        for a in sorted(c.aliases - (c.known.aliases if c.known else set()))
    ]
    # Taken away first: an address may pass from one person to another in the same file.
    for portion in portions(gone, 5_000):
        db.execute(
            delete(PersonAddress).where(tuple_(PersonAddress.person_id, PersonAddress.email).in_(portion))
        )
    if come:
        db.execute(insert(PersonAddress), [{"person_id": p, "email": a} for p, a in come])


def _note(
    db: OrmSession, new: list[_Change], altered: list[_Change], ids: Mapping[str, int], act: Act
) -> None:
    entries: list[Entry] = [("person.added", f"person:{ids[c.email]}", {}) for c in new]
    for c in altered:
        fields = sorted([*c.values, *(["aliases"] if c.has_other_aliases else [])])
        entries.append(("person.changed", f"person:{ids[c.email]}", {"fields": fields}))
    record_all(db, act, entries)


def _follow_up(db: OrmSession, altered: list[_Change], ids: Mapping[str, int], act: Act) -> None:
    """Have judged and read again what depends on what changed."""
    seen_otherwise = [ids[c.email] for c in altered if c.has_other_aliases or "timezone" in c.values]
    away_otherwise = [ids[c.email] for c in altered if {"country", "subdivision"} & set(c.values)]
    read_soon(db, seen_otherwise, act)
    touch_pairs(db, pairs_of(db, [*seen_otherwise, *away_otherwise]), act.at)
