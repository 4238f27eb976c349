"""A company whose workers are killed: real processes, databases and mail, and a Google of our own."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.crash import promises
from tests.crash.nursery import Nursery
from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import ALL_THAT_WE_USE
from tests.integrations.mail.servers import Postbox
from tests.tracker.world import agreement, instant
from tracker.clock import SystemClock
from tracker.events import Window
from tracker.manners import next_opening
from tracker.models import Booking, BookingState, Heartbeat, OutboxMail, Pair, Person, Program, Provider
from tracker.services import schema
from tracker.services.audit import Act
from tracker.services.bookings import book, call_off, move_booking
from tracker.services.connections import CalendarAt, connect_calendars
from tracker.services.outbox import Note, enqueue, send_due
from tracker.settings import load_settings

FOUNDED = instant("2026-01-05 09:00")
BEGIN = instant("2026-03-02 05:30")  # a Monday, before digests are written
HOUR = timedelta(hours=1)
PAIRS = 4
PATIENCE_S = 240
STEP = timedelta(minutes=20)  # longer than any claim
MOST_DATES = 3  # of a pair
MOST_CALLED_OFF = 4


@dataclass
class Plant:
    """Everything around the processes. `shift` says to them what time it is."""

    google: FakeGoogle
    box: Postbox
    folder: Path
    environment: dict[str, str]
    chance: random.Random
    nurseries: dict[str, Nursery] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)  # the last process of each kind
    kills: int = 0
    notes: int = 0
    called_off: int = 0  # since it was calm

    def __post_init__(self) -> None:
        self.set_clock(BEGIN)
        self.settled_at = BEGIN
        self.google.desk.delegated = set(ALL_THAT_WE_USE)
        self.ports: Ports = open_ports(load_settings(self.environment, self.folder))
        schema.upgrade(self.ports.store)
        self._found()

    # Time

    @property
    def now(self) -> datetime:
        """Return what time it is for the processes."""
        return SystemClock().now() + timedelta(seconds=float((self.folder / "shift").read_text()))

    def set_clock(self, now: datetime) -> None:
        """Let it be `now`."""
        shift = self.folder / "shift.new"
        shift.write_text(str((now - SystemClock().now()).total_seconds()))
        shift.replace(self.folder / "shift")
        self.google.office.now = now

    def pass_time(self, by: timedelta) -> None:
        """Let time go by at once."""
        self.set_clock(self.now + by)

    # What happens meanwhile

    def _found(self) -> None:
        people = [f"{role}{number}@example.com" for number in range(PAIRS) for role in ("mentor", "mentee")]
        for address in people:
            self.google.office.hire(address)
        with self.ports.store.write() as db:
            rows = [Person(email=a, name=a.partition("@")[0], created_at=FOUNDED) for a in people]
            hr = Person(email="hr@example.com", name="Hanna", is_hr=True, created_at=FOUNDED)
            program = Program(name="Mentoring", created_at=FOUNDED)
            db.add_all([*rows, hr, program])
            db.flush()
            for mentor, mentee in zip(rows[::2], rows[1::2], strict=True):
                pair = Pair(
                    program_id=program.id, mentor_id=mentor.id, mentee_id=mentee.id, created_at=FOUNDED,
                    review_due_at=FOUNDED, agreements=[agreement()],
                )  # fmt: skip
                db.add(pair)
            where = {row.id: CalendarAt(Provider.GOOGLE, row.email) for row in rows}
            connect_calendars(db, self.ports.vault, where, Act(None, "command", FOUNDED))

    def live(self) -> None:
        """Let people do something: ask for a mail, meet, and press buttons on the site."""
        self._ask_for_mail()
        self.meet()
        self._press()

    def meet(self) -> None:
        """Let a session be made, moved or called off in a calendar."""
        with self.google.lock:
            self._meet()

    def _meet(self) -> None:
        pair = self.chance.randrange(PAIRS)
        mentor, mentee = f"mentor{pair}@example.com", f"mentee{pair}@example.com"
        office, when = self.google.office, self.now + self.chance.randint(-48, 24 * 30) * HOUR
        mine = [e["id"] for e in office.calendars[mentor].alive() if "extendedProperties" not in e]
        deed = self.chance.random()
        if not mine or deed < 0.5:
            office.meet(mentor, (mentee,), when)
        elif deed < 0.85 or not self._may_call_off():
            office.move(self.chance.choice(mine), when)
        else:
            office.cancel(self.chance.choice(mine))

    def _press(self) -> None:
        """Let somebody ask for a date, for another one, or call one off."""
        act = Act(None, "site", self.now)
        start = self.now.replace(microsecond=0) + self.chance.randint(48, 24 * 30) * HOUR
        slot, deed = Window(start, start + HOUR), self.chance.random()
        with self.ports.store.write() as db:
            pair = self.chance.choice(db.scalars(select(Pair.id).order_by(Pair.id)).all())
            standing = (BookingState.CREATE, BookingState.MOVE, BookingState.WRITTEN)
            ahead = (Booking.state.in_(standing), Booking.starts_at > self.now)
            query = select(Booking.id).where(Booking.pair_id == pair, *ahead).order_by(Booking.id)
            mine = db.scalars(query).all()
            waiting = db.scalars(
                select(Booking.id).where(Booking.pair_id == pair, Booking.due_at.is_not(None))
            )
            if len(waiting.all()) >= MOST_DATES:
                return
            if not mine or (deed < 0.5 and len(mine) < MOST_DATES):
                book(db, self.ports.settings.keys, pair, slot, act)
            elif deed < 0.8 or not self._may_call_off():
                move_booking(db, self.chance.choice(mine), slot, act)
            else:
                call_off(db, self.chance.choice(mine), act)

    def _may_call_off(self) -> bool:
        # More at once, while nobody reads, and the guard against mass deletion rightly asks a person.
        self.called_off += 1
        return self.called_off <= MOST_CALLED_OFF

    def _ask_for_mail(self) -> None:
        with self.ports.store.write() as db:
            person = db.scalars(select(Person).where(Person.is_hr)).one()
            facts = {"name": "Hanna", "link": "https://x.example/", "minutes": 5}
            note = Note("sign_in", person, facts, f"sign_in/{self.notes}")
            enqueue(db, self.ports.writer, note, sender="cadencia@example.com", now=self.now)
        self.notes += 1

    # Processes

    def start(self, what: str) -> int:
        """Start one more process of this kind, and return its number."""
        if what not in self.nurseries:
            arguments = ["tests.crash.run", what, str(self.folder)]
            self.nurseries[what] = Nursery(arguments, self.folder / f"{what}.log", self.environment)
        self.latest[what] = self.nurseries[what].start()
        return self.latest[what]

    def kill_all(self) -> None:
        """End whatever runs, at once."""
        for nursery in self.nurseries.values():
            nursery.close()
        self.nurseries.clear()
        self.latest.clear()

    # What is to be true in the end

    def settle(self, tend: Callable[[Plant], object] = lambda _: None) -> None:
        """Let the processes work until nothing is due; `tend` looks after them."""
        # By day, when nobody is left in peace.
        self.set_clock(next_opening(self.now, "UTC"))
        deadline = time.monotonic() + PATIENCE_S
        edited_at = self.now
        pause_s, step = 1.5, STEP
        while not self.is_done(edited_at):
            assert time.monotonic() < deadline, self.what_is_left(edited_at)
            tend(self)
            self.pass_time(step)
            wait_for(lambda: self.is_done(edited_at), pause_s)
            pause_s *= 1.2  # on a busy machine more comes due in a step than is done meanwhile
            step *= 1.3  # what was begun three times and never ended rests for hours
        self.settled_at, self.called_off = self.now, 0

    def last_end(self) -> datetime | None:
        """Return when a job came to its end last."""
        with self.ports.store.read() as db:
            return db.scalar(select(func.max(Heartbeat.ended_at)))

    def turn_of(self, job: str) -> datetime | None:
        """Return when the job had its turn last."""
        with self.ports.store.read() as db:
            return db.scalar(select(Heartbeat.ticked_at).where(Heartbeat.name == job))

    def is_done(self, since: datetime) -> bool:
        """Tell whether everything was read after `since`, judged, written and sent."""
        return not any(self.what_is_left(since).values())

    def what_is_left(self, since: datetime) -> dict[str, int]:
        """Return how many rows still wait."""
        with self.ports.store.read() as db:
            return promises.what_is_left(db, since, self.now)

    def digests(self) -> set[str]:
        """Return the weeks of which a digest was written."""
        with self.ports.store.read() as db:
            keys = db.scalars(select(OutboxMail.dedupe_key).where(OutboxMail.kind == "digest")).all()
        return {key.split("/")[2] for key in keys}

    def check(self) -> None:
        """Compare with the truth: nothing lost, nothing twice, no calendar and no ledger that diverged."""
        self._finish()
        store, office = self.ports.store, self.google.office
        with store.read() as db:
            promises.check_calendars(db, office)
            promises.check_bookings(db, office)
            promises.check_ledgers(db, self.settled_at)
            promises.check_mail(db, self.box, asked_for=self.notes, kills=self.kills)
            promises.check_letters(db, self.kills)
        promises.check_reminders(store, self.settled_at)
        assert self.google.defects == [], self.google.defects

    def _finish(self) -> None:
        """End all processes, and send what they may have written a moment ago."""
        self.kills += len(self.latest)
        self.kill_all()
        self.pass_time(HOUR)
        while send_due(self.ports.store, self.ports.mailer, self.now).sent:
            pass


def kill(pid: int) -> None:
    """Kill a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """Return the processes that it started."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in listed.split()]


def wait_for(condition: Callable[[], bool], patience_s: float) -> bool:
    """Wait until something is so, and tell whether it came to be."""
    deadline = time.monotonic() + patience_s
    while not (is_so := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so


def environment_of(
    google: FakeGoogle, database_url: str, smtp_port: int, broker_url: str | None
) -> dict[str, str]:
    """Return the settings of the processes."""
    named = {
        "DATABASE_URL": database_url,
        "SECRET_KEYS": fresh_key(),
        "MAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "MAIL_FROM": "Cadencia <cadencia@example.com>",
        "GOOGLE_SERVICE_ACCOUNT": google.key,
        "GOOGLE_API_ROOT": google.root,
    }
    if broker_url:
        named["BROKER_URL"] = broker_url
    return {f"CADENCIA_{name}": value for name, value in named.items()}
