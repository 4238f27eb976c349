"""Measure what the queue costs beside the work, and how many calendars one process keeps up with.

    python tests/benchmarks/bench_queue.py [--calendars 1024] [--processes 8]

Work: calendars that did not change, at a provider that answers after 100 ms, on PostgreSQL, read in portions
as workers do. Queue: a task that does nothing, sent through Redis to a worker with one process, and done.
Exits 1 if the queue costs more than a twentieth of a portion's work, or if so many processes read fewer than
111 calendars a second: 100,000 every 15 minutes. The database and the provider run on the same cores.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import redis
from celery import Celery
from sqlalchemy import update

from integrations.google.client import GoogleApi
from integrations.vault import FernetVault, fresh_key
from tests.benchmarks.bench_google import LATENCY_S, serving
from tests.benchmarks.bench_google_company import Ports, found_company
from tests.benchmarks.crowd import NOW, empty_store
from tests.servers import running_redis
from tracker.models import Calendar
from tracker.services.sync import PORTION, sync_due
from tracker.settings import Settings
from tracker.store import Store
from workers.app import make_app
from workers.cli.worker import Process, run_worker
from workers.jobs import Queue

MOST_SHARE = 0.05
NEEDED_RATE = 100_000 / (15 * 60)
MESSAGES = 500
NOTHING = "jobs.nothing"


@dataclass(frozen=True)
class Reading:
    """What reading took: calendars a second over all processes, and milliseconds of CPU for each."""

    rate: float
    cpu_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calendars", type=int, default=1024)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--work-for", metavar="REDIS", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work_for:
        return do_nothing(options.work_for)
    message_ms = measure_queue()
    reading = measure_reading(options.calendars, options.processes)
    portion_ms = PORTION * reading.cpu_ms
    share = message_ms / portion_ms
    each = reading.rate / options.processes
    print(f"queue: {message_ms:.1f} ms of CPU for a task, of a portion's {portion_ms:.0f} ms: {share:.1%}")
    print(
        f"reading: {reading.rate:.0f} calendars a second in {options.processes} processes ({each:.0f} each), "
        f"{reading.cpu_ms:.1f} ms of CPU for one; 100,000 every 15 minutes ({NEEDED_RATE:.0f} a second): "
        f"{NEEDED_RATE / each:.1f} processes and {NEEDED_RATE * reading.cpu_ms / 1000:.2f} cores"
    )
    return int(share > MOST_SHARE or reading.rate < NEEDED_RATE)


# The queue


def measure_queue() -> float:
    """Return the milliseconds of CPU that a task takes which does nothing: sent, delivered, ended."""
    with running_redis() as server:
        app = make_app(Settings(broker_url=server.url))
        worker = subprocess.Popen(
            [sys.executable, __file__, "--work-for", server.url], stderr=subprocess.DEVNULL
        )
        try:
            _do(app, worker, server.url, 10)
            idle = _cpu_s(worker.pid) + time.process_time()
            _do(app, worker, server.url, MESSAGES)
            return (_cpu_s(worker.pid) + time.process_time() - idle) / MESSAGES * 1000
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(30)


def do_nothing(broker_url: str) -> int:
    """Be the worker."""
    settings = Settings(broker_url=broker_url)
    app = make_app(settings)

    @app.task(name=NOTHING)  # type: ignore[untyped-decorator]
    def nothing() -> None:
        """Cost nothing but the way."""

    return run_worker(app, Process(settings), [queue.value for queue in Queue], 1)


def _do(app: Celery, worker: subprocess.Popen[bytes], broker_url: str, times: int) -> None:
    watch = redis.Redis.from_url(broker_url)
    for _ in range(times):
        app.send_task(NOTHING, queue=Queue.BULK.value)
    while watch.llen(Queue.BULK.value) or watch.hlen("unacked"):
        time.sleep(0.05)
        if worker.poll() is not None:
            raise SystemExit("the worker ended")


def _cpu_s(pid: int) -> float:
    """Return the seconds of CPU of a process and its children."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    ticks = 0
    for each in pids:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


# The work


def measure_reading(calendars: int, processes: int) -> Reading:
    """Read every calendar once for the first time, then once more by so many processes."""
    with (
        serving(LATENCY_S) as (root, _),
        tempfile.TemporaryDirectory() as folder,
        empty_store("postgresql", Path(folder)) as store,
    ):
        key = fresh_key()
        found_company(_ports(store, key, root), calendars)
        with ProcessPoolExecutor(processes) as pool:
            list(pool.map(_open, [(store.url, key, root)] * processes))
            _read_all(store, pool, processes, 0)
            return _read_all(store, pool, processes, 1)


def _read_all(store: Store, pool: ProcessPoolExecutor, processes: int, turn: int) -> Reading:
    now = NOW + timedelta(hours=turn)
    with store.write() as db:
        db.execute(update(Calendar).values(next_read_at=now))
    started = time.perf_counter()
    done = list(pool.map(work, [turn] * processes))
    took = time.perf_counter() - started
    calendars = sum(count for count, _ in done)
    return Reading(calendars / took, sum(cpu for _, cpu in done) / calendars * 1000)


def _ports(store: Store, key: str, root: str) -> Ports:
    return Ports(store, FernetVault([key]), Settings(), GoogleApi(root))


_opened: list[Ports] = []


def _open(about: tuple[str, str, str]) -> None:
    time.sleep(0.3)  # so that each process has one
    if not _opened:
        url, key, root = about
        _opened.append(_ports(Store(url), key, root))


def work(turn: int) -> tuple[int, float]:
    """Read portions until nothing is due; return how many calendars, and the seconds of CPU."""
    (ports,) = _opened
    before = resource.getrusage(resource.RUSAGE_SELF)
    count = 0
    while results := sync_due(ports, NOW + timedelta(hours=turn)):
        count += len(results)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return count, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
