"""Ana mentors Ben. What they do to their calendars is one thing; how these are read is the connector's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import select

from integrations.providers import SettingsConsents, SettingsSources
from integrations.vault import FernetVault, fresh_key
from tests.contract.feeds import write_feed
from tests.fakes.google import FakeGoogle
from tests.fakes.google.calendar import Resource, instant, read_time
from tests.tracker.world import MENTEE, MENTOR, PlainWriter, agreement
from tests.tracker.world import instant as at
from tracker.clock import FixedClock
from tracker.events import EventStatus
from tracker.ledger import Session, Status
from tracker.models import Calendar, Copy, Pair, Person, Program, Provider
from tracker.ports import Consents, Sources, Vault
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, connect_calendars
from tracker.services.evidence import load_evidence
from tracker.services.sync import Outcome, SyncResult, accept_removals, sync_calendar
from tracker.settings import Settings
from tracker.store import Store

ANA, BEN, EVE = MENTOR, MENTEE, "eve@example.com"
JANUARY = at("2026-01-05 09:00")
MONDAY = at("2026-03-02 10:00")
DAY, WEEK, HOUR = timedelta(days=1), timedelta(weeks=1), timedelta(hours=1)


class Connector(Protocol):
    """How a provider's calendars come to us, and what they tell that others do not.

    `tells_deletion`: it says that an entry was deleted, so that its absence need not be guessed at.
    `tells_changes`: it sends what changed instead of everything.
    """

    provider: Provider
    tells_deletion: bool
    tells_changes: bool

    def settings(self) -> Settings:
        """Return the settings with which its calendars open."""

    def address(self, person: str) -> str:
        """Return where the person's calendar is."""

    def publish(self) -> None:
        """Make what was done to the calendars visible to whoever reads them."""

    def forget_cursors(self) -> None:
        """Make every cursor that was given out worthless."""

    def repeat_everything(self) -> None:
        """Deliver once more what was delivered already."""

    def break_off(self, person: str) -> Callable[[], None]:
        """Let readings of that calendar fail half-way; call what is returned to mend it."""


@dataclass
class GoogleConnector:
    """The real client against our own Google."""

    google: FakeGoogle
    provider: Provider = Provider.GOOGLE
    tells_deletion: bool = True
    tells_changes: bool = True

    def settings(self) -> Settings:
        return Settings(google_service_account=self.google.key, google_api_root=self.google.root)

    def address(self, person: str) -> str:
        return person

    def publish(self) -> None:
        """Google needs no publishing."""

    def forget_cursors(self) -> None:
        for calendar in self.google.office.calendars.values():
            calendar.expire_tokens()

    def repeat_everything(self) -> None:
        for calendar in self.google.office.calendars.values():
            for item in list(calendar.items.values()):
                calendar.put(item)

    def break_off(self, person: str) -> Callable[[], None]:
        calendar = self.google.office.calendars[person]
        size, calendar.page_size = calendar.page_size, 1
        calendar.breaks_at = 1

        def mend() -> None:
            calendar.page_size, calendar.breaks_at = size, None

        return mend


@dataclass
class FileConnector:
    """The same calendars, exported as files."""

    google: FakeGoogle
    folder: Path
    provider: Provider = Provider.ICAL
    tells_deletion: bool = False
    tells_changes: bool = False

    def settings(self) -> Settings:
        return Settings()

    def address(self, person: str) -> str:
        return str(self.folder / f"{person}.ics")

    def publish(self) -> None:
        for owner, calendar in self.google.office.calendars.items():
            Path(self.address(owner)).write_text(write_feed(calendar), encoding="utf-8", newline="")

    def forget_cursors(self) -> None:
        """A file is read whole anyway."""

    def repeat_everything(self) -> None:
        """A file repeats everything anyway."""

    def break_off(self, person: str) -> Callable[[], None]:
        path = Path(self.address(person))
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        return lambda: None  # the next publication is whole again


@dataclass
class Company:
    """Ports over a real database, two people, their pair and their calendars."""

    store: Store
    connector: Connector
    google: FakeGoogle
    vault: Vault = field(default_factory=lambda: FernetVault([fresh_key()]))

    def __post_init__(self) -> None:
        self.office = self.google.office
        for person in (ANA, BEN):
            self.office.hire(person)
        self.settings = self.connector.settings()
        self.sources: Sources = SettingsSources(self.settings)
        self.consents: Consents = SettingsConsents(self.settings)
        self.writer, self.clock = PlainWriter(), FixedClock(JANUARY)
        self.pair = self._found()

    def sync(self, person: str) -> SyncResult:
        """Read the person's calendar, an hour after whatever was done last."""
        self.connector.publish()
        self.office.now += HOUR
        with self.store.read() as db:
            calendar_id = db.scalars(select(Calendar.id).join(Person).where(Person.email == person)).one()
        return sync_calendar(self, calendar_id, self.office.now)

    def sync_surely(self, person: str) -> SyncResult:
        """Read the person's calendar, and let go what it wants to let go."""
        result = self.sync(person)
        if result.outcome is Outcome.HELD:
            with self.store.write() as db:
                accept_removals(db, result.calendar_id, Act(None, "command", JANUARY))
            result = self.sync(person)
        return result

    def sessions(self) -> list[Session]:
        """Return what we know of the pair's sessions, earliest first."""
        with self.store.read() as db:
            (only,) = load_evidence(db, [self.pair])
        return sorted(only.evidence.sessions, key=lambda s: (s.observations[-1].starts_at, s.id))

    def standing(self) -> list[datetime]:
        """Return the starts of the sessions that were not called off."""
        last = [s.observations[-1] for s in self.sessions()]
        return [o.starts_at for o in last if o.status is Status.CONFIRMED]

    def cancelled(self) -> list[datetime]:
        """Return the starts of the sessions that were called off."""
        last = [s.observations[-1] for s in self.sessions()]
        return [o.starts_at for o in last if o.status is Status.CANCELLED]

    def shown(self, person: str) -> list[datetime]:
        """Return where the copies of that calendar stand that it still shows, as we know it."""
        with self.store.read() as db:
            copies = db.scalars(select(Copy).join(Calendar).join(Person).where(Person.email == person)).all()
        alive = [c for c in copies if c.gone_at is None and c.status is not EventStatus.CANCELLED]
        return sorted(c.starts_at for c in alive)

    def truth(self, person: str) -> list[datetime]:
        """Return where that calendar's entries stand in truth: tagged ones, a tagged series', of two."""
        calendar = self.office.calendars[person]

        def is_tagged(entry: Resource) -> bool:
            series = calendar.items.get(entry.get("recurringEventId", ""))
            return "#mentoring" in entry["summary"] or (series is not None and is_tagged(series))

        ours = (e for e in calendar.alive() if is_tagged(e) or len(e["attendees"]) == 2)
        return sorted(instant(read_time(e["start"])) for e in ours)

    def _found(self) -> int:
        with self.store.write() as db:
            people = [
                Person(email=email, name=email[:3].title(), timezone="UTC", created_at=JANUARY)
                for email in (ANA, BEN)
            ]
            program = Program(name="Mentoring", created_at=JANUARY)
            db.add_all([*people, program])
            db.flush()
            pair = Pair(
                program_id=program.id,
                mentor_id=people[0].id,
                mentee_id=people[1].id,
                created_at=JANUARY,
                review_due_at=JANUARY,
                agreements=[agreement()],
            )
            db.add(pair)
            db.flush()
            where = {
                p.id: CalendarAt(self.connector.provider, self.connector.address(p.email)) for p in people
            }
            connect_calendars(db, self.vault, where, Act(None, "command", JANUARY))
            return pair.id
