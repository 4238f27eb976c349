"""The tasks: one for each job, which does a portion, and one that reads the calendar of a number.

A task never raises: what failed is noted by the job, and is due again. Nothing of it is in Redis or in a log.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery import Celery

from integrations.registry import Ports
from tracker.services.claims import Stopping
from workers.jobs import HARD_LIMIT, JOBS, Job, read_calendar, run_job

# A task that heeds its turn ends by itself after so long: far from where Celery would end its process.
LONGEST_S = HARD_LIMIT.total_seconds() / 2

_log = logging.getLogger(__name__)


class Relay:
    """Sends the next portion to whoever is free, as soon as it is known that there is one."""

    def __init__(self, task: Any, job: Job, tick: Callable[[], float] = time.monotonic) -> None:
        self._task = task
        self._job = job
        self._tick = tick
        self._until = tick() + LONGEST_S

    def more(self) -> None:
        """Send the task once more."""
        try:
            self._task.apply_async(queue=self._job.queue.value, retry=False)
        except Exception as error:
            # Redis is away: the next turn goes on with it.
            _log.warning("no task could be sent (%s)", type(error).__name__)

    def heed(self, _done: int, _of: int) -> None:
        """Go on for some minutes; a worker that is to end waits for short portions. Raises Stopping."""
        if self._tick() > self._until:
            raise Stopping


def register(app: Celery, ports: Callable[[], Ports]) -> None:
    """Add all tasks to this application alone; `ports` gives those of the process that runs one."""
    for job in JOBS:
        _register_job(app, ports, job)

    @app.task(name=task_name("calendar"), shared=False)  # type: ignore[untyped-decorator]
    def calendar(number: int) -> None:
        try:
            read_calendar(ports(), number)
        except Exception as error:
            _log.error("calendar %d: could not be read (%s)", number, type(error).__name__)


def task_name(job: str) -> str:
    """Return the name under which a job's task is sent; integrations.hints sends by the same."""
    return f"jobs.{job}"


def _register_job(app: Celery, ports: Callable[[], Ports], job: Job) -> None:
    @app.task(name=task_name(job.name), bind=True, shared=False)  # type: ignore[untyped-decorator]
    def run(self: Any) -> None:
        relay = Relay(self, job)
        try:
            run_job(ports(), job, relay)
        except Stopping:
            # What was done is committed, and a job that runs alone has let go: the rest is the next task's.
            relay.more()
        except Exception as error:
            # The database is out of reach, so nothing could be opened: what is due waits in its rows.
            _log.error("%s could not begin (%s)", job.name, type(error).__name__)
