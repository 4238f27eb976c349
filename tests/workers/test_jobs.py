"""The list of jobs and its tasks: nothing twice, nobody unserved, and only numbers on the way."""

import inspect
import logging
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from integrations.hints import CLICKS, task_name
from integrations.registry import Ports
from tests.house.sources import ROOT
from tests.web.company import open_company
from tracker.errors import BadSettings
from tracker.ports import Hint
from tracker.services.claims import Stopping
from tracker.services.leases import take_lease
from tracker.settings import Settings
from workers.app import COLD_S, SOFT_S, VISIBILITY_TIMEOUT_S, WARM_S, celery_settings, make_app
from workers.cli.worker import _chosen
from workers.jobs import HARD_LIMIT, JOBS, Job, Queue, Turn
from workers.tasks import LONGEST_S, Relay, _register_job, register

SETTINGS = Settings(broker_url="redis://localhost:1/0")


def _nowhere() -> None:
    raise AssertionError("no task runs here")


@pytest.fixture(scope="module")
def app():  # type: ignore[no-untyped-def]
    """The application with all its tasks."""
    made = make_app(SETTINGS)
    register(made, _nowhere)  # type: ignore[arg-type]
    return made


def test_every_job_is_in_the_list_once() -> None:
    assert max(Counter(job.name for job in JOBS).values()) == 1


def test_every_job_has_a_task(app) -> None:  # type: ignore[no-untyped-def]
    assert {f"jobs.{job.name}" for job in JOBS} <= set(app.tasks)


def test_every_hint_has_a_task_in_a_queue_that_is_served(app) -> None:  # type: ignore[no-untyped-def]
    assert {task_name(hint) for hint in Hint} <= set(app.tasks)
    assert Queue.CLICKS.value == CLICKS


def test_every_queue_has_a_consumer_and_clicks_come_first() -> None:
    assert _chosen(None) == [queue.value for queue in Queue]
    assert _chosen(None)[0] == CLICKS
    assert _chosen("bulk, reading") == ["reading", "bulk"]


def test_tasks_take_only_numbers(app) -> None:  # type: ignore[no-untyped-def]
    ours = {name: task for name, task in app.tasks.items() if name.startswith("jobs.")}
    kinds = {name: [p.annotation for p in _parameters(task)] for name, task in ours.items()}
    assert {kind for found in kinds.values() for kind in found} <= {int}
    assert app.conf.task_serializer == "json"
    assert app.conf.accept_content == ["json"]


def _parameters(task) -> list[inspect.Parameter]:  # type: ignore[no-untyped-def]
    return [p for p in inspect.signature(task.run).parameters.values() if p.name != "self"]


def test_a_task_ends_before_it_is_given_to_somebody_else() -> None:
    assert timedelta(seconds=VISIBILITY_TIMEOUT_S) > HARD_LIMIT
    assert WARM_S + SOFT_S + COLD_S < 20


def test_celery_knows_every_setting(app) -> None:  # type: ignore[no-untyped-def]
    from celery.app.defaults import NAMESPACES, flatten

    known = {name for name, _ in flatten(NAMESPACES)}
    assert set(celery_settings()) - known == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("worker_prefetch_multiplier", 1),
        ("task_ignore_result", True),
    ],
)
def test_a_task_survives_its_process(app, name: str, value: object) -> None:  # type: ignore[no-untyped-def]
    assert app.conf[name] == value


def test_nothing_is_scheduled_in_the_broker() -> None:
    for room in ("workers", "integrations", "tracker", "web"):
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "countdown=" not in text, path
            assert "eta=" not in text, path


def test_workers_without_a_broker_are_told_what_to_do() -> None:
    with pytest.raises(BadSettings, match="CADENCIA_BROKER_URL is not set"):
        make_app(Settings())


def test_what_a_provider_told_of_does_not_wait_behind_what_is_due() -> None:
    assert {job.name for job in JOBS if job.queue is Queue.CLICKS} == {"bookings", "awaited"}


class Sent:
    """A task that remembers how often it was sent."""

    def __init__(self) -> None:
        self.count = 0

    def apply_async(self, **_: object) -> None:
        """Note it."""
        self.count += 1


def test_a_task_is_left_long_before_its_process_would_be_ended() -> None:
    moment = [0.0]
    relay = Relay(Sent(), JOBS[0], lambda: moment[0])
    relay.heed(1, 2)
    moment[0] = LONGEST_S + 1
    with pytest.raises(Stopping):
        relay.heed(2, 2)
    assert timedelta(seconds=LONGEST_S) < HARD_LIMIT


def test_what_a_task_left_is_the_next_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def never_ends(_ports: Ports, _now: datetime, turn: Turn) -> None:
        done = 0
        while True:
            done += 1
            turn.heed(done, done)

    sent, company, app = Sent(), open_company(tmp_path), make_app(SETTINGS)
    job = Job("endless", timedelta(minutes=1), Queue.BULK, never_ends, alone=True)
    _register_job(app, lambda: company.ports, job)
    task = app.tasks["jobs.endless"]
    monkeypatch.setattr("workers.tasks.LONGEST_S", 0.0)
    monkeypatch.setattr(task, "apply_async", sent.apply_async)
    task.apply()
    assert sent.count == 1
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    lease = take_lease(company.ports.store, "job:endless", "the next", company.now, timedelta(minutes=1))
    assert lease is not None
    company.ports.store.close()


def test_two_applications_in_one_process_have_tasks_of_their_own(app) -> None:  # type: ignore[no-untyped-def]
    other = make_app(SETTINGS)
    register(other, _nowhere)  # type: ignore[arg-type]
    assert set(other.tasks) == set(app.tasks)  # Celery would warn of names that are taken
    assert all(other.tasks[f"jobs.{job.name}"].app is other for job in JOBS)
