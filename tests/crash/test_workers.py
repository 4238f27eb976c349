"""Whoever works may be killed at any moment: in the end everything is as if nobody had been."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.crash.plant import Plant, children_of, environment_of, kill, wait_for
from tests.fakes.google import FakeGoogle, running_google
from tests.integrations.mail.servers import Postbox, running

KILLS = int(os.environ.get("TEST_KILLS", "6"))


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """A Google on loopback."""
    with running_google(FakeGoogle()) as google:
        yield google


@pytest.fixture
def embedded(google: FakeGoogle, tmp_path: Path) -> Iterator[Plant]:
    """The schedule of `cadencia up` on SQLite."""
    yield from _plant(google, tmp_path, f"sqlite:///{tmp_path / 'cadencia.sqlite'}", None)


@pytest.fixture
def spread(google: FakeGoogle, tmp_path: Path, fresh_database: str, redis_url: str) -> Iterator[Plant]:
    """Workers and a beat, with Redis and PostgreSQL."""
    yield from _plant(google, tmp_path, fresh_database, redis_url)


def _plant(google: FakeGoogle, folder: Path, database_url: str, broker_url: str | None) -> Iterator[Plant]:
    box = Postbox()
    with running(box) as port:
        plant = Plant(
            google, box, folder, environment_of(google, database_url, port, broker_url), random.Random(11)
        )
        try:
            yield plant
        finally:
            plant.kill_all()
            plant.ports.store.close()


def _work_and_kill(plant: Plant, victim: int) -> None:
    """Let people do this and that while the process works; kill it somewhere in the middle."""
    for _ in range(plant.chance.randint(1, 3)):
        plant.live()
    plant.pass_time(timedelta(minutes=plant.chance.randint(16, 200)))
    wait_for(lambda: False, plant.chance.uniform(0.0, 0.6))
    kill(victim)
    plant.kills += 1


def test_the_schedule_of_one_machine_survives_being_killed(embedded: Plant) -> None:
    nursery = embedded.start("schedule")
    assert nursery.stdin
    assert nursery.stdout
    for _ in range(KILLS + 1):
        nursery.stdin.write("\n")
        nursery.stdin.flush()
        child = int(nursery.stdout.readline())
        if embedded.kills < KILLS:
            _work_and_kill(embedded, child)
    embedded.settle()
    embedded.check()


def test_workers_survive_being_killed(spread: Plant) -> None:
    beat, worker = spread.start("beat"), spread.start("worker")
    while spread.kills < KILLS:
        assert wait_for(lambda pid=worker.pid: len(children_of(pid)) >= 2, 30)  # type: ignore[misc]
        if spread.kills % 10 == 4:
            # The whole worker, and whoever gives out the turns.
            _work_and_kill(spread, worker.pid)
            spread.kill_all()
            beat, worker = spread.start("beat"), spread.start("worker")
        else:
            _work_and_kill(spread, spread.chance.choice(children_of(worker.pid)))
    assert beat.poll() is None
    spread.settle()
    spread.check()
