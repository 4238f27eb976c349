"""Whoever works may be killed at any moment: in the end everything is as if nobody had been."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.crash.nursery import has_ended
from tests.crash.plant import HOUR, PAIRS, Plant, children_of, environment_of, kill, wait_for
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.google.description import Refused
from tests.integrations.mail.servers import Postbox, running
from tests.servers import Keeper, running_postgres, running_redis
from workers.jobs import JOBS

# `make crash` kills more.
KILLS = int(os.environ.get("TEST_KILLS", "4"))
TERMS = int(os.environ.get("TEST_TERMS", "1"))
# What kills its process forty times in a row is left to a person, with reason: so it is calm in between.
CALM_AFTER = 25
MOST_LIFE_S, MOST_ENDING_S = 2.0, 20.0


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


def _work(plant: Plant) -> None:
    """Let people do this and that, until a moment after some job had its turn."""
    for _ in range(plant.chance.randint(1, 3)):
        plant.live()
    job = plant.chance.choice(JOBS).name
    before = plant.turn_of(job)
    plant.pass_time(timedelta(minutes=plant.chance.randint(16, 200)))
    wait_for(lambda: plant.turn_of(job) != before, MOST_LIFE_S)
    wait_for(lambda: False, plant.chance.uniform(0.0, 0.15))


def _work_and_kill(plant: Plant, victim: int) -> None:
    _work(plant)
    kill(victim)
    plant.kills += 1


def test_the_schedule_of_one_machine_survives_being_killed(embedded: Plant) -> None:
    while embedded.kills < KILLS:
        _work_and_kill(embedded, embedded.start("schedule"))
        if embedded.kills % CALM_AFTER == 0:
            embedded.start("schedule")
            embedded.settle()
            embedded.kill_all()
    embedded.start("schedule")
    embedded.settle()
    embedded.check()


def _ready(plant: Plant) -> tuple[int, int]:
    """Return a beat, and a worker that works; whoever ended is started again, as a service manager does."""
    if "beat" not in plant.latest or has_ended(plant.latest["beat"]):
        plant.start("beat")
    if "worker" not in plant.latest or has_ended(plant.latest["worker"]):
        before = plant.last_end()
        worker = plant.start("worker")
        wait_for(lambda: plant.last_end() != before or has_ended(worker), 60)
    return plant.latest["beat"], plant.latest["worker"]


def test_workers_survive_being_killed(spread: Plant) -> None:
    while spread.kills < KILLS:
        _, worker = _ready(spread)
        if spread.kills % 10 == 4:
            # The whole worker, and whoever gives out the turns.
            _work_and_kill(spread, worker)
            spread.kill_all()
        elif children := children_of(worker):
            _work_and_kill(spread, spread.chance.choice(children))
        if spread.kills % CALM_AFTER == 0:
            spread.settle(_ready)
    spread.settle(_ready)
    spread.check()


@pytest.fixture
def own(google: FakeGoogle, tmp_path: Path) -> Iterator[tuple[Plant, Keeper, Keeper]]:
    """As `spread`, with servers that no other test uses, and their keepers."""
    with running_postgres() as postgres, running_redis() as redis:
        database_url = postgres.url(postgres.create_database())
        for plant in _plant(google, tmp_path, database_url, redis.url):
            yield plant, postgres.keeper, redis.keeper


def test_work_goes_on_when_redis_and_the_database_are_restarted(own: tuple[Plant, Keeper, Keeper]) -> None:
    plant, database, redis = own
    _ready(plant)
    for servers in ([redis], [database], [redis, database]):
        plant.live()
        plant.pass_time(HOUR)
        wait_for(lambda: False, 0.3)
        for server in servers:
            server.stop()
        wait_for(lambda: False, 0.5)
        for server in servers:
            server.start()
    plant.settle(_ready)
    plant.check()


def test_an_hour_without_mail_server_and_provider_ends_by_itself(embedded: Plant) -> None:
    embedded.start("schedule")
    embedded.box.mail_answer = "451 4.3.0 not now"
    embedded.google.faults.extend([Refused(503, "backendError", {"Retry-After": "3600"})] * 1_000)
    for _ in range(6):
        embedded.live()
        embedded.pass_time(HOUR / 6)
        wait_for(lambda: False, 0.3)
    assert embedded.box.got == []
    embedded.box.mail_answer = None
    embedded.google.faults.clear()
    embedded.settle()
    embedded.check()


def test_a_provider_that_is_asked_too_often_is_left_alone_for_as_long_as_it_says(embedded: Plant) -> None:
    embedded.google.faults.extend([Refused(429, "rateLimitExceeded", {"Retry-After": "3600"})] * 1_000)
    embedded.start("schedule")
    embedded.meet()
    assert wait_for(lambda: len(embedded.google.asked) >= 2 * PAIRS, 30)
    embedded.pass_time(HOUR / 2)
    wait_for(lambda: False, 0.5)
    # Two calendars for each pair, asked once: nobody knocks again before the hour is over.
    assert len(embedded.google.asked) == 2 * PAIRS
    embedded.google.faults.clear()
    embedded.settle()
    embedded.check()


def test_two_schedules_and_a_clock_that_jumps_say_nothing_twice(embedded: Plant) -> None:
    for _ in range(2):
        embedded.start("schedule")
    for jump in (timedelta(hours=2), timedelta(hours=-2), timedelta(hours=-2), timedelta(hours=4)):
        embedded.live()
        wait_for(lambda: not embedded.what_is_left(embedded.now)["unsent"], 10)
        embedded.pass_time(jump)
        wait_for(lambda: False, 0.5)
    embedded.settle()
    embedded.pass_time(timedelta(days=10))
    embedded.live()
    embedded.settle()
    embedded.check()
    # Of the ten days, the digest of the week of the standstill alone; none of a week that is long gone.
    assert embedded.digests() <= {"2026-W09", "2026-W10"}


def _see_the_end_of(plant: Plant, pids: Sequence[int]) -> None:
    began = time.monotonic()
    assert wait_for(lambda: all(has_ended(pid) for pid in pids), MOST_ENDING_S)
    with (plant.folder / "ended_after_s").open("a") as file:
        file.write(f"{time.monotonic() - began:.2f}\n")  # for who wants to know how long it took


def test_a_worker_and_a_beat_that_are_asked_to_end_do_so_in_time_and_lose_nothing(spread: Plant) -> None:
    for _ in range(TERMS):
        ending = _ready(spread)
        _work(spread)
        for pid in ending:
            os.kill(pid, signal.SIGTERM)
        _see_the_end_of(spread, ending)
    spread.settle(_ready)
    spread.check()


def test_one_machine_that_is_asked_to_end_does_so_in_time_and_loses_nothing(embedded: Plant) -> None:
    for _ in range(TERMS):
        up = embedded.start("up")
        _work(embedded)
        os.kill(up, signal.SIGTERM)
        _see_the_end_of(embedded, [up])
    embedded.start("schedule")
    embedded.settle()
    embedded.check()
