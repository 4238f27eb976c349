"""A person's own calendars: what was read of each, and what its owner decides about it.

Never tells anybody else's, never gives an address away again, and never keeps a title: there is none to tell.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import joinedload

from tracker.errors import BadInput
from tracker.events import EventStatus, Window
from tracker.models import (
    Calendar,
    CalendarStatus,
    Copy,
    Credential,
    CredentialStatus,
    Pair,
    Person,
    Program,
    Provider,
    SessionKey,
)
from tracker.ports import Sources, Vault
from tracker.services.audit import Act, record
from tracker.services.connections import CalendarAt, add_calendar, move_calendar
from tracker.services.days_away import withdraw_absences
from tracker.services.importing.people_file import read_calendar
from tracker.services.importing.tables import BadCell
from tracker.services.needs import SealedStore
from tracker.settings import Settings
from tracker.tags import TagRules
from tracker.wording import N_

MOST_SHOWN = 60  # sessions of one calendar, the latest
# Long enough to see that a feed can be read, short enough to cost nothing.
_TRIAL = timedelta(days=31)
NO_FEED = N_(
    "This is no address of a calendar. It begins with https://; your calendar's settings show it, often as "
    "its secret address in iCal format."
)
KNOWN_ALREADY = N_("This calendar is connected already.")


class FeedPorts(SealedStore, Protocol):
    """What connecting a feed needs of the outside world; `integrations.registry` opens it."""

    @property
    def settings(self) -> Settings:
        """Return the settings."""

    @property
    def sources(self) -> Sources:
        """Return what opens calendars."""


@dataclass(frozen=True, slots=True)
class KeptSession:
    """One session as one calendar shows it. `pair` None: it is not known yet whose it is."""

    starts_at: datetime
    is_all_day: bool
    is_cancelled: bool
    pair: Pair | None


@dataclass(frozen=True, slots=True)
class OwnCalendar:
    """One calendar as its owner sees it.

    `place` is the account, or the host of a feed; None where that tells nothing. `consent` is the owner's own
    one, if that is how it is read.
    """

    row: Calendar
    place: str | None
    consent: Credential | None
    sessions: tuple[KeptSession, ...]

    @property
    def is_connected(self) -> bool:
        """Tell whether it is read."""
        return self.row.status is CalendarStatus.CONNECTED

    @property
    def problem(self) -> str | None:
        """Return what is wrong: a refused consent at once, all else as the last reading found it."""
        if not self.is_connected:
            return None
        is_over = self.consent is not None and self.consent.status is not CredentialStatus.ACTIVE
        return "reconnect" if is_over else self.row.problem


def list_own(db: OrmSession, vault: Vault, person: Person) -> list[OwnCalendar]:
    """Return the person's calendars, connected ones first, each with what was kept of it."""
    rows = db.scalars(select(Calendar).where(Calendar.person_id == person.id).order_by(Calendar.id)).all()
    consents = {c.id: c for c in db.scalars(select(Credential).where(Credential.person_id == person.id))}
    found = [
        OwnCalendar(
            row, _place(vault, row), consents.get(row.credential_id or 0), tuple(_kept(db, person, row.id))
        )
        for row in rows
    ]
    return sorted(found, key=lambda calendar: not calendar.is_connected)


def connect_feed(
    ports: FeedPorts, person: Person, text: str, act: Act, replaces: int | None = None
) -> Calendar:
    """Connect the feed at the address that the person wrote, once it could really be read.

    `replaces` is the feed whose address it takes over, with all that is known from it. Raises BadInput for
    what is no address, or is connected already, and ConnectorError for what can not be read.
    """
    at = _read_address(text, person)
    _try_reading(ports, person, at, act.at)
    # Died here: nothing is connected, and the person tries again.
    with ports.store.write() as db:
        if replaces is None:
            return add_calendar(db, ports.vault, person.id, at, act)
        calendar = db.get_one(Calendar, replaces, with_for_update=True)
        fingerprint = ports.vault.fingerprint(at.address)
        same = select(Calendar.id).where(
            Calendar.person_id == person.id, Calendar.fingerprint == fingerprint, Calendar.id != replaces
        )
        if db.scalar(same) is not None:
            raise BadInput(KNOWN_ALREADY)
        move_calendar(db, ports.vault, calendar, at, act)
        return calendar


def connect_mailbox(db: OrmSession, vault: Vault, person: Person, act: Act) -> Calendar:
    """Read of this person what reaches the program's own mailbox: invitations, and nothing else."""
    return add_calendar(db, vault, person.id, CalendarAt(Provider.MAILBOX, person.email), act)


def let_absences_be_read(db: OrmSession, calendar: Calendar, *, reads: bool, act: Act) -> None:
    """Note whether its owner lets days away be read, and have the calendar read soon.

    Where the permission ends, days to come are forgotten at once.
    """
    if calendar.reads_absences is reads:
        return
    calendar.reads_absences = reads
    calendar.next_read_at = act.at
    what = "absences.allowed" if reads else "absences.forbidden"
    record(db, act, what, f"person:{calendar.person_id}", provider=calendar.provider.value)
    if not reads:
        withdraw_absences(db, calendar, act)


def is_asked_for_attendance(db: OrmSession, person_id: int) -> bool:
    """Tell whether a program of this person's asks who was in online meetings."""
    mine = or_(Pair.mentor_id == person_id, Pair.mentee_id == person_id)
    return db.scalar(select(Pair.id).join(Program).where(mine, Program.reads_attendance).limit(1)) is not None


def _read_address(text: str, person: Person) -> CalendarAt:
    try:
        at = read_calendar(text.strip(), person.email, None)
    except BadCell:
        raise BadInput(NO_FEED) from None
    # A word such as `google` means something in an import, and a path would be one of the server's.
    if at.provider is not Provider.ICAL or not re.match(r"https?://", at.address):
        raise BadInput(NO_FEED)
    return at


def _try_reading(ports: FeedPorts, person: Person, at: CalendarAt, now: datetime) -> None:
    rules = TagRules(owner=person.all_addresses)
    source = ports.sources.open(at.provider, at.address, person.timezone)
    source.pull(None, Window(now - _TRIAL, now + _TRIAL), rules)


def _place(vault: Vault, row: Calendar) -> str | None:
    if row.provider is Provider.MAILBOX:
        return None
    address = vault.open(row.address, row.address_binding)
    if row.provider is not Provider.ICAL:
        return address
    # A feed's address is a secret, its host is not.
    return urlsplit(address).hostname if "://" in address else None


def _kept(db: OrmSession, person: Person, calendar_id: int) -> Iterator[KeptSession]:
    shown = select(Copy).where(Copy.calendar_id == calendar_id, Copy.gone_at.is_(None))
    copies = db.scalars(shown.order_by(Copy.starts_at.desc(), Copy.id).limit(MOST_SHOWN)).all()
    pairs = _pairs_by_slot(db, person, {copy.slot for copy in copies})
    for copy in copies:
        is_cancelled = copy.status is EventStatus.CANCELLED
        # The same slot can stand in pairs of others too, of which nothing is told here.
        for pair in pairs.get(copy.slot) or [None]:
            yield KeptSession(copy.starts_at, copy.all_day, is_cancelled, pair)


def _pairs_by_slot(db: OrmSession, person: Person, slots: set[str]) -> Mapping[str, list[Pair | None]]:
    found: dict[str, list[Pair | None]] = defaultdict(list)
    mine = or_(Pair.mentor_id == person.id, Pair.mentee_id == person.id)
    keys = select(SessionKey.slot, Pair).join(Pair, Pair.id == SessionKey.pair_id)
    people = (joinedload(Pair.mentor), joinedload(Pair.mentee))
    for slot, pair in db.execute(keys.where(SessionKey.slot.in_(slots), mine).options(*people)):
        found[slot].append(pair)
    return found
