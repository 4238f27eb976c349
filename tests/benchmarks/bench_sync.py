"""Measure the reading of a calendar in which nothing changed: the rows that it writes, and its CPU.

    python tests/benchmarks/bench_sync.py [--events 200] [--database sqlite|postgresql]

Twice: once its connector says so, and once the calendar lists all its events anew, all of them equal. Exits
1 if such a reading writes more than one row, or if one of the first kind takes more than the mark of CPU (the
connector's own apart). CPU is milliseconds of this process for `sync_calendar`, so with the commit, but not
what PostgreSQL itself takes; the best of a hundred. Beside it stands the first reading, which takes all in.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from integrations.vault import FernetVault, fresh_key
from tests.benchmarks.crowd import empty_store
from tests.tracker.world import Duo, World, full, instant, make_duo, single, unchanged
from tracker.events import Pull
from tracker.services.sync import sync_calendar
from tracker.store import Store

MOST_ROWS = 1
MOST_MS = 1.0
ROUNDS = 100
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
        duo = make_duo(World(store, FernetVault([fresh_key()])))
        slots = [single(FIRST + timedelta(hours=12 * i), uid=f"{i}@example.com") for i in range(events)]
        listing = full(*slots)
        first_ms = _read(duo, listing, 0)
        written = _count_rows(store)
        told_ms, listed_ms = (
            min(_read(duo, answer, turn) for turn in range(ROUNDS)) for answer in (unchanged(), listing)
        )
    rows = sum(written) / ROUNDS / 2
    print(
        f"{kind}: {events} events unchanged: {rows:g} row written (at most {MOST_ROWS}), {told_ms:.2f} ms of "
        f"CPU (at most {MOST_MS:g}), listed anew {listed_ms:.2f} ms; taken in at first in {first_ms:.0f} ms"
    )
    return int(rows > MOST_ROWS or told_ms > MOST_MS)


def _read(duo: Duo, answer: Pull, turn: int) -> float:
    duo.world.source(duo.calendar).script.append(answer)
    started = time.process_time()
    sync_calendar(duo.world, duo.calendar, FIRST + timedelta(minutes=turn))
    return (time.process_time() - started) * 1000


def _count_rows(store: Store) -> list[int]:
    written: list[int] = []

    def note(_connection: object, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN")):
            written.append(cursor.rowcount)  # type: ignore[attr-defined]

    event.listen(store.engine, "after_cursor_execute", note)
    return written


if __name__ == "__main__":
    sys.exit(main())
