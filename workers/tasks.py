"""The tasks: one for each job, which does a portion, and one that reads the calendar of a number.

A task never raises: what failed is noted by the job, and is due again. Nothing of it is in Redis or in a log.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery import Celery

from integrations.registry import Ports
from workers.jobs import JOBS, Job, read_calendar, run_job

_log = logging.getLogger(__name__)


class Relay:
    """Sends the next portion to whoever is free, as soon as it is known that there is one."""

    def __init__(self, task: Any, job: Job) -> None:
        self._task = task
        self._job = job

    def more(self) -> None:
        """Send the task once more."""
        try:
            self._task.apply_async(queue=self._job.queue.value, retry=False)
        except Exception as error:
            # Redis is away: the next turn goes on with it.
            _log.warning("no task could be sent (%s)", type(error).__name__)

    def heed(self, _done: int, _of: int) -> None:
        """Go on: portions are short, and a worker that is to end waits for them."""


def register(app: Celery, ports: Callable[[], Ports]) -> None:
    """Add all tasks to the application; `ports` gives those of the process that runs one."""
    for job in JOBS:
        _register_job(app, ports, job)

    @app.task(name=task_name("calendar"))  # type: ignore[untyped-decorator]
    def calendar(number: int) -> None:
        try:
            read_calendar(ports(), number)
        except Exception as error:
            _log.error("calendar %d: could not be read (%s)", number, type(error).__name__)


def task_name(job: str) -> str:
    """Return the name under which a job's task is sent; integrations.hints sends by the same."""
    return f"jobs.{job}"


def _register_job(app: Celery, ports: Callable[[], Ports], job: Job) -> None:
    @app.task(name=task_name(job.name), bind=True)  # type: ignore[untyped-decorator]
    def run(self: Any) -> None:
        try:
            run_job(ports(), job, Relay(self, job))
        except Exception as error:
            # The database is out of reach, so nothing could be opened: what is due waits in its rows.
            _log.error("%s could not begin (%s)", job.name, type(error).__name__)
