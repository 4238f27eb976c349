"""Measure the weekly digest: what a pair of the program costs, among few and among many, and in memory.

    python tests/benchmarks/bench_digest.py [--pairs 10000] [--database sqlite|postgresql]

Exits 1 if a pair among many costs more than twice what it costs among a thousand, or if the digest of many
needs more than 100 MB beyond what that of a thousand needed. Times are wall-clock.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from tests.benchmarks.crowd import NOW, empty_store, fill
from tracker.models import Program
from tracker.services.digest.building import build_digest, span_of
from tracker.store import Store

FEW = 1_000
MOST_TIMES = 2.0
MOST_MB = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    databases = options.database or ["sqlite", "postgresql"]
    return max(compare(kind, options.pairs) for kind in databases)


def compare(kind: str, pairs: int) -> int:
    """Measure on one kind of database; return 1 if a mark is missed."""
    few_ms, _ = measure(kind, FEW)
    many_ms, grown_mb = measure(kind, pairs)
    print(
        f"{kind}: {few_ms:.2f} ms a pair among {FEW:,}, {many_ms:.2f} ms among {pairs:,}: "
        f"{many_ms / few_ms:.2f} times (at most {MOST_TIMES:g}); "
        f"{grown_mb:.0f} MB more (at most {MOST_MB})"
    )
    return int(many_ms > MOST_TIMES * few_ms or grown_mb > MOST_MB)


def measure(kind: str, pairs: int) -> tuple[float, float]:
    """Return the milliseconds a pair, and by how many MB the process grew."""
    with tempfile.TemporaryDirectory() as folder, empty_store(kind, Path(folder)) as store:
        fill(store, pairs)
        before = _peak_mb()
        took = build_once(store, pairs)
        return took * 1000 / pairs, _peak_mb() - before


def build_once(store: Store, pairs: int) -> float:
    """Build the digest of the one program; return the seconds."""
    started = time.perf_counter()
    with store.read() as db:
        program = db.scalars(select(Program)).one()
        digest = build_digest(db, program, span_of(db, program, None, NOW))
    if digest.numbers.pairs != pairs:
        raise SystemExit(f"{pairs} pairs are there, {digest.numbers.pairs} were looked at")
    return time.perf_counter() - started


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
