"""`cadencia worker` and `cadencia beat`: the work of `cadencia up` on as many machines as wanted."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

import click
from celery import Celery, signals

from integrations.registry import Ports, open_ports
from tracker import logs
from tracker.errors import BadInput
from tracker.ports import Clock
from tracker.services import schema
from tracker.settings import Settings, load_settings
from workers.app import COLD_S, SOFT_S, WARM_S, make_app
from workers.beat import Beat
from workers.cli.setup import opened
from workers.jobs import Queue
from workers.leaving import after, leave_within
from workers.tasks import register


@click.command()
@click.option("--queues", metavar="NAMES", help="Only these queues, with commas between; all by default.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=None,
    help="How many processes; one for each core by default.",
)
def worker(queues: str | None, concurrency: int | None) -> int:
    """Do the work that `cadencia beat` gives out, until Ctrl-C or SIGTERM; needs CADENCIA_BROKER_URL.

    At SIGTERM what is under way is brought to its end, or given back, within 20 seconds.
    """
    settings = load_settings()
    logs.set_up(settings.log_format)
    app = make_app(settings)
    with opened():
        pass  # says now, in words, what would keep every task from its work
    return run_worker(app, Process(settings), _chosen(queues), concurrency)


def run_worker(app: Celery, process: "Process", queues: list[str], concurrency: int | None) -> int:
    """Work until asked to end; return the exit status."""
    register(app, process.ports)
    signals.worker_process_shutdown.connect(process.close, weak=False)
    running = app.Worker(queues=queues, concurrency=concurrency, loglevel="WARNING", quiet=True)
    signals.worker_shutting_down.connect(_leave_in_time(running), weak=False)
    running.start()
    return int(running.exitcode or 0)


@click.command()
def beat() -> None:
    """Give out whose turn it is to work, until Ctrl-C or SIGTERM; needs CADENCIA_BROKER_URL.

    One is enough; a second one shares the turns with it.
    """
    with opened() as ports:
        logs.set_up(ports.settings.log_format)
        click.echo("Giving out turns. Ctrl-C ends it.", err=True)
        run_beat(make_app(ports.settings), ports)


def run_beat(app: Celery, ports: Ports) -> None:
    """Give out turns until asked to end."""
    running = Beat(app, ports.store, ports.clock)

    def leave(_signal: int, _frame: FrameType | None) -> None:
        leave_within()  # a database that is out of reach holds up a tick
        running.stop()

    signal.signal(signal.SIGTERM, leave)
    running.run()


class Process:
    """What a worker's process opens when it has its first task: nothing of it may cross a fork."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._opened: Ports | None = None

    def ports(self) -> Ports:
        """Return the ports of this process."""
        if self._opened is None:
            ports = open_ports(self._settings, self._clock)
            schema.require_current(ports.store)
            self._opened = ports
        return self._opened

    def close(self, **_: Any) -> None:
        """Close what was opened."""
        if self._opened is not None:
            self._opened.store.close()
            self._opened = None


def _chosen(names: str | None) -> list[str]:
    chosen = [name.strip() for name in names.split(",")] if names else []
    known = [queue.value for queue in Queue]
    if unknown := [name for name in chosen if name not in known]:
        raise BadInput(f"There is no queue {unknown[0]!r}. Queues: {', '.join(known)}.")
    # Celery serves them in the order in which they are named.
    return [name for name in known if not chosen or name in chosen]


def _leave_in_time(running: Any) -> Callable[..., None]:
    """Return what, asked to end, gives back what does not end in time: Celery's own way waits for ever."""

    def begin(**_: Any) -> None:
        after(WARM_S, lambda: os.kill(os.getpid(), signal.SIGQUIT))
        # Even that hangs at times.
        leave_within(WARM_S + SOFT_S + COLD_S, lambda: running.pool.info["processes"])

    return begin
