"""What is killed: the schedule, a worker or the beat, with a clock that the test moves.

python -m tests.crash.run schedule|worker|beat FOLDER, with the settings in the environment. `schedule` forks
a process for each line that it reads, and writes its number: so the next one is there at once.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

import workers.beat
import workers.schedule
from integrations.registry import open_ports
from tracker.clock import SystemClock
from tracker.settings import Settings, load_settings
from workers.app import make_app
from workers.beat import Beat
from workers.cli.worker import Process, run_worker
from workers.jobs import Queue
from workers.schedule import Schedule

TICK_S = 0.02


class ShiftedClock:
    """The machine's clock, so many seconds off as a file says."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """Return the moment that the test wants it to be."""
        return SystemClock().now() + timedelta(seconds=float(self._file.read_text()))


def run_schedule(settings: Settings, clock: ShiftedClock) -> None:
    """Fork a schedule for each line of standard input."""
    for _ in sys.stdin:
        if (child := os.fork()) == 0:
            schedule = Schedule(open_ports(settings, clock))
            schedule.start()
            while True:
                signal.pause()
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def run_beat(settings: Settings, clock: ShiftedClock) -> None:
    """Give out turns until killed."""
    ports = open_ports(settings, clock)
    Beat(make_app(settings), ports.store, ports.clock).run()


def main(what: str, folder: str) -> None:
    """Run one of them."""
    workers.schedule.TICK_S = workers.beat.TICK_S = TICK_S
    settings, clock = load_settings(), ShiftedClock(Path(folder) / "shift")
    if what == "worker":
        run_worker(make_app(settings), Process(settings, clock), [q.value for q in Queue], 2)
    else:
        {"schedule": run_schedule, "beat": run_beat}[what](settings, clock)


if __name__ == "__main__":
    main(*sys.argv[1:])
