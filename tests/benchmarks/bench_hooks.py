"""Measure the door that providers knock at: notices a second in one process, and what is written for them.

    python tests/benchmarks/bench_hooks.py [--notices 2000] [--calendars 50] [--database sqlite|postgresql]

Exits 1 if a thousand notices of one calendar make it due more than once, or if a forged notice reaches the
database. Times are wall-clock: requests go through the whole site, without a socket.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.benchmarks.crowd import empty_store
from tests.tracker.world import World, instant
from tracker.clock import FixedClock
from tracker.models import Calendar, PushChannel
from tracker.services.notices import mark_of, new_name
from tracker.settings import Settings
from web.app import create_app

NOW = instant("2026-02-01 08:00")
DAY = timedelta(days=1)


@dataclass
class Door:
    """The site, and its channels at Google."""

    client: FlaskClient
    ports: Ports
    clock: FixedClock
    names: list[str]
    number: int = 0

    def knock(self, turn: int, *, is_forged: bool = False) -> None:
        """Send one notice, of each channel in its turn."""
        name = self.names[turn % len(self.names)]
        self.number += 1
        self.client.post("/hooks/google", headers={
            "X-Goog-Channel-ID": name,
            "X-Goog-Channel-Token": "guessed" if is_forged else mark_of(self.ports.settings.keys, name),
            "X-Goog-Resource-ID": name,
            "X-Goog-Resource-State": "exists",
            "X-Goog-Message-Number": str(self.number),
        })  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--notices", type=int, default=2000)
    parser.add_argument("--calendars", type=int, default=50)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    kinds = options.database or ["sqlite", "postgresql"]
    return max(measure(kind, options.notices, options.calendars) for kind in kinds)


def measure(kind: str, notices: int, calendars: int) -> int:
    """Measure on one kind of database; return 1 if a mark is missed."""
    with tempfile.TemporaryDirectory() as folder, empty_store(kind, Path(folder)) as store:
        settings = Settings(
            database_url=store.url, secret_keys=(fresh_key(),), base_url="https://cadencia.example",
            mail_url=f"file:{folder}",
        )  # fmt: skip
        clock = FixedClock(NOW)
        ports = open_ports(settings, clock)
        door = Door(create_app(ports).test_client(), ports, clock, open_channels(ports, calendars))
        true_s = timed(door.knock, notices)
        asked = count_statements(ports, lambda: door.knock(0, is_forged=True))
        forged_s = timed(lambda turn: door.knock(turn, is_forged=True), notices)
        times_due = count_due(door, 1000)
        ports.store.close()
    print(
        f"{kind}: {notices / true_s:.0f} notices a second, {notices / forged_s:.0f} forged ones "
        f"({asked} statements each); 1000 notices of one calendar made it due {times_due} time"
    )
    return int(times_due != 1 or asked != 0)


def open_channels(ports: Ports, count: int) -> list[str]:
    """Make so many calendars that are read tomorrow, each with its channel; return the channels' names."""
    world = World(ports.store, ports.vault)
    ids = [world.calendar(world.person(f"p{n}@example.com")) for n in range(count)]
    names = [new_name() for _ in ids]
    with ports.store.write() as db:
        db.execute(update(Calendar).values(next_read_at=NOW + DAY))
        db.add_all([
            PushChannel(
                calendar_id=calendar, name=name, provider_name=name, fingerprint="", expires_at=NOW + 6 * DAY,
                renew_at=NOW + 5 * DAY, created_at=NOW,
            )
            for calendar, name in zip(ids, names, strict=True)
        ])  # fmt: skip
    return names


def timed(do: Callable[[int], None], times: int) -> float:
    """Return how many seconds it takes to do it so many times."""
    started = time.perf_counter()
    for turn in range(times):
        do(turn)
    return time.perf_counter() - started


def count_statements(ports: Ports, do: Callable[[], None]) -> int:
    """Return how many statements reach the database meanwhile."""
    seen: list[str] = []
    event.listen(ports.store.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    do()
    return len(seen)


def count_due(door: Door, notices: int) -> int:
    """Return how many moments one calendar was due at, in the course of so many notices in ten seconds."""
    with door.ports.store.write() as db:
        db.execute(update(Calendar).values(next_read_at=NOW + DAY))
    moments: set[datetime | None] = set()
    for turn in range(notices):
        door.clock.instant = NOW + timedelta(milliseconds=10 * turn)
        door.knock(0)
        with door.ports.store.read() as db:
            moments.add(db.scalar(select(Calendar.next_read_at).order_by(Calendar.id).limit(1)))
    return len(moments)


if __name__ == "__main__":
    sys.exit(main())
