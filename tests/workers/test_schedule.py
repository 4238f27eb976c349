"""The schedule: everybody has their turn, whatever one job raises, and the end comes soon."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.workers.cli.shell import calendar
from tracker.clock import FixedClock
from tracker.models import Calendar, LedgerRow, OutboxMail, OutboxState, Person, Provider
from tracker.services import schema
from tracker.services.audit import Act
from tracker.services.claims import Stopping
from tracker.services.importing.pairs import import_pairs
from tracker.services.importing.people import import_people
from tracker.services.importing.tables import File
from tracker.services.leases import take_lease
from tracker.services.outbox import Note, enqueue
from tracker.settings import Settings
from workers.jobs import JOBS, Job, Queue, Turn
from workers.schedule import Lane, Schedule

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    """Ports over an empty SQLite database."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'cadencia.sqlite'}",
        secret_keys=(fresh_key(),),
        mail_url=f"file:{tmp_path / 'outbox'}",
    )
    ports = open_ports(settings, FixedClock(NOW))
    schema.upgrade(ports.store)
    yield ports
    ports.store.close()


def _tick_at(lane: Lane, ports: Ports, now: datetime) -> None:
    assert isinstance(ports.clock, FixedClock)
    ports.clock.instant = now
    lane.tick()


def _job(name: str, every: timedelta, run: Callable[[Ports, datetime, Turn], object]) -> Job:
    return Job(name, every, Queue.BULK, run)


def test_a_job_has_its_turn_at_once_and_then_every_so_often(ports: Ports) -> None:
    seen: list[datetime] = []
    lane = Lane(ports, "test", [_job("job", 5 * MINUTE, lambda _p, now, _t: seen.append(now))])
    for minute in range(12):
        _tick_at(lane, ports, NOW + minute * MINUTE)
    assert seen == [NOW, NOW + 5 * MINUTE, NOW + 10 * MINUTE]


def test_two_schedules_share_the_turns(ports: Ports) -> None:
    seen: list[datetime] = []
    job = _job("job", MINUTE, lambda _p, now, _t: seen.append(now))
    lanes = [Lane(ports, "one", [job]), Lane(ports, "two", [job])]
    for minute in range(3):
        for lane in lanes:
            _tick_at(lane, ports, NOW + minute * MINUTE)
    assert seen == [NOW, NOW + MINUTE, NOW + 2 * MINUTE]


def test_a_job_that_fails_stops_nobody_and_its_words_are_not_logged(
    ports: Ports, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("https://secret.example/feed")

    seen: list[datetime] = []
    lane = Lane(
        ports,
        "test",
        [_job("reading", MINUTE, fails), _job("other", MINUTE, lambda _p, now, _t: seen.append(now))],
    )
    with caplog.at_level(logging.DEBUG):
        _tick_at(lane, ports, NOW)
        _tick_at(lane, ports, NOW + MINUTE)
    assert len(seen) == 2
    assert "reading failed (RuntimeError)" in caplog.text
    assert "secret" not in caplog.text


def test_it_goes_on_at_once_while_there_is_more(ports: Ports) -> None:
    left = [1, 2, 3]

    def portion(_ports: Ports, _now: datetime, turn: Turn) -> None:
        left.pop()
        if left:
            turn.more()

    Lane(ports, "test", [_job("job", MINUTE, portion)]).tick()
    assert left == []


def test_a_job_that_is_to_run_alone_leaves_the_work_to_whoever_has_it(ports: Ports) -> None:
    seen: list[datetime] = []
    job = Job("job", MINUTE, Queue.BULK, lambda _p, now, _t: seen.append(now), alone=True)
    assert take_lease(ports.store, "job:job", "somebody else", NOW, MINUTE)
    lane = Lane(ports, "test", [job])
    _tick_at(lane, ports, NOW)
    assert seen == []
    _tick_at(lane, ports, NOW + MINUTE)
    assert seen == [NOW + MINUTE]


def test_a_long_job_can_be_left_between_two_steps(ports: Ports) -> None:
    began = threading.Event()

    def long(_ports: Ports, _now: datetime, turn: Turn) -> None:
        began.set()
        for step in range(10_000):
            time.sleep(0.01)
            turn.heed(step, 10_000)

    lane = Lane(ports, "test", [_job("long", MINUTE, long)])
    lane.start()
    assert began.wait(30)
    lane.ask_to_stop()
    assert lane.join(30)
    with pytest.raises(Stopping):
        lane.heed(0, 0)


def test_after_the_end_no_job_begins(ports: Ports) -> None:
    seen: list[datetime] = []
    lane = Lane(ports, "test", [_job("job", MINUTE, lambda _p, now, _t: seen.append(now))])
    lane.ask_to_stop()
    lane.tick()
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

    # With turns that come often: whoever judged just before the first reading has the next one in a second.
    schedule = Schedule(ports, [replace(job, every=job.every / 30) for job in JOBS])
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


def test_what_its_owner_waits_for_is_looked_at_before_what_is_due(ports: Ports) -> None:
    ana = Person(email="ana@example.com", name="Ana", created_at=NOW)
    with ports.store.write() as db:
        db.add(ana)
        db.flush()
        row = {"person_id": ana.id, "provider": Provider.ICAL, "address": "x", "connected_at": NOW}
        db.add(Calendar(fingerprint="1", next_read_at=NOW - 60 * MINUTE, **row))
        db.add(Calendar(fingerprint="2", next_read_at=NOW, is_owners=True, **row))
    (job,) = (job for job in JOBS if job.name == "awaited")
    Lane(ports, "clicks", [job]).tick()
    with ports.store.read() as db:
        due = db.scalars(select(Calendar.fingerprint).where(Calendar.next_read_at <= NOW)).all()
    assert due == ["1"]
