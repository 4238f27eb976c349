"""Measure how fast many observations are written: in bulk, as Cadencia does, against the ORM's `add_all`.

    python tests/benchmarks/bench_loading.py [--rows 20000] [--database sqlite|postgresql]

Both write the same rows in a transaction of their own, and each round adds more of them. Exits 1 if the bulk
is not at least 10 times as fast on PostgreSQL, or 8 times on SQLite. Times are wall-clock microseconds a
row, from the values in memory to the end of the commit, the best of five.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from integrations.vault import FernetVault, fresh_key
from tests.benchmarks.crowd import empty_store
from tests.tracker.world import World, full, instant, make_duo, single
from tracker.bulk import write_rows
from tracker.events import EventStatus
from tracker.models import CopyObservation
from tracker.store import Store

FEWEST_TIMES = {"postgresql": 10.0, "sqlite": 8.0}
ROUNDS = 5
COPIES = 200
FIRST = instant("2026-02-01 08:00")
Rows = list[dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    return max(compare(kind, options.rows) for kind in options.database or ["sqlite", "postgresql"])


def compare(kind: str, count: int) -> int:
    """Measure on one kind of database; return 1 if the mark is missed."""
    rows = [_observation(number) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder, empty_store(kind, Path(folder)) as store:
        duo = make_duo(World(store, FernetVault([fresh_key()])))
        slots = [single(FIRST + timedelta(hours=12 * i), uid=f"{i}@example.com") for i in range(COPIES)]
        duo.sync(full(*slots), f"{FIRST:%Y-%m-%d %H:%M}")
        # In turns, so that a busy moment of the machine does not fall on one of the two alone.
        times = [(_time(add_all, store, rows), _time(write_bulk, store, rows)) for _ in range(ROUNDS)]
    by_orm, in_bulk = (min(column) / count * 1e6 for column in zip(*times, strict=True))
    print(
        f"{kind}: {count:,} observations: {by_orm:.1f} us each by add_all, {in_bulk:.1f} us in bulk: "
        f"{by_orm / in_bulk:.1f} times as fast (at least {FEWEST_TIMES[kind]:g})"
    )
    return int(by_orm < FEWEST_TIMES[kind] * in_bulk)


def add_all(store: Store, rows: Rows) -> None:
    """Write the rows as objects of the ORM."""
    with store.write() as db:
        db.add_all([CopyObservation(**row) for row in rows])


def write_bulk(store: Store, rows: Rows) -> None:
    """Write the rows as intake does."""
    with store.write() as db:
        write_rows(db, CopyObservation, rows)


def _time(load: Callable[[Store, Rows], None], store: Store, rows: Rows) -> float:
    started = time.perf_counter()
    load(store, rows)
    return time.perf_counter() - started


def _observation(number: int) -> dict[str, Any]:
    start = FIRST + timedelta(minutes=number)
    made = start - timedelta(days=30, seconds=number)
    return {
        "copy_id": number % COPIES + 1,
        "at": made,
        "sure_from": made + timedelta(hours=number % 48),
        "seen_at": FIRST,
        "starts_at": start,
        "ends_at": start + timedelta(hours=1),
        "all_day": False,
        "status": EventStatus.CONFIRMED,
        "responses": {"1": "accepted", "2": "none"},
        "by_organiser": False,
    }


if __name__ == "__main__":
    sys.exit(main())
