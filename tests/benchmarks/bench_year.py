"""Live a year of a company: what piles up, and whether any pair is told what is not so.

    python tests/benchmarks/bench_year.py [--pairs 50] [--days 365] [--database KIND] [--folder DIR]

Everything happens by the real services, day by day: readings, statements, reviews, reminders, digests, mail,
housekeeping. Exits 1 if the oracle finds a verdict that is false, lost or said twice, or if a table does not
have as many rows at the end as docs/operations.md tells to expect. `--pairs 10000` is the year of issue 4: it
takes hours, so `make bench` lives a small one. Each month is printed as it ends.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.crowd import empty_store
from tests.benchmarks.growth import find_surprises
from tests.simulation.company import Company, found
from tests.simulation.life import live
from tests.simulation.verdicts import Findings, compare, follow, listen
from tests.simulation.year import Year, count_rows
from tracker.store import Store

MONTH = 30
SAMPLE = 200  # pairs whose ledgers are held against the truth at the end of each month; at the end all are


def main(arguments: Sequence[str] | None = None) -> int:
    """Live the year, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--folder", type=Path, help="where the database lies meanwhile")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        empty_store(options.database, Path(folder)) as store,
    ):
        return live_year(store, options.pairs, options.days)


def live_year(store: Store, pairs: int, days: int) -> int:
    """Live so many days of so many pairs; return 1 where something is wrong."""
    company = Company(store, [live(number, days) for number in range(pairs)])
    found(company)
    year, findings, began = Year(company), Findings(), time.perf_counter()

    def end_month(day: int) -> None:
        if day and day % MONTH == 0:
            some = company.lives[day % 7 :: max(1, pairs // SAMPLE)]
            compare(company, some, day, findings)
            print(f"day {day}: {_words(count_rows(company))}; {findings}", flush=True)

    year.run(range(days + 1), end_month)
    took_s = time.perf_counter() - began
    findings = judge_all(company, days, findings)
    return tell(year, days, findings, took_s)


def judge_all(company: Company, days: int, findings: Findings) -> Findings:
    """Hold everything that was said against the truth, and return what was found in the whole year."""
    compare(company, company.lives, days, findings)
    follow(company, company.lives, days, findings)
    listen(company, findings)
    return findings


def tell(year: Year, days: int, findings: Findings, took_s: float) -> int:
    """Print the figures; return 1 where something is wrong."""
    company, counts = year.company, count_rows(year.company)
    surprises = find_surprises(company.lives, days, counts)
    print(f"at the end: {_words(counts)}")
    print(f"seconds: {', '.join(f'{work} {s:.0f}' for work, s in year.seconds.items())}")
    print(
        f"{len(company.lives):,} pairs in {took_s:.0f} s ({time.process_time():.0f} s of CPU, load "
        f"{os.getloadavg()[0]:.1f}): {year.readings:,} readings, {company.mailer.taken:,} mails; {findings}"
    )
    for line in [*findings.examples, *surprises]:
        print(line)
    return int(bool(findings.counts or surprises))


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
