"""A small company for the tests of the site: people, pairs, and what their calendars said.

It writes rows as a sync would have written them, and has them judged by the real review.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from integrations.registry import Ports, open_ports
from tracker.clock import FixedClock
from tracker.events import CopyRole, EventKind, EventStatus, TagRule
from tracker.models import (
    Agreement,
    Calendar,
    Copy,
    CopyObservation,
    Pair,
    Person,
    Program,
    Provider,
    Session,
    SessionKey,
    Statement,
)
from tracker.services import schema
from tracker.services.review import review
from tracker.services.signin import sign_in_link
from tracker.settings import Settings
from tracker.store import Store
from web.app import create_app

NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Bogotá
KEY = Fernet.generate_key().decode()


@dataclass
class Company:
    """Builds rows; `review()` judges them."""

    ports: Ports
    clock: FixedClock
    _slots: int = field(default=0)

    @property
    def now(self) -> datetime:
        """The company's present moment."""
        return self.clock.instant

    def person(self, name: str, **columns: object) -> Person:
        """Add somebody."""
        local = name.lower().replace(" ", ".").encode("ascii", "ignore").decode()
        values = {"email": f"{local}@example.com", "timezone": "America/Bogota", "language": "en", **columns}
        with self.ports.store.write() as db:
            person = Person(name=name, created_at=self.now, **values)
            db.add(person)
            db.flush()
            _ = person.addresses
        return person

    def program(self, name: str = "Mentoring 2026", **columns: object) -> Program:
        """Add a program."""
        with self.ports.store.write() as db:
            program = Program(name=name, created_at=self.now, **columns)
            db.add(program)
        return program

    def pair(self, program: Program, mentor: Person, mentee: Person, **agreed: object) -> Pair:
        """Add a pair that meets every two weeks from 10 August 2026 on, or as agreed otherwise."""
        values = {
            "timezone": "America/Bogota",
            "starts_on": date(2026, 8, 10),
            "ends_on": date(2027, 2, 21),
            "sessions": 1,
            "every": 2,
            "unit": "week",
            **agreed,
        }
        with self.ports.store.write() as db:
            pair = Pair(program_id=program.id, mentor_id=mentor.id, mentee_id=mentee.id, created_at=self.now)
            pair.review_due_at = self.now
            pair.agreements = [Agreement(created_at=self.now, **values)]
            db.add(pair)
        return pair

    def duo(self, mentor: str = "Ana Ruiz", mentee: str = "Luis Pérez", **agreed: object) -> Duo:
        """Add a pair of two new people, in the one program, with their calendars."""
        with self.ports.store.read() as db:
            program = db.scalars(select(Program)).first()
        program = program or self.program()
        one, other = self.person(mentor), self.person(mentee)
        calendars = [self.calendar(one), self.calendar(other)]
        return Duo(self.pair(program, one, other, **agreed), one, other, calendars)

    def calendar(self, person: Person, read_at: datetime | None = None, **columns: object) -> Calendar:
        """Connect a calendar that was read an hour ago, or at `read_at`."""
        with self.ports.store.write() as db:
            calendar = Calendar(
                person_id=person.id,
                provider=Provider.ICAL,
                fingerprint=f"print-{person.id}",
                address=self.ports.vault.seal(
                    f"https://feeds.example/{person.id}.ics",
                    Calendar(person_id=person.id).address_binding,
                ),
                connected_at=self.now - timedelta(days=200),
                last_read_at=read_at or self.now - timedelta(hours=1),
                **columns,
            )
            db.add(calendar)
        return calendar

    def meeting(
        self,
        pair: Pair,
        calendars: list[Calendar],
        *says: tuple[datetime, datetime, str],
        minutes: int = 45,
    ) -> Session:
        """Add a session; `says` are (at, start, "confirmed" or "cancelled") on all of the calendars."""
        self._slots += 1
        slot = f"slot-{self._slots}"
        last = says[-1]
        length = timedelta(minutes=minutes)
        with self.ports.store.write() as db:
            session = Session(
                pair_id=pair.id, starts_at=last[1], ends_at=last[1] + length, created_at=says[0][0]
            )
            session.keys = [SessionKey(pair_id=pair.id, slot=slot)]
            db.add(session)
            for calendar in calendars:
                copy = Copy(
                    calendar_id=calendar.id,
                    provider_event_id=slot,
                    slot=slot,
                    lineage=slot,
                    slot_at=says[0][1],
                    kind=EventKind.SINGLE,
                    role=CopyRole.ORGANISER if calendar is calendars[0] else CopyRole.ATTENDEE,
                    tag_rule=TagRule.MARKER,
                    organiser_id=pair.mentor_id,
                    people=[pair.mentor_id, pair.mentee_id],
                    version="1",
                    status=EventStatus(last[2]),
                    starts_at=last[1],
                    ends_at=last[1] + length,
                )
                copy.observations = [
                    CopyObservation(
                        at=at,
                        sure_from=at,
                        seen_at=at,
                        starts_at=start,
                        ends_at=start + length,
                        status=EventStatus(status),
                        by_organiser=status == "cancelled",
                        responses={},
                    )
                    for at, start, status in says
                ]
                db.add(copy)
        return session

    def held(self, pair: Pair, calendars: list[Calendar], start: datetime) -> Session:
        """Add a session that both say was held."""
        session = self.meeting(pair, calendars, (start - timedelta(days=10), start, "confirmed"))
        for side in ("mentor", "mentee"):
            self.say(session, pair, side, held=True, at=start + timedelta(hours=2))
        return session

    def say(
        self,
        session: Session,
        pair: Pair,
        side: str,
        *,
        held: bool,
        at: datetime,
        absent: tuple[str, ...] = (),
    ) -> None:
        """Add what one side said."""
        speaker = pair.mentor_id if side == "mentor" else pair.mentee_id
        with self.ports.store.write() as db:
            db.add(
                Statement(
                    session_id=session.id,
                    side=side,
                    at=at,
                    held=held,
                    absent=sorted(absent),
                    entered_by=speaker,
                    via="site",
                )
            )

    def review(self) -> None:
        """Judge everybody."""
        review(self.ports.store, self.now, everyone=True)

    def app(self) -> Flask:
        """The site of this company."""
        return create_app(self.ports)

    def sign_in(self, client: FlaskClient, person: Person) -> FlaskClient:
        """Sign the person in as a browser would."""
        link = sign_in_link(self.ports.settings, person, self.now, once=False)
        path = link.removeprefix(self.ports.settings.base_url)
        token = csrf_of(client.get(path).text)
        assert client.post(path, data={"csrf_token": token}).status_code == 303
        return client


@dataclass(frozen=True)
class Duo:
    """A pair with both calendars connected."""

    pair: Pair
    mentor: Person
    mentee: Person
    calendars: list[Calendar]


def open_company(folder: Path, now: datetime = NOW, **settings: object) -> Company:
    """Return an empty company in `folder`, on a database of its own."""
    values = {
        "database_url": f"sqlite:///{folder / 'cadencia.sqlite'}",
        "secret_keys": (KEY,),
        "mail_url": f"file:{folder / 'mail'}",
        **settings,
    }
    _make_tables(str(values["database_url"]))
    clock = FixedClock(now)
    ports = open_ports(Settings(**values), clock)  # type: ignore[arg-type]
    return Company(ports, clock)


def _make_tables(url: str) -> None:
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).write_bytes(_empty_sqlite())
        return
    store = Store(url)
    schema.upgrade(store)
    store.close()


@lru_cache
def _empty_sqlite() -> bytes:
    # Migrating takes longer than most tests; copying what it made does not.
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite"
        store = Store(f"sqlite:///{path}")
        schema.upgrade(store)
        store.close()
        return path.read_bytes()


def csrf_of(page: str) -> str:
    """The first form's token on a page."""
    return page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]


def utc(day: str, hour: int = 15, minute: int = 0) -> datetime:
    """An instant of 2026, such as `utc("11-10", 15)`."""
    month, _, of_month = day.partition("-")
    return datetime(2026, int(month), int(of_month), hour, minute, tzinfo=UTC)
