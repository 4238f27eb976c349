"""Connecting people's calendars and taking them away. Reads no calendar; an address is sealed at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import in_order
from tracker.models import Calendar, CalendarStatus, Credential, Pair, Provider
from tracker.ports import Vault
from tracker.services.absences import forget_coming
from tracker.services.audit import Act, Entry, record, record_all
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
    renewed more often than people change calendars. A calendar of another provider is taken away. What people
    connected or disconnected themselves is left as it is.
    """
    desk = _Desk(db, vault, act)
    changed = frozenset(
        person_id
        for portion in portions(sorted(wanted))
        for person_id, known in _by_person(db, portion).items()
        if desk.settle(person_id, known, wanted[person_id])
    )
    if desk.new:
        db.execute(insert(Calendar), desk.new)
    record_all(db, act, desk.entries)
    touch_pairs(db, pairs_of(db, changed), act.at)
    return changed


def add_calendar(db: OrmSession, vault: Vault, person_id: int, at: CalendarAt, act: Act) -> Calendar:
    """Connect one more calendar of a person, beside those that are connected; the same one is returned."""
    fingerprint = vault.fingerprint(at.address)
    same = _find(_by_person(db, [person_id])[person_id], at, fingerprint)
    if same is not None and same.status is CalendarStatus.CONNECTED:
        same.is_owners = same.is_owners or act.actor_id == person_id
        return same
    desk = _Desk(db, vault, act)
    if same is not None:
        desk.connect_again(same)
    else:
        same = Calendar(**desk.row(person_id, at, fingerprint))
        db.add(same)
        desk.note("calendar.connected", person_id, at.provider)
    record_all(db, act, desk.entries)
    touch_pairs(db, pairs_of(db, [person_id]), act.at)
    return same


def connect_account(db: OrmSession, vault: Vault, credential: Credential, act: Act) -> Calendar:
    """Connect the calendar of a person's own account, or let one that is connected use this consent."""
    at = CalendarAt(credential.provider, credential.account)
    calendar = add_calendar(db, vault, credential.person_id, at, act)
    calendar.credential_id = credential.id
    calendar.problem, calendar.failures = None, 0
    calendar.records_refused_at = None  # perhaps that is what was just allowed
    calendar.next_read_at = act.at
    db.flush()
    return calendar


def move_calendar(db: OrmSession, vault: Vault, calendar: Calendar, at: CalendarAt, act: Act) -> None:
    """Give a calendar its new address, as its owner wrote it; what is known of its sessions stays."""
    desk = _Desk(db, vault, act)
    desk.move(calendar, at, vault.fingerprint(at.address))
    calendar.is_owners = True
    record_all(db, act, desk.entries)
    touch_pairs(db, pairs_of(db, [calendar.person_id]), act.at)


def disconnect(db: OrmSession, calendar: Calendar, act: Act) -> None:
    """Take one calendar away because its owner wants so; no import connects it again.

    What it said of sessions and of days that have passed stays, and so does when it was last read: what comes
    later is unknown, and nobody is accused over it (tracker.services.evidence).
    """
    if calendar.status is CalendarStatus.CONNECTED:
        _take_away(db, calendar, act)
        calendar.credential_id = None
        calendar.is_owners = True
        record(db, act, "calendar.disconnected", f"person:{calendar.person_id}", provider=calendar.provider)
        touch_pairs(db, pairs_of(db, [calendar.person_id]), act.at)


def _take_away(db: OrmSession, calendar: Calendar, act: Act) -> None:
    calendar.status = CalendarStatus.DISCONNECTED
    calendar.disconnected_at = act.at
    calendar.next_read_at = None
    # Nobody would hear any more that such a day is none after all.
    if forget_coming(db, calendar, act):
        calendar.cursor = None  # connected again, it is read from the beginning, and tells of them anew


def read_soon(db: OrmSession, person_ids: Iterable[int], act: Act) -> None:
    """Have the calendars of these people read at the next tick: what is looked for in them changed."""
    for portion in portions(sorted(set(person_ids))):
        theirs = and_(Calendar.person_id.in_(portion), Calendar.status == CalendarStatus.CONNECTED)
        db.execute(
            update(Calendar)
            .where(in_order(Calendar.id, theirs))
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


def _by_person(db: OrmSession, person_ids: list[int]) -> dict[int, list[Calendar]]:
    found: dict[int, list[Calendar]] = {person_id: [] for person_id in person_ids}
    for calendar in db.scalars(
        select(Calendar).where(Calendar.person_id.in_(person_ids)).order_by(Calendar.id)
    ):
        found[calendar.person_id].append(calendar)
    return found


def _find(known: Iterable[Calendar], at: CalendarAt, fingerprint: str) -> Calendar | None:
    return next((c for c in known if (c.provider, c.fingerprint) == (at.provider, fingerprint)), None)


@dataclass(slots=True)
class _Desk:
    """Where changes are made; rows and entries that are new wait here, to be written in one statement."""

    db: OrmSession
    vault: Vault
    act: Act
    new: list[dict[str, Any]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def settle(self, person_id: int, known: list[Calendar], at: CalendarAt | None) -> bool:
        """Let the person have `at`, or nothing; tell whether that changes anything."""
        connected = [c for c in known if c.status is CalendarStatus.CONNECTED and not c.is_owners]
        if at is None:
            for calendar in connected:
                self.disconnect(calendar)
            return bool(connected)
        fingerprint = self.vault.fingerprint(at.address)
        same = _find(known, at, fingerprint)
        if same is not None and (same in connected or same.is_owners):
            return False
        successor = next((c for c in connected if c.provider is at.provider), None)
        if same is None and successor is not None:
            self.move(successor, at, fingerprint)
            return True
        for calendar in connected:
            self.disconnect(calendar)
        if same is not None:
            self.connect_again(same)
        else:
            self.new.append(self.row(person_id, at, fingerprint))
            self.note("calendar.connected", person_id, at.provider)
        return True

    def row(self, person_id: int, at: CalendarAt, fingerprint: str) -> dict[str, Any]:
        """Return the columns of a calendar that is connected now."""
        return {
            "person_id": person_id,
            "provider": at.provider,
            "status": CalendarStatus.CONNECTED,
            "connected_at": self.act.at,
            "next_read_at": self.act.at,
            "is_owners": self.act.actor_id == person_id,
            "fingerprint": fingerprint,
            "address": self.vault.seal(at.address, Calendar(person_id=person_id).address_binding),
        }

    def move(self, calendar: Calendar, at: CalendarAt, fingerprint: str) -> None:
        """Give a calendar its new address; what is known of its sessions stays."""
        calendar.address = self.vault.seal(at.address, calendar.address_binding)
        calendar.fingerprint = fingerprint
        calendar.cursor = None
        self._revive(calendar)
        self.note("calendar.address_changed", calendar.person_id, at.provider)

    def connect_again(self, calendar: Calendar) -> None:
        """Connect a calendar that was taken away."""
        calendar.status = CalendarStatus.CONNECTED
        calendar.connected_at, calendar.disconnected_at = self.act.at, None
        calendar.scope = ""  # it is taken in as at first: how far back it reaches counts anew
        calendar.is_owners = self.act.actor_id == calendar.person_id
        self._revive(calendar)
        self.note("calendar.connected", calendar.person_id, calendar.provider)

    def disconnect(self, calendar: Calendar) -> None:
        """Take a calendar away; what it said of the past, and of sessions, stays."""
        _take_away(self.db, calendar, self.act)
        self.note("calendar.disconnected", calendar.person_id, calendar.provider)

    def note(self, what: str, person_id: int, provider: Provider) -> None:
        """Keep an entry of the audit trail."""
        self.entries.append((what, f"person:{person_id}", {"provider": provider}))

    def _revive(self, calendar: Calendar) -> None:
        calendar.problem = None
        calendar.failures = 0
        calendar.next_read_at = self.act.at
