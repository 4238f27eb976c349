"""The schedule: everybody has their turn, whatever one job raises, and the end comes soon."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from integrations.registry import open_ports
from integrations.vault import fresh_key
from tests.workers.cli.shell import calendar
from tracker.models import Calendar, LedgerRow, OutboxMail, OutboxState, Person
from tracker.services import schema
from tracker.services.audit import Act
from tracker.services.outbox import Note, enqueue
from tracker.services.pairs import import_pairs
from tracker.services.people import import_people
from tracker.services.tables import File
from tracker.settings import Settings
from workers.schedule import Job, Lane, Schedule, Stopping

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _lane(*jobs: Job) -> Lane:
    return Lane("test", list(jobs), lambda: NOW)


def test_a_job_has_its_turn_at_once_and_then_every_so_often() -> None:
    seen: list[datetime] = []
    lane = _lane(Job("job", 5 * MINUTE, seen.append))
    for minute in range(12):
        lane.tick(NOW + minute * MINUTE)
    assert seen == [NOW, NOW + 5 * MINUTE, NOW + 10 * MINUTE]


def test_a_job_that_fails_stops_nobody_and_its_words_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: datetime) -> None:
        raise RuntimeError("https://secret.example/feed")

    seen: list[datetime] = []
    lane = _lane(Job("reading", MINUTE, fails), Job("other", MINUTE, seen.append))
    with caplog.at_level(logging.DEBUG):
        lane.tick(NOW)
        lane.tick(NOW + MINUTE)
    assert len(seen) == 2
    assert "reading failed (RuntimeError)" in caplog.text
    assert "secret" not in caplog.text


def test_a_long_job_can_be_left_between_two_steps() -> None:
    began = threading.Event()

    def long(_: datetime) -> None:
        began.set()
        for step in range(10_000):
            time.sleep(0.01)
            lane.heed(step, 10_000)

    lane = _lane(Job("long", MINUTE, long))
    lane.start()
    assert began.wait(30)
    lane.ask_to_stop()
    assert lane.join(30)
    with pytest.raises(Stopping):
        lane.heed(0, 0)


def test_after_the_end_no_job_begins() -> None:
    seen: list[datetime] = []
    lane = _lane(Job("job", MINUTE, seen.append))
    lane.ask_to_stop()
    lane.tick(NOW)
    assert seen == []


def test_it_reads_judges_and_sends_without_being_asked(database_url: str, tmp_path: Path) -> None:
    settings = Settings(
        database_url=database_url, secret_keys=(fresh_key(),), mail_url=f"file:{tmp_path / 'outbox'}"
    )
    ports = open_ports(settings)
    schema.upgrade(ports.store)
    (tmp_path / "a.ics").write_text(calendar(3, 17))
    act = Act(None, "command", ports.clock.now())
    people = b"email,name,calendar\nana@x.com,Ana,a.ics\nluis@x.com,Luis,\n"
    pairs = (
        b"program,mentor,mentee,timezone,starts_on,ends_on,cadence\n"
        b"P,ana@x.com,luis@x.com,Europe/Madrid,2026-08-03,2026-09-13,biweekly\n"
    )
    with ports.store.write() as db:
        import_people(db, ports.vault, File("people.csv", people, tmp_path), act)
        import_pairs(db, File("pairs.csv", pairs), act)
        ana = db.scalars(select(Person).where(Person.email == "ana@x.com")).one()
        note = Note("sign_in", ana, {"name": "Ana", "link": "https://x.example/", "minutes": 5}, "sign_in/1")
        enqueue(db, ports.writer, note, sender=settings.mail_from, now=act.at)

    def is_done() -> bool:
        with ports.store.read() as db:
            is_read = db.scalars(select(Calendar.last_read_at)).one() is not None
            is_judged = db.scalars(select(LedgerRow)).first() is not None
            return is_read and is_judged and db.scalars(select(OutboxMail.state)).one() is OutboxState.SENT

    schedule = Schedule(ports)
    schedule.start()
    try:
        deadline = time.monotonic() + 60
        while not is_done() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert is_done()
    finally:
        assert schedule.stop(30)
        ports.store.close()
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
