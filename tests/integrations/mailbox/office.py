"""A company whose sessions are known by invitation alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.registry import Ports, open_ports
from tests.fakes.imap import FakeImap
from tests.fakes.imap.letters import ANA, BEN, PROGRAM
from tests.tracker.world import World, agreement, instant, make_duo
from tracker.clock import FixedClock
from tracker.events import CalendarEvent, Pull, Window
from tracker.ledger import Evidence
from tracker.models import (
    Booking,
    BookingState,
    Calendar,
    Invitation,
    Mailbox,
    Pair,
    Program,
    Provider,
)
from tracker.references import new_reference, reader_of
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, connect_calendars
from tracker.services.mailbox import MailboxReport, read_mailbox
from tracker.services.sync import SyncResult, sync_calendar, sync_due
from tracker.settings import Settings
from tracker.store import Store
from tracker.tags import TagRules

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))


class Office:
    """Ports over a real database and the fake server, and what tests ask most."""

    def __init__(self, store: Store, imap: FakeImap, key: str) -> None:
        self.imap = imap
        self.clock = FixedClock(instant("2026-02-21 09:00"))
        settings = Settings(
            database_url=store.url, secret_keys=(key,), mailbox_url=imap.url(), program_address=PROGRAM
        )
        self.ports: Ports = open_ports(settings, self.clock)
        self.world = World(self.ports.store, self.ports.vault, settings)
        self.duo = make_duo(self.world, providers=(Provider.ICAL, Provider.ICAL))
        at = Act(None, "command", self.clock.now())
        wanted: dict[int, CalendarAt | None] = {
            self.duo.mentor: CalendarAt(Provider.MAILBOX, ANA),
            self.duo.mentee: CalendarAt(Provider.MAILBOX, BEN),
        }
        with self.ports.store.write() as db:
            connect_calendars(db, self.ports.vault, wanted, at)

    def close(self) -> None:
        """End it."""
        self.ports.store.close()

    def pass_time(self, by: timedelta = timedelta(minutes=5)) -> None:
        """Let the clock go on."""
        self.clock.instant += by

    def read(self) -> MailboxReport:
        """Read the mailbox, which has to be due."""
        report = read_mailbox(self.ports, self.clock.now())
        assert report is not None
        assert report.problem is None
        return report

    def receive(self, *messages: bytes) -> MailboxReport:
        """Deliver messages and read the mailbox."""
        for message in messages:
            self.imap.deliver(message)
        return self.read()

    def pull(self, owner: str = ANA, cursor: str | None = None, rules: TagRules | None = None) -> Pull:
        """Read the mailbox calendar of one of the two."""
        is_ours = reader_of(self.ports.settings.keys)
        rules = rules or TagRules(program_addresses=frozenset({PROGRAM}), is_ours=is_ours)
        source = self.ports.sources.open(Provider.MAILBOX, owner, "Europe/Madrid")
        return source.pull(cursor, WINDOW, replace(rules, owner=frozenset({owner})))

    def events(self, owner: str = ANA) -> list[CalendarEvent]:
        """Return what the calendar shows, by start."""
        return sorted(self.pull(owner).events, key=lambda event: str(event.start))

    def event(self, owner: str = ANA) -> CalendarEvent:
        """Return the only event."""
        (only,) = self.events(owner)
        return only

    def sync(self) -> list[SyncResult]:
        """Take in both mailbox calendars."""
        return [sync_calendar(self.ports, each, self.clock.now()) for each in self.calendar_ids()]

    def calendar_ids(self) -> list[int]:
        """Return the two mailbox calendars."""
        with self.ports.store.read() as db:
            rows = db.query(Calendar).filter(Calendar.provider == Provider.MAILBOX).order_by(Calendar.id)
            return [row.id for row in rows]

    def evidence(self) -> Evidence:
        """Return what is known of the two."""
        return self.world.evidence(self.duo.pair)

    def contents(self) -> list[str]:
        """Return what is stored of each message, opened."""
        with self.ports.store.read() as db:
            rows = db.query(Invitation).order_by(Invitation.id).all()
            return [self.ports.vault.open(row.content, row.binding) for row in rows]

    def mailbox(self) -> Mailbox:
        """Return the row."""
        with self.ports.store.read() as db:
            return db.query(Mailbox).one()

    def forget(self) -> None:
        """Begin anew, with an empty mailbox of which nothing is known."""
        self.imap.inbox.messages.clear()
        with self.ports.store.write() as db:
            db.query(Mailbox).delete()

    def sync_due(self) -> list[SyncResult]:
        """Take in the calendars whose time has come."""
        return sync_due(self.ports, self.clock.now())

    def add_pair(self, mentor: int, mentee: int) -> None:
        """Pair two more, now."""
        with self.ports.store.write() as db:
            program = db.query(Program).one()
            db.add(
                Pair(
                    program_id=program.id,
                    mentor_id=mentor,
                    mentee_id=mentee,
                    created_at=self.clock.now(),
                    agreements=[agreement()],
                )
            )

    def set_read(self, calendar_id: int, at: datetime) -> None:
        """Have a calendar be read at that moment."""
        with self.ports.store.write() as db:
            db.get_one(Calendar, calendar_id).last_read_at = at

    def book(self, start: str) -> str:
        """Have Cadencia invite both by mail; return the session's reference."""
        reference = new_reference(self.ports.settings.keys)
        with self.ports.store.write() as db:
            db.add(
                Booking(
                    pair_id=self.duo.pair,
                    reference=reference,
                    uid=f"{reference}@cadencia",
                    starts_at=instant(start),
                    ends_at=instant(start) + timedelta(hours=1),
                    by_mail=True,
                    state=BookingState.WRITTEN,
                    created_at=self.clock.now(),
                )
            )
        return reference

    def call_off(self, reference: str) -> None:
        """Have Cadencia tell both that the session is off."""
        with self.ports.store.write() as db:
            booking = db.query(Booking).filter(Booking.reference == reference).one()
            booking.state, booking.sequence = BookingState.CANCELLED, 1
