"""The schedule without a broker: the jobs of workers.jobs, in threads of one process.

Whose turn it is stands in the database: two schedules at once share the turns, and a process that dies is
followed by the next tick of any other. Never logs an address or a title.
"""

import logging
import threading
from collections.abc import Sequence

from integrations.registry import Ports
from tracker.services.claims import Stopping
from tracker.services.turns import due_turns, take_turn
from workers.jobs import JOBS, Job, Queue, run_job

TICK_S = 1.0
PATIENCE_S = 5.0

_log = logging.getLogger(__name__)


class Lane:
    """The jobs of one queue, which take turns in one thread: slow calendars never hold up the mail."""

    def __init__(self, ports: Ports, name: str, jobs: Sequence[Job]) -> None:
        self._ports = ports
        self._jobs = {job.name: job for job in jobs}
        self._stop = threading.Event()
        self._has_more = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; a job that nobody had a turn of is due at once."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the running portion be the last."""
        self._stop.set()

    def join(self, patience_s: float) -> bool:
        """Wait for the end, and tell whether it came."""
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def more(self) -> None:
        """Go on with the next portion right after this one."""
        self._has_more = True

    def heed(self, _done: int, _of: int) -> None:
        """Leave a long job between two of its steps. Raises Stopping."""
        if self._stop.is_set():
            raise Stopping

    def tick(self) -> None:
        """Run the jobs whose turn it is; whatever one of them raises, the others still have theirs."""
        now = self._ports.clock.now()
        every = [(job.name, job.every) for job in self._jobs.values()]
        for name in due_turns(self._ports.store, every, now):
            job = self._jobs[name]
            if self._stop.is_set():
                return
            if take_turn(self._ports.store, name, job.every, now):
                self._work(job)

    def _work(self, job: Job) -> None:
        self._has_more = True
        while self._has_more and not self._stop.is_set():
            self._has_more = False
            run_job(self._ports, job, self)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            try:
                self.tick()
            except Stopping:
                return
            except Exception as error:
                _log.error("the schedule could not look what is due (%s)", type(error).__name__)


class Schedule:
    """All lanes of one process: one for each queue."""

    def __init__(self, ports: Ports, jobs: Sequence[Job] = JOBS) -> None:
        queues = {queue: [job for job in jobs if job.queue is queue] for queue in Queue}
        self._lanes = [Lane(ports, queue.value, those) for queue, those in queues.items() if those]

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
