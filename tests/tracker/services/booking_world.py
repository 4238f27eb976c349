"""A pair with calendars that can be written to, for tests of bookings: fakes over a real database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from integrations.mail import open_writer
from tests.tracker.services.diaries import FakeDiaries, Shelf
from tests.tracker.world import Duo, World, instant, make_duo
from tracker.clock import FixedClock
from tracker.events import Window
from tracker.models import Booking, Calendar, OutboxMail, Provider
from tracker.ports import ConsentDesk, Granted, LetterWriter, Vault, Want
from tracker.services.audit import Act
from tracker.services.bookings import book, call_off, move_booking
from tracker.services.carrying import Carried, carry_out
from tracker.settings import Settings
from tracker.store import Store

KEYS = ("a key",)
NOW = instant("2026-03-02 09:00")
FIRST = Window(instant("2026-03-05 10:00"), instant("2026-03-05 10:45"))
SECOND = Window(instant("2026-03-06 15:00"), instant("2026-03-06 15:45"))
THIRD = Window(instant("2026-03-09 11:00"), instant("2026-03-09 11:45"))


@dataclass(frozen=True)
class Desk:
    """A desk at which `write` is the scope that lets us write."""

    def covers(self, scopes: frozenset[str], want: Want) -> bool:
        """Tell whether the scope is among those."""
        return want.value in scopes

    def needed(self, scopes: frozenset[str], wants: frozenset[Want]) -> frozenset[str]:
        """Each want has its own."""
        return scopes & wants

    def begin(self, redirect_uri: str, wants: frozenset[Want], hint: str | None) -> object:
        """Nobody asks for this here."""
        raise NotImplementedError

    def finish(self, memory: str, answer: Mapping[str, str], now: datetime) -> Granted:
        """Nobody asks for this here."""
        raise NotImplementedError

    def refresh(self, refresh_token: str, now: datetime) -> Granted:
        """Nobody asks for this here."""
        raise NotImplementedError

    def revoke(self, refresh_token: str) -> None:
        """Nobody asks for this here."""
        raise NotImplementedError


@dataclass(frozen=True)
class Desks:
    """The same desk for every provider."""

    def open(self, provider: str) -> ConsentDesk | None:
        """Return it."""
        return Desk()  # type: ignore[return-value]


@dataclass
class BookingWorld:
    """Ports, and Ana and Ben with a Google calendar each."""

    store: Store
    vault: Vault
    settings: Settings = field(
        default_factory=lambda: Settings(
            secret_keys=KEYS, google_service_account="{}", mail_from="C <c@example.com>"
        )
    )
    diaries: FakeDiaries = field(default_factory=FakeDiaries)
    consents: Desks = field(default_factory=Desks)
    writer: LetterWriter = field(default_factory=open_writer)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    duo: Duo = field(init=False)

    def __post_init__(self) -> None:
        self.duo = make_duo(World(self.store, self.vault))

    @property
    def own(self) -> Shelf:
        """The mentor's calendar, which is the first to be written to."""
        return self.diaries.shelf(f"calendar of {self.duo.mentor} at google")

    @property
    def other(self) -> Shelf:
        """The mentee's calendar."""
        return self.diaries.shelf(f"calendar of {self.duo.mentee} at google")

    def act(self, at: datetime = NOW) -> Act:
        """The mentor acts on the site."""
        return Act(self.duo.mentor, "site", at)

    def book(self, slot: Window = FIRST, at: datetime = NOW) -> int:
        """Ask for a date."""
        with self.store.write() as db:
            return book(db, KEYS, self.duo.pair, slot, self.act(at)).id

    def move(self, booking_id: int, slot: Window = SECOND, at: datetime = NOW) -> None:
        """Ask for another one."""
        with self.store.write() as db:
            move_booking(db, booking_id, slot, self.act(at))

    def call_off(self, booking_id: int, at: datetime = NOW) -> None:
        """Ask for it to be called off."""
        with self.store.write() as db:
            call_off(db, booking_id, self.act(at))

    def carry(self, minutes: float = 0) -> Carried:
        """Do what is due, so many minutes later."""
        return carry_out(self, NOW + timedelta(minutes=minutes))

    def row(self, booking_id: int) -> Booking:
        """Read the booking."""
        with self.store.read() as db:
            return db.get_one(Booking, booking_id)

    def mails(self) -> list[OutboxMail]:
        """Read the outbox, oldest first."""
        with self.store.read() as db:
            return list(db.scalars(select(OutboxMail).order_by(OutboxMail.id)))

    def only_feeds(self) -> None:
        """Let both have a feed and nothing else."""
        with self.store.write() as db:
            for calendar in db.scalars(select(Calendar)):
                calendar.provider = Provider.ICAL

    def calendar(self, calendar_id: int) -> Calendar:
        """Read a calendar's row."""
        with self.store.read() as db:
            return db.get_one(Calendar, calendar_id)


def shift(slot: Window, **by: int) -> Window:
    """Return the slot at another time."""
    return replace(slot, start=slot.start + timedelta(**by), end=slot.end + timedelta(**by))
