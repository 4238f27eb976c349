"""Whoever writes dates into calendars may be killed at any moment: each is there once in the end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.crash.nursery import Nursery, has_ended
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.google.calendar import read_time
from tests.fakes.google.tokens import ALL_THAT_WE_USE
from tests.tracker.world import MENTEE, MENTOR, agreement, instant
from tracker.events import Window
from tracker.models import Booking, BookingState, OutboxMail, Pair, Person, Program, Provider
from tracker.services import schema
from tracker.services.audit import Act
from tracker.services.bookings import book, call_off, move_booking
from tracker.services.carrying import LEASE
from tracker.services.connections import CalendarAt, connect_calendars
from tracker.settings import SETTINGS_FILE, load_settings

NOW = instant("2026-03-02 05:00")
MENTEES = 2
DATES = 3  # for each of them
MOST_ROUNDS = 80


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running_google(FakeGoogle()) as google:
        google.desk.delegated = set(ALL_THAT_WE_USE)
        google.office.now = NOW
        yield google
    assert google.defects == []


@pytest.fixture
def ports(google: FakeGoogle, database_url: str, tmp_path: Path) -> Iterator[Ports]:
    key = tmp_path / "key.json"
    key.write_text(google.key)
    lines = {
        "DATABASE_URL": database_url,
        "SECRET_KEYS": fresh_key(),
        "GOOGLE_SERVICE_ACCOUNT_FILE": str(key),
        "GOOGLE_API_ROOT": google.root,
        "MAIL_URL": f"file:{tmp_path / 'mail'}",
    }
    text = "".join(f"CADENCIA_{name}={value}\n" for name, value in lines.items())
    (tmp_path / SETTINGS_FILE).write_text(text)
    ports = open_ports(load_settings({}, tmp_path))
    schema.upgrade(ports.store)
    yield ports
    ports.store.close()


def test_no_date_is_written_twice_or_lost_however_often_the_writer_is_killed(
    google: FakeGoogle, ports: Ports, tmp_path: Path
) -> None:
    chance, now = random.Random(11), NOW
    pairs = found(google, ports)
    asked = [ask(ports, pair, number, now) for pair in pairs for number in range(DATES)]
    now = write_and_kill(google, ports, tmp_path, now, chance)
    for booking in asked[::2]:
        with ports.store.write() as db:
            starts_at = db.get_one(Booking, booking).starts_at + timedelta(hours=3)
            move_booking(db, booking, Window(starts_at, starts_at + timedelta(hours=1)), act(now))
    for booking in asked[::3]:
        with ports.store.write() as db:
            call_off(db, booking, act(now))
    write_and_kill(google, ports, tmp_path, now, chance)
    assert standing(google) == wanted(ports)
    with ports.store.read() as db:
        assert db.scalar(select(func.count()).select_from(OutboxMail)) == 0


def found(google: FakeGoogle, ports: Ports) -> list[int]:
    """Found a mentor of two, all with a calendar."""
    emails = [MENTOR, MENTEE, "eve@example.com"]
    with ports.store.write() as db:
        people = [Person(email=email, name=email.partition("@")[0], created_at=NOW) for email in emails]
        program = Program(name="Mentoring", created_at=NOW)
        db.add_all([*people, program])
        db.flush()
        pairs = [
            Pair(
                program_id=program.id,
                mentor_id=people[0].id,
                mentee_id=other.id,
                created_at=NOW,
                agreements=[agreement()],
            )
            for other in people[1 : MENTEES + 1]
        ]
        db.add_all(pairs)
        db.flush()
        wanted = {person.id: CalendarAt(Provider.GOOGLE, person.email) for person in people}
        connect_calendars(db, ports.vault, wanted, act(NOW))
        for email in emails:
            google.office.hire(email)
        return [pair.id for pair in pairs]


def ask(ports: Ports, pair: int, number: int, now: datetime) -> int:
    starts_at = instant("2026-04-06 08:00") + timedelta(days=number, hours=pair)
    slot = Window(starts_at, starts_at + timedelta(hours=1))
    with ports.store.write() as db:
        return book(db, ports.settings.keys, pair, slot, act(now)).id


def write_and_kill(
    google: FakeGoogle, ports: Ports, folder: Path, now: datetime, chance: random.Random
) -> datetime:
    """Let one process after the other write, and kill each some requests and a moment later."""
    writers = Nursery(["tests.crash.carry_bookings", str(folder)], folder / "log")
    with contextlib.closing(writers):
        for _ in range(MOST_ROUNDS):
            enough = len(google.asked) + chance.randint(1, 9)
            writer = writers.start(now.isoformat())
            while len(google.asked) < enough and not has_ended(writer):
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.02))
            os.kill(writer, signal.SIGKILL)
            now += LEASE + timedelta(seconds=1)
            if not unsettled(ports):
                return now
    raise AssertionError("it never came to an end")


def unsettled(ports: Ports) -> int:
    rest = (BookingState.WRITTEN, BookingState.CANCELLED)
    with ports.store.read() as db:
        return db.scalar(select(func.count(Booking.id)).where(Booking.state.not_in(rest))) or 0


def wanted(ports: Ports) -> list[datetime]:
    """Return where the rows say that sessions stand."""
    with ports.store.read() as db:
        rows = db.scalars(select(Booking.starts_at).where(Booking.state == BookingState.WRITTEN))
        return sorted(rows)


def standing(google: FakeGoogle) -> list[datetime]:
    """Return where Google says so."""
    items = google.office.calendars[MENTOR].items.values()
    starts = (read_time(item["start"]) for item in items if item["status"] != "cancelled")
    return sorted(start for start in starts if isinstance(start, datetime))


def act(now: datetime) -> Act:
    return Act(None, "site", now)
