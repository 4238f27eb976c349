"""Measure a review by several processes: a million pairs on PostgreSQL, of which one in a hundred changed.

    python tests/benchmarks/bench_million.py [--pairs 1000000] [--processes 2]

Every pair has its people, calendars, agreement and ledger; the changed ones have their sessions, copies and
statements, too: no review reads those of the others. The processes claim portions, as workers do. Exits 1 if
it takes longer than the mark. Times are wall-clock seconds from the change to the last ledger.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from tests.benchmarks.crowd import NOW, empty_store, fill
from tracker.services.claims import PAIRS, claim_due
from tracker.services.review import review_claimed, touch_pairs
from tracker.store import Store
from workers.jobs import PAIRS_AT_ONCE

MOST_S = 60.0
EACH = 100  # one in so many changed
ROUNDS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, empty_store("postgresql", Path(folder)) as store:
        started = time.perf_counter()
        fill(store, options.pairs, evidence_of_each=EACH)
        print(f"{options.pairs:,} pairs made in {time.perf_counter() - started:.0f} s")
        took = min(review_changed(store, options, turn) for turn in range(ROUNDS))
    changed = options.pairs // EACH
    print(
        f"{changed:,} changed pairs among {options.pairs:,}, {options.processes} processes: {took:.1f} s "
        f"(at most {MOST_S:g})"
    )
    return int(took > MOST_S)


def review_changed(store: Store, options: argparse.Namespace, turn: int) -> float:
    """Change one pair in a hundred, and let the processes review; return the seconds."""
    now = NOW + timedelta(minutes=10 * (turn + 1))
    with ProcessPoolExecutor(options.processes) as pool:
        list(pool.map(_open, [store.url] * options.processes))
        started = time.perf_counter()
        with store.write() as db:
            touch_pairs(db, range(1, options.pairs + 1, EACH), now)
        done = list(pool.map(work, [now] * options.processes))
    took = time.perf_counter() - started
    print(f"in {took:.1f} s, of which {sum(cpu for _, cpu in done):.1f} s of CPU in the processes")
    if sum(count for count, _ in done) != options.pairs // EACH:
        raise SystemExit(f"not {options.pairs // EACH} pairs were reviewed")
    return took


_stores: list[Store] = []


def _open(url: str) -> None:
    time.sleep(0.2)  # so that each process has one
    if not _stores:
        _stores.append(Store(url))


def work(now: datetime) -> tuple[int, float]:
    """Review portions until nothing is due; return how many pairs, and the seconds of CPU."""
    (store,) = _stores
    reviewed, before = 0, time.process_time()
    while ids := claim_due(store, PAIRS, now, PAIRS_AT_ONCE).ids:
        reviewed += review_claimed(store, ids, now).pairs
    return reviewed, time.process_time() - before


if __name__ == "__main__":
    sys.exit(main())
