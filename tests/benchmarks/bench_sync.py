"""Measure `cadencia sync` of a calendar in which nothing changed: the rows that it writes, and its time.

    python tests/benchmarks/bench_sync.py [--events 200] [--database sqlite|postgresql]

Exits 1 if such a reading writes more than one row. The time is wall-clock milliseconds, the best of twenty;
beside it stands the time of the first reading, which takes everything in.
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
from tracker.store import Store

MOST_ROWS = 1
ROUNDS = 20
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
        started = time.perf_counter()
        duo.sync(full(*slots), f"{FIRST:%Y-%m-%d %H:%M}")
        first_s = time.perf_counter() - started
        written = _count_rows(store)
        best_s = min(_read_again(duo, turn) for turn in range(ROUNDS))
    rows = sum(written) / ROUNDS
    print(
        f"{kind}: {events} events unchanged: {rows:g} row written (at most {MOST_ROWS}), "
        f"{best_s * 1000:.1f} ms; taken in at first in {first_s * 1000:.0f} ms"
    )
    return int(rows > MOST_ROWS)


def _read_again(duo: Duo, turn: int) -> float:
    at = FIRST + timedelta(minutes=turn + 1)
    started = time.perf_counter()
    duo.sync(unchanged(), f"{at:%Y-%m-%d %H:%M}")
    return time.perf_counter() - started


def _count_rows(store: Store) -> list[int]:
    written: list[int] = []

    def note(_connection: object, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN")):
            written.append(cursor.rowcount)  # type: ignore[attr-defined]

    event.listen(store.engine, "after_cursor_execute", note)
    return written


if __name__ == "__main__":
    sys.exit(main())
