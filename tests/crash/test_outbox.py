"""Whoever sends mail may be killed at any moment: none is lost, and a copy is known by its Message-ID."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.crash.nursery import Nursery, has_ended
from tests.integrations.mail.servers import Postbox, running
from tracker.models import OutboxMail, OutboxState, Person
from tracker.ports import Letter
from tracker.services import schema
from tracker.services.outbox import LEASE, Note, enqueue
from tracker.store import Store

NOW = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
MAILS = 15
MOST_ROUNDS = 60


class PlainWriter:
    """Writes the same few words to everybody."""

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        return Letter("Hello", "text\n", "<p>html</p>\n")


def _fill(store: Store) -> None:
    with store.write() as db:
        person = Person(email="ana@example.com", name="Ana", created_at=NOW)
        db.add(person)
        db.flush()
        for number in range(MAILS):
            note = Note("sign_in", person, {}, f"sign_in/{number}")
            enqueue(db, PlainWriter(), note, sender="cadencia@example.com", now=NOW)


def _send_and_kill(sender: int, box: Postbox, mails: int, moment_s: float) -> None:
    """Let a process send, and kill it a moment after so many mails arrived."""
    enough = len(box.got) + mails
    while len(box.got) < enough and not has_ended(sender):
        time.sleep(0.001)
    time.sleep(moment_s)
    os.kill(sender, signal.SIGKILL)


def _sent(store: Store) -> int:
    with store.read() as db:
        count = select(func.count()).where(OutboxMail.state == OutboxState.SENT)
        return db.scalar(count) or 0


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    schema.upgrade(store)
    yield store
    store.close()


def test_no_mail_is_lost_however_often_the_sender_is_killed(store: Store, tmp_path: Path) -> None:
    box, chance = Postbox(), random.Random(7)
    _fill(store)
    rounds = 0
    with running(box) as port:
        senders = Nursery(["tests.crash.send_mail", store.url, f"smtp://127.0.0.1:{port}"], tmp_path / "log")
        with contextlib.closing(senders):
            while _sent(store) < MAILS:
                sender = senders.start((NOW + rounds * LEASE).isoformat())
                _send_and_kill(sender, box, chance.randint(1, 8), chance.uniform(0, 0.02))
                rounds += 1
                assert rounds < MOST_ROUNDS
    got = Counter(_message_id(mail.content) for mail in box.got)
    assert len(got) == MAILS
    # Nothing but the mail that was on its way is sent again, each time that somebody was killed.
    assert sum(got.values()) - MAILS <= rounds


def _message_id(content: bytes | str | None) -> str:
    assert isinstance(content, bytes)
    return str(BytesHeaderParser().parsebytes(content)["Message-ID"])
