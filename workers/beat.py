"""The beat: gives out the turns of all jobs to whichever workers are there. Does no work itself.

Several of them share the turns, since whose turn it is stands in the database. What is due stands there, too:
a task that is lost with Redis is only a hint that is lost.
"""

import logging
import threading
from typing import Any

import redis
from celery import Celery

from tracker.ports import Clock
from tracker.services.turns import due_turns, take_turn
from tracker.store import Store
from workers.jobs import JOBS, Job
from workers.tasks import task_name

TICK_S = 1.0
# So many hints of a queue are enough for any number of workers. When nobody is at work they must not pile up.
MOST_WAITING = 100

_log = logging.getLogger(__name__)


class Beat:
    """Looks every second whose turn it is."""

    def __init__(self, app: Celery, store: Store, clock: Clock) -> None:
        self._app = app
        self._store = store
        self._clock = clock
        self._redis: Any = redis.Redis.from_url(
            app.conf.broker_url, socket_timeout=5, socket_connect_timeout=5
        )
        self._stop = threading.Event()
        self._jobs = {job.name: job for job in JOBS}

    def run(self) -> None:
        """Tick until asked to stop."""
        while not self._stop.wait(TICK_S):
            self.tick()

    def stop(self) -> None:
        """End after the present tick."""
        self._stop.set()

    def tick(self) -> list[str]:
        """Send a task for each job whose turn it is; return their names. Whatever fails is tried again."""
        try:
            return [job.name for job in self._due() if self._send(job)]
        except Exception as error:
            # The database or Redis is away. What is due waits in its rows.
            _log.error("no turns could be given out (%s)", type(error).__name__)
            return []

    def _due(self) -> list[Job]:
        every = [(job.name, job.every) for job in JOBS]
        return [self._jobs[name] for name in due_turns(self._store, every, self._clock.now())]

    def _send(self, job: Job) -> bool:
        if self._redis.llen(job.queue.value) >= MOST_WAITING:
            return False
        # Asked before the turn is taken: while Redis is away, all turns are still to be had when it is back.
        if not take_turn(self._store, job.name, job.every, self._clock.now()):
            return False
        # Died here: this turn is lost, and the next one finds the same rows due.
        self._app.send_task(task_name(job.name), queue=job.queue.value, retry=False)
        return True
