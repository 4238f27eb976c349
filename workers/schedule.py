"""What runs without anybody asking: reading calendars, judging, sending mail. In threads of one process.

What is due stands in the database, and every job looks there: two schedules at once are wasteful, never
wrong, and a process that dies is followed by the next tick of any other. Never logs an address or a title.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.registry import Ports
from tracker.services.digest_post import Post, enqueue_weekly_digests
from tracker.services.outbox import send_due
from tracker.services.review import review
from tracker.services.sync import sync_due

TICK_S = 1.0
PATIENCE_S = 5.0
SENDING_EVERY = timedelta(seconds=5)  # somebody who asked for a sign-in link sits and waits

_log = logging.getLogger(__name__)


class Stopping(Exception):
    """The schedule is asked to end in the middle of a job; what the job did so far is committed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do every so often; `run` is handed the time, and looks for itself what is due."""

    name: str
    every: timedelta
    run: Callable[[datetime], object]


class Lane:
    """Some jobs that take turns in one thread, so that slow calendars never hold up the mail."""

    def __init__(self, name: str, jobs: list[Job], now: Callable[[], datetime]) -> None:
        self._jobs = jobs
        self._now = now
        self._due: dict[str, datetime] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; every job is due at once."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the running job be the last."""
        self._stop.set()

    def join(self, patience_s: float) -> bool:
        """Wait for the end, and tell whether it came."""
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def heed(self, _done: int, _all: int) -> None:
        """Leave a long job between two of its steps. Raises Stopping."""
        if self._stop.is_set():
            raise Stopping

    def tick(self, now: datetime) -> None:
        """Run the jobs that are due; whatever one of them raises, the others still have their turn."""
        for job in self._jobs:
            if self._stop.is_set() or now < self._due.get(job.name, now):
                continue
            self._due[job.name] = now + job.every
            try:
                job.run(now)
            except Stopping:
                return
            except Exception as error:
                # What an exception says may hold an address: its name has to do.
                _log.error("%s failed (%s); it is tried again", job.name, type(error).__name__)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self.tick(self._now())


class Schedule:
    """All lanes of one process."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._post = Post(ports.writer, ports.settings.mail_from, ports.settings.base_url)
        minute = timedelta(minutes=1)
        self._reading = Lane(
            "reading",
            [Job("reading calendars", minute / 2, self._read), Job("judging", minute, self._judge)],
            ports.clock.now,
        )
        # A digest of a large program takes minutes: nobody waits that long for a sign-in link.
        self._writing = Lane("writing", [Job("writing digests", 5 * minute, self._write)], ports.clock.now)
        self._posting = Lane("posting", [Job("sending mail", SENDING_EVERY, self._send)], ports.clock.now)
        self._lanes = (self._reading, self._writing, self._posting)

    def start(self) -> None:
        """Begin all lanes."""
        for lane in self._lanes:
            lane.start()

    def stop(self, patience_s: float = PATIENCE_S) -> bool:
        """End all lanes within so many seconds; tell whether they all did."""
        for lane in self._lanes:
            lane.ask_to_stop()
        ended = [lane.join(patience_s / len(self._lanes)) for lane in self._lanes]
        return all(ended)

    def _read(self, now: datetime) -> None:
        sync_due(self._ports, now, self._reading.heed)

    def _judge(self, now: datetime) -> None:
        review(self._ports.store, now, on_progress=self._reading.heed)

    def _write(self, now: datetime) -> None:
        enqueue_weekly_digests(self._ports.store, self._post, now)

    def _send(self, now: datetime) -> None:
        report = send_due(self._ports.store, self._ports.mailer, now)
        if report.stopped:
            _log.warning("sending mail: %s", report.stopped)
