"""Live a year of a company: what piles up, and whether any pair is told what is not so.

    python tests/benchmarks/bench_year.py [--pairs 50] [--days 365] [--processes 1] [--folder DIR]

Everything happens by the real services, day by day: readings, statements, reviews, reminders, digests, mail,
housekeeping. Exits 1 if the oracle finds a verdict that is false, lost or said twice, or if after a year a
table does not have as many rows as docs/operations.md tells to expect (a tenth and twenty rows more or less).

`--pairs 10000 --processes 2 --folder /dev/shm` is the year of issue 4; `make bench` lives a small one. Of
several processes, each lives a part of the company in a database of its own, and what they found is added up.
Progress goes to standard error. A year that was broken off begins anew.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.crowd import empty_store
from tests.benchmarks.growth import Size, find_surprises, size_of
from tests.simulation.company import Company, found
from tests.simulation.life import live, tick_at
from tests.simulation.verdicts import Findings, compare, follow, listen
from tests.simulation.year import Year, count_rows

YEAR, MONTH = 365, 30
SAMPLE = 200  # pairs whose ledgers are held against the truth at the end of each month; at the end all are
SIGN_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process of several is to live: the pairs whose number leaves `part`."""

    pairs: int
    days: int
    part: int
    parts: int
    database: str
    folder: Path | None

    @property
    def numbers(self) -> range:
        """Return the numbers of its pairs."""
        return range(self.part, self.pairs, self.parts)


@dataclass(slots=True)
class Lived:
    """What came of a year, or of a part of it."""

    size: Size = field(default_factory=lambda: Size(0, 0, 0))
    rows: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)  # of CPU, by the kind of work
    findings: Findings = field(default_factory=Findings)
    readings: int = 0
    mails: int = 0

    def take_in(self, other: Lived) -> None:
        """Add another part."""
        self.size += other.size
        self.rows.update(other.rows)
        self.seconds = {work: self.seconds.get(work, 0.0) + s for work, s in other.seconds.items()}
        self.findings.take_in(other.findings)
        self.readings += other.readings
        self.mails += other.mails


def main(arguments: Sequence[str] | None = None) -> int:
    """Live the year, print and judge; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--days", type=int, default=YEAR)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--folder", type=Path, help="where the databases lie meanwhile")
    o = parser.parse_args(arguments)
    plans = [Plan(o.pairs, o.days, n, o.processes, o.database, o.folder) for n in range(o.processes)]
    began, lived = time.monotonic(), Lived()
    with ProcessPoolExecutor(o.processes, get_context("spawn")) as processes:
        for part in processes.map(live_part, plans):
            lived.take_in(part)
    return tell(plans[0], lived, time.monotonic() - began)


def live_part(plan: Plan) -> Lived:
    """Live the year of one part of the company."""
    with (
        tempfile.TemporaryDirectory(dir=plan.folder) as folder,
        empty_store(plan.database, Path(folder)) as store,
    ):
        company = Company(store, [live(number, plan.days) for number in plan.numbers])
        found(company)
        gc.collect()
        gc.freeze()  # everybody's whole year is in memory, and the collector need not walk through it again
        return _live(plan, company)


def _live(plan: Plan, company: Company) -> Lived:
    year, findings, signs = Year(company), Findings(), Signs(plan)

    def end_day(day: int) -> None:
        if day and day % MONTH == 0:
            compare(company, company.lives[day % 7 :: max(1, plan.pairs // SAMPLE)], day, findings)
        signs.show(day, findings)

    year.run(range(plan.days + 1), end_day)
    before = time.process_time()
    judge_all(company, plan.days, findings)
    now = time.process_time()
    seconds = {**year.seconds, "the last judgement": now - before, "all": now}
    return Lived(
        size_of(company.lives, plan.days),
        Counter(count_rows(company)),
        seconds,
        findings,
        year.readings,
        company.mailer.taken,
    )


def judge_all(company: Company, days: int, findings: Findings) -> None:
    """Hold everything that was said against the truth."""
    compare(company, company.lives, days, findings)
    follow(company, company.lives, days, findings)
    listen(company, findings)


class Signs:
    """Tells on standard error how far a process has come."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._began, self._shown = plan, time.monotonic(), 0.0

    def show(self, day: int, findings: Findings) -> None:
        """Tell, unless that was done a moment ago."""
        now, plan = time.monotonic(), self._plan
        if now - self._shown < SIGN_EVERY_S and day < plan.days:
            return
        self._shown = now
        took_s = now - self._began
        left_s = took_s / (day + 1) * (plan.days - day)
        print(
            f"[{plan.part + 1}/{plan.parts}] {tick_at(day):%Y-%m-%d} (day {day} of {plan.days}), "
            f"{len(plan.numbers):,} pairs, {took_s:.0f} s, about {left_s:.0f} s to go; {findings}",
            file=sys.stderr,
            flush=True,
        )


def tell(plan: Plan, lived: Lived, took_s: float) -> int:
    """Print the figures; return 1 where something is wrong."""
    # The table of docs/operations.md speaks of a year: who has just begun has said less of what was.
    surprises = find_surprises(lived.size, lived.rows) if plan.days >= YEAR else []
    cpu_s = lived.seconds.pop("all")
    pair_years = plan.pairs * plan.days / YEAR
    print(f"at the end: {', '.join(f'{name} {count:,}' for name, count in sorted(lived.rows.items()))}")
    print(f"seconds of CPU: {', '.join(f'{work} {s:.0f}' for work, s in lived.seconds.items())}")
    print(
        f"{plan.pairs:,} pairs, {plan.days} days, {plan.parts} processes: {took_s:.0f} s, "
        f"{cpu_s:.0f} s of CPU ({cpu_s / pair_years:.2f} for a pair's year), load {os.getloadavg()[0]:.1f}; "
        f"{lived.readings:,} readings, {lived.mails:,} mails"
    )
    print(lived.findings)
    for line in [*lived.findings.examples, *surprises]:
        print(line)
    return int(bool(lived.findings.counts or surprises))


if __name__ == "__main__":
    sys.exit(main())
