"""`cadencia alive`: a sign of life for container engines."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.workers.cli.shell import Shell
from tracker.clock import SystemClock
from tracker.models import Heartbeat
from tracker.store import Store


def beat(office: Shell, ticked_min: int, ended_min: int | None) -> None:
    now = SystemClock().now()
    ended_at = now - timedelta(minutes=ended_min) if ended_min is not None else None
    url = re.search(r"CADENCIA_DATABASE_URL=(\S+)", Path("cadencia.env").read_text(encoding="utf-8"))
    store = Store(url[1] if url else "sqlite:///cadencia.sqlite")
    with store.write() as db:
        db.add(Heartbeat(name="reading", ticked_at=now - timedelta(minutes=ticked_min), ended_at=ended_at))
    store.close()


@pytest.fixture
def here(shell: Shell) -> Shell:
    shell.run("init")
    return shell


def test_nothing_ran_yet(here: Shell) -> None:
    assert "No beat was at work" in here.run("alive", "beat", status=1).output


def test_a_beat_that_ticks_is_alive_and_a_worker_that_ends_nothing_is_not(here: Shell) -> None:
    beat(here, 1, None)
    here.run("alive", "beat")
    here.run("alive", "worker", status=1)


def test_a_worker_that_ends_its_work_is_alive(here: Shell) -> None:
    beat(here, 20, 10)
    here.run("alive", "worker")
    here.run("alive", "beat", status=1)
