"""Measure `cadencia review`: the pairs that changed, among few and among many; and all pairs.

    python tests/benchmarks/bench_review.py [--pairs 100000] [--changed 1000] [--database sqlite|postgresql]

Exits 1 if reviewing the changed ones among all takes more than twice as long as among themselves (wall-clock
seconds, the best of three), or if reviewing all of them takes more than three times the CPU of only judging
the same evidence in memory (CPU of this process, the best of two; PostgreSQL's own is not counted).
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from tests.benchmarks.crowd import NOW, empty_store, fill
from tracker.ledger import judge
from tracker.services.evidence import load_evidence
from tracker.services.review import review, touch_pairs
from tracker.store import Store, portions

MOST_TIMES = 2.0
MOST_TIMES_JUDGING = 3.0
ROUNDS = 3
FULL_ROUNDS = 2
PORTION = 1_000


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
    (few, _), (many, times) = (measure(kind, number, changed) for number in (changed, pairs))
    print(
        f"{kind}: {changed:,} changed pairs among {changed:,} in {few:.2f} s, "
        f"among {pairs:,} in {many:.2f} s: {many / few:.2f} times (at most {MOST_TIMES:g})"
    )
    print(f"{kind}: all {pairs:,}: {times:.2f} times the CPU of judging (at most {MOST_TIMES_JUDGING:g})")
    return int(many > MOST_TIMES * few or times > MOST_TIMES_JUDGING)


def measure(kind: str, pairs: int, changed: int) -> tuple[float, float]:
    """Return the best time for reviewing `changed` pairs, and how many times judging it takes for all."""
    with tempfile.TemporaryDirectory() as folder, empty_store(kind, Path(folder)) as store:
        fill(store, pairs)
        ids = range(1, pairs + 1, pairs // changed)
        best_s = min(review_once(store, ids, turn) for turn in range(ROUNDS))
        return best_s, min(review_all(store, pairs, turn) for turn in range(FULL_ROUNDS))


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


def review_all(store: Store, pairs: int, turn: int) -> float:
    """Review all pairs; return how many times the CPU of judging it took. Judges and reviews in turns."""
    now = NOW + timedelta(hours=1, minutes=turn)
    judging_s = sum(judge_portion(store, portion, now) for portion in portions(range(1, pairs + 1), PORTION))
    started = time.process_time()
    report = review(store, now, everyone=True)
    took = time.process_time() - started
    if report.pairs != pairs:
        raise SystemExit(f"{report.pairs} pairs were reviewed")
    return took / judging_s


def judge_portion(store: Store, ids: Sequence[int], now: datetime) -> float:
    """Judge these pairs' evidence, without the collector as a review does; return the seconds of CPU."""
    gc.disable()
    with store.read() as db:
        known = load_evidence(db, ids, from_memory=True)
    started = time.process_time()
    for each in known:
        judge(each.evidence, now=now)
    took = time.process_time() - started
    gc.enable()
    return took


if __name__ == "__main__":
    sys.exit(main())
