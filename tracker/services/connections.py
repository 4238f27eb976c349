"""Connecting people's calendars and taking them away. Reads no calendar; an address is sealed at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Calendar, CalendarStatus, Pair, Provider
from tracker.ports import Vault
from tracker.services.audit import Act, record
from tracker.services.review import touch_pairs
from tracker.store import portions


@dataclass(frozen=True, slots=True)
class CalendarAt:
    """Where a person's calendar is; `address` (a path, a URL, an account) is a secret."""

    provider: Provider
    address: str = field(repr=False)


def connect_calendars(
    db: OrmSession, vault: Vault, wanted: Mapping[int, CalendarAt | None], act: Act
) -> frozenset[int]:
    """Make each person (by id) have the calendar named, or none; return those for whom that is news.

    A new address of the same provider takes the place of the old one and keeps its history: links are
    renewed more often than people change calendars. A calendar of another provider is taken away.
    """
    changed = frozenset(
        person_id
        for portion in portions(sorted(wanted))
        for person_id, known in _by_person(db, portion).items()
        if _settle(db, vault, known, wanted[person_id], _For(person_id, act))
    )
    touch_pairs(db, pairs_of(db, changed), act.at)
    return changed


def add_calendar(db: OrmSession, vault: Vault, person_id: int, at: CalendarAt, act: Act) -> Calendar:
    """Connect one more calendar of a person, beside those that are connected; the same one is returned."""
    known = _by_person(db, [person_id])[person_id]
    fingerprint = vault.fingerprint(at.address)
    who = _For(person_id, act)
    calendar = next((c for c in known if (c.provider, c.fingerprint) == (at.provider, fingerprint)), None)
    if calendar is None:
        calendar = _connect(db, vault, at, fingerprint, who)
    elif calendar.status is CalendarStatus.DISCONNECTED:
        _connect_again(db, calendar, who)
    else:
        return calendar
    touch_pairs(db, pairs_of(db, [person_id]), act.at)
    return calendar


def read_soon(db: OrmSession, person_ids: Iterable[int], act: Act) -> None:
    """Have the calendars of these people read at the next tick: what is looked for in them changed."""
    for portion in portions(sorted(set(person_ids))):
        db.execute(
            update(Calendar)
            .where(Calendar.person_id.in_(portion), Calendar.status == CalendarStatus.CONNECTED)
            .values(next_read_at=act.at)
            .execution_options(synchronize_session=False)
        )


def pairs_of(db: OrmSession, person_ids: Iterable[int]) -> list[int]:
    """Return the ids of all pairs that one of these people is in."""
    found: set[int] = set()
    for portion in portions(sorted(set(person_ids)), 5_000):
        found.update(
            db.scalars(select(Pair.id).where(or_(Pair.mentor_id.in_(portion), Pair.mentee_id.in_(portion))))
        )
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _For:
    person_id: int
    act: Act


def _by_person(db: OrmSession, person_ids: list[int]) -> dict[int, list[Calendar]]:
    found: dict[int, list[Calendar]] = {person_id: [] for person_id in person_ids}
    for calendar in db.scalars(
        select(Calendar).where(Calendar.person_id.in_(person_ids)).order_by(Calendar.id)
    ):
        found[calendar.person_id].append(calendar)
    return found


def _settle(db: OrmSession, vault: Vault, known: list[Calendar], at: CalendarAt | None, who: _For) -> bool:
    connected = [c for c in known if c.status is CalendarStatus.CONNECTED]
    if at is None:
        for calendar in connected:
            _disconnect(db, calendar, who)
        return bool(connected)
    fingerprint = vault.fingerprint(at.address)
    same = next((c for c in known if (c.provider, c.fingerprint) == (at.provider, fingerprint)), None)
    if same in connected:
        return False
    successor = next((c for c in connected if c.provider is at.provider), None)
    if same is None and successor is not None:
        _address(successor, vault, at, fingerprint)
        successor.next_read_at = who.act.at
        record(db, who.act, "calendar.address_changed", f"person:{who.person_id}", provider=at.provider)
        return True
    for calendar in connected:
        _disconnect(db, calendar, who)
    if same is not None:
        _connect_again(db, same, who)
    else:
        _connect(db, vault, at, fingerprint, who)
    return True


def _connect(db: OrmSession, vault: Vault, at: CalendarAt, fingerprint: str, who: _For) -> Calendar:
    calendar = Calendar(
        person_id=who.person_id,
        provider=at.provider,
        status=CalendarStatus.CONNECTED,
        connected_at=who.act.at,
        next_read_at=who.act.at,
    )
    _address(calendar, vault, at, fingerprint)
    db.add(calendar)
    record(db, who.act, "calendar.connected", f"person:{who.person_id}", provider=at.provider)
    return calendar


def _address(calendar: Calendar, vault: Vault, at: CalendarAt, fingerprint: str) -> None:
    calendar.address = vault.seal(at.address, calendar.address_binding)
    calendar.fingerprint = fingerprint
    calendar.cursor = None
    calendar.problem = None
    calendar.failures = 0


def _connect_again(db: OrmSession, calendar: Calendar, who: _For) -> None:
    calendar.status = CalendarStatus.CONNECTED
    calendar.disconnected_at = None
    calendar.problem = None
    calendar.failures = 0
    calendar.next_read_at = who.act.at
    record(db, who.act, "calendar.connected", f"person:{who.person_id}", provider=calendar.provider)


def _disconnect(db: OrmSession, calendar: Calendar, who: _For) -> None:
    calendar.status = CalendarStatus.DISCONNECTED
    calendar.disconnected_at = who.act.at
    calendar.next_read_at = None
    record(db, who.act, "calendar.disconnected", f"person:{who.person_id}", provider=calendar.provider)
