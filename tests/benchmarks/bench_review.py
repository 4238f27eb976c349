"""Measure `cadencia review`: what it costs to judge the pairs that changed, among few and among many.

    python tests/benchmarks/bench_review.py [--pairs 100000] [--changed 1000] [--database sqlite|postgresql]

Exits 1 if reviewing the changed ones among all takes more than twice as long as among themselves. Times are
wall-clock seconds, the best of three.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from tests.benchmarks.crowd import NOW, empty_store, fill
from tracker.services.review import review, touch_pairs
from tracker.store import Store

MOST_TIMES = 2.0
ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=1_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    databases = options.database or ["sqlite", "postgresql"]
    return max(compare(kind, options.pairs, options.changed) for kind in databases)


def compare(kind: str, pairs: int, changed: int) -> int:
    """Measure on one kind of database; return 1 if the mark is missed."""
    few, many = (measure(kind, number, changed) for number in (changed, pairs))
    print(
        f"{kind}: {changed:,} changed pairs among {changed:,} in {few:.2f} s, "
        f"among {pairs:,} in {many:.2f} s: {many / few:.2f} times (at most {MOST_TIMES:g})"
    )
    return int(many > MOST_TIMES * few)


def measure(kind: str, pairs: int, changed: int) -> float:
    """Return the best time for reviewing `changed` pairs, spread over all."""
    with tempfile.TemporaryDirectory() as folder, empty_store(kind, Path(folder)) as store:
        fill(store, pairs)
        ids = range(1, pairs + 1, pairs // changed)
        return min(review_once(store, ids, turn) for turn in range(ROUNDS))


def review_once(store: Store, ids: Sequence[int], turn: int) -> float:
    """Change these pairs and review; return the seconds."""
    now = NOW + timedelta(minutes=turn + 1)
    with store.write() as db:
        touch_pairs(db, ids, now)
    started = time.perf_counter()
    report = review(store, now)
    took = time.perf_counter() - started
    if report.pairs != len(ids):
        raise SystemExit(f"{len(ids)} pairs were due, {report.pairs} were reviewed")
    return took


if __name__ == "__main__":
    sys.exit(main())
