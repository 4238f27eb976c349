"""Backups under write load: every one of them comes back, of one moment, and with an outbox that is silent.

TEST_BACKUPS says how many (60 in the long form).
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.tracker.services.test_outbox import FakeMailer
from tracker.models import CompanyHoliday, OutboxMail, OutboxState, Person
from tracker.services import schema
from tracker.services.backup.copying import back_up, restore
from tracker.services.outbox import send_due
from tracker.store import Store

BACKUPS = int(os.environ.get("TEST_BACKUPS", "3"))
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

Fresh = Callable[[int], Store]


@pytest.fixture
def live(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    schema.upgrade(store)
    yield store
    store.close()


@pytest.fixture
def fresh(live: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Fresh:
    """Makes an empty database of the same kind."""

    def make(number: int) -> Store:
        if live.engine.dialect.name == "sqlite":
            return Store(f"sqlite:///{tmp_path / f'back{number}.sqlite'}")
        server = request.getfixturevalue("postgres_server")
        return Store(server.url(server.create_database()))

    return make


def add(store: Store, number: int) -> None:
    """One transaction: a person, a day and a mail. A copy of two moments has more of one of them."""
    with store.write() as db:
        db.add(Person(email=f"p{number}@example.com", name="P" * 150, created_at=NOW))
        db.flush()
        db.add(CompanyHoliday(day=NOW.date(), name="D" * 150, country="", subdivision=str(number)))
        db.flush()
        mail = OutboxMail(dedupe_key=f"k{number}", message_id=f"<{number}@x>", message=b"x" * 2000)
        mail.kind, mail.sender, mail.recipient = "digest", "cadencia@example.com", f"p{number}@example.com"
        mail.state, mail.due_at, mail.created_at = OutboxState.QUEUED, NOW, NOW
        db.add(mail)


@contextmanager
def writing(url: str) -> Iterator[None]:
    """Write without a pause in the meantime."""
    stop, failures, store = threading.Event(), list[Exception](), Store(url)

    def write() -> None:
        number = 0
        try:
            while not stop.is_set():
                add(store, number)
                number += 1
        except Exception as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()
        store.close()
    assert failures == []


def counts(store: Store) -> list[int]:
    with store.read() as db:
        tables = (Person, CompanyHoliday, OutboxMail)
        return [db.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_every_backup_comes_back_and_sends_nothing(live: Store, fresh: Fresh, tmp_path: Path) -> None:
    known = []
    with writing(live.url):
        for number in range(BACKUPS):
            known.append(min(counts(live)))
            back_up(live, tmp_path / f"copy{number}")
    for number in range(BACKUPS):
        store = fresh(number)
        done = restore(store, tmp_path / f"copy{number}", NOW)
        people, days, mails = counts(store)
        assert people == days == mails == done.held
        assert people >= known[number], "what was committed before the backup is in it"
        mailer = FakeMailer()
        send_due(store, mailer, NOW + timedelta(days=9))
        assert mailer.sent == []
        store.close()
    assert min(counts(live)) > 0
