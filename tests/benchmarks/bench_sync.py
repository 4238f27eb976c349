"""Measure the reading of calendars in which nothing changed: the rows that it writes, and its CPU.

    python tests/benchmarks/bench_sync.py [--events 200] [--database sqlite|postgresql]

What a worker does is measured: `sync_due` on a portion of 64 calendars, each of somebody else in a pair of
their own, so with the claim, the preparation, the threads and the commits. Twice: once each connector says
that nothing changed, and once each calendar lists all its events anew, all of them equal. Exits 1 if a
reading writes more than one row (the claim's own apart), or if one of the first kind takes more than the
mark of CPU. CPU is milliseconds of this process for one calendar, not what PostgreSQL itself takes; the
median of the turns. Beside it stands the first reading, which takes all in.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from integrations.vault import FernetVault, fresh_key
from tests.benchmarks.crowd import empty_store
from tests.tracker.world import World, full, instant, single, unchanged
from tracker.events import Pull
from tracker.services.sync import PORTION, Outcome, sync_due
from tracker.store import Store

MOST_ROWS = 1
MOST_MS = 1.0
TURNS = 20
LONGEST = timedelta(hours=1)  # after that each of them is due again
FIRST = instant("2026-02-01 08:00")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    return max(measure(kind, options.events) for kind in options.database or ["sqlite", "postgresql"])


def measure(kind: str, events: int) -> int:
    """Measure on one kind of database; return 1 if the mark is missed."""
    with tempfile.TemporaryDirectory() as folder, empty_store(kind, Path(folder)) as store:
        world = World(store, FernetVault([fresh_key()]))
        calendars = _connect(world)
        slots = [single(FIRST + timedelta(hours=12 * i), uid=f"{i}@example.com") for i in range(events)]
        listing = full(*slots)
        first_ms = _turn(world, calendars, listing, Outcome.READ)
        written = _count_rows(store)
        told_ms, listed_ms = (
            statistics.median(
                _turn(world, calendars, answer, outcome, turn) for turn in range(first, first + TURNS)
            )
            for answer, outcome, first in (
                (unchanged(), Outcome.UNCHANGED, 1),
                (listing, Outcome.READ, 1 + TURNS),
            )
        )
    rows = sum(written) / (2 * TURNS) / PORTION
    print(
        f"{kind}: {PORTION} calendars of {events} events unchanged: {rows:g} row written of each (at most "
        f"{MOST_ROWS}), {told_ms:.2f} ms of CPU (at most {MOST_MS:g}), listed anew {listed_ms:.2f} ms; taken "
        f"in at first in {first_ms:.0f} ms"
    )
    return int(rows > MOST_ROWS or told_ms > MOST_MS)


def _connect(world: World) -> list[int]:
    program, calendars = world.program(), []
    for i in range(PORTION):
        mentor, mentee = world.person(f"mentor{i}@example.com"), world.person(f"mentee{i}@example.com")
        world.pair(program, mentor, mentee)
        calendars.append(world.calendar(mentor))
    return calendars


def _turn(world: World, calendars: Sequence[int], answer: Pull, outcome: Outcome, turn: int = 0) -> float:
    """Have all of them read once; return the milliseconds of CPU for each."""
    for calendar in calendars:
        world.source(calendar).script.append(answer)
    started = time.process_time()
    results = sync_due(world, FIRST + turn * LONGEST)
    took_ms = (time.process_time() - started) * 1000
    if [result.outcome for result in results] != [outcome] * PORTION:
        raise AssertionError(f"not read as it was meant: {results[:1]}")
    return took_ms / PORTION


def _count_rows(store: Store) -> list[int]:
    """Return the list in which each statement notes how many rows it wrote, the claim's apart."""
    written: list[int] = []

    def note(_connection: object, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN", "WITH")):
            written.append(cursor.rowcount)  # type: ignore[attr-defined]

    event.listen(store.engine, "after_cursor_execute", note)
    return written


if __name__ == "__main__":
    sys.exit(main())
