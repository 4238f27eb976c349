"""What is killed: the schedule, all of `cadencia up`, a worker or the beat, with a clock that the test moves.

python -m tests.crash.run schedule|up|worker|beat FOLDER, with the settings in the environment. It forks a
process for each line that it reads, and writes its number: so the next one is there at once.
"""

import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import workers.beat
import workers.schedule
from integrations.registry import Ports, open_ports
from tests.crash.nursery import fork_each
from tracker.clock import SystemClock
from tracker.settings import load_settings
from workers.app import make_app
from workers.cli.up import serve
from workers.cli.worker import Process, run_beat, run_worker
from workers.jobs import Queue
from workers.schedule import Schedule

TICK_S = 0.02
PROCESSES = 2  # of a worker


class ShiftedClock:
    """The machine's clock, so many seconds off as a file says."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """Return the moment that the test wants it to be."""
        return SystemClock().now() + timedelta(seconds=float(self._file.read_text()))


def run_schedule(ports: Ports) -> None:
    """Run the schedule until killed."""
    Schedule(ports).start()
    while True:
        signal.pause()


def main(what: str, folder: str) -> None:
    """Fork as many of them as are asked for."""
    workers.schedule.TICK_S = workers.beat.TICK_S = TICK_S
    settings, clock = load_settings(), ShiftedClock(Path(folder) / "shift")
    runs: dict[str, Callable[[], object]] = {
        "schedule": lambda: run_schedule(open_ports(settings, clock)),
        "up": lambda: serve(open_ports(settings, clock), "127.0.0.1", 0),
        "beat": lambda: run_beat(make_app(settings), open_ports(settings, clock)),
        "worker": lambda: run_worker(
            make_app(settings), Process(settings, clock), [q.value for q in Queue], PROCESSES
        ),
    }
    fork_each(lambda _: runs[what]())


if __name__ == "__main__":
    main(*sys.argv[1:])
