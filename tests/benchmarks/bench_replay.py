"""Measure `cadencia replay`: its CPU time against merely decoding the file, and its memory on long ones.

    python tests/benchmarks/bench_replay.py [--pairs 100000] [--jobs N]

Exits 1 if replay costs more than 10 times the decoding, or if its memory grows with the length of the file.
CPU time is user and system time of a process and its children; memory the largest resident set of one.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypedDict

import msgspec

from tracker.ledger import (
    Absence,
    Away,
    Cadence,
    Evidence,
    Observation,
    Session,
    Side,
    Statement,
    Status,
    Unit,
)

MOST_TIMES_DECODING = 10.0
MOST_MEMORY_GROWTH = 1.25
ROOT = Path(__file__).resolve().parents[2]
ZONES = (
    "Europe/Madrid", "Europe/London", "America/New_York", "America/Bogota", "America/Sao_Paulo",
    "America/Mexico_City", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney", "Africa/Nairobi",
)  # fmt: skip
SIDES = (Side.MENTOR, Side.MENTEE)


class Figures(TypedDict):
    """What a run measured; seconds of CPU, kilobytes of resident memory."""

    pairs: int
    decode_cpu_s: float
    replay_cpu_s: float
    ratio: float
    short_lines: int
    short_rss_kb: int
    long_lines: int
    long_rss_kb: int
    growth: float
    met: bool


def make_pair(number: int) -> Evidence:
    """Make one pair's year: 26 fortnights, about 24 sessions; the same number always gives the same pair."""
    chance = random.Random(number)
    first = date(2025, 1, 6) + timedelta(days=chance.randrange(90))
    sessions = [make_session(chance, first, n) for n in range(26) if chance.random() < 0.92]
    read_at = datetime(2026, 2, 1, 6, tzinfo=UTC) + timedelta(minutes=chance.randrange(1440))
    return Evidence(
        pair=f"p-{number}",
        timezone=chance.choice(ZONES),
        starts_on=first,
        ends_on=first + timedelta(days=26 * 14 - 1),
        cadence=Cadence(sessions=1, every=2, unit=Unit.WEEK),
        observed_until=read_at,
        now=read_at + timedelta(minutes=10),
        sessions=tuple(sessions),
        absences=make_absences(chance, first),
    )


def make_session(chance: random.Random, first: date, number: int) -> Session:
    """Make one session: most are held, some moved, some cancelled, some missed by one side."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(
        days=14 * number + chance.randrange(12), hours=chance.randrange(8, 18)
    )
    seen = [observe(start - timedelta(days=chance.randrange(8, 30)), start)]
    fate = chance.random()
    if fate < 0.3:
        start += timedelta(days=chance.randrange(1, 6))
        seen.append(observe(seen[0].starts_at - timedelta(hours=chance.randrange(-20, 60)), start))
    elif fate < 0.4:
        called_off = start - timedelta(hours=chance.randrange(2, 70))
        seen.append(observe(called_off, start, Status.CANCELLED, chance.choice((*SIDES, None))))
        return Session(id=f"s{number}", observations=tuple(seen))
    return Session(id=f"s{number}", observations=tuple(seen), statements=make_statements(chance, start))


def observe(
    at: datetime, start: datetime, status: Status = Status.CONFIRMED, by: Side | None = None
) -> Observation:
    """Make an observation of an hour's session."""
    end = start + timedelta(hours=1)
    return Observation(at=at, starts_at=start, ends_at=end, status=status, cancelled_by=by)


def make_statements(chance: random.Random, start: datetime) -> tuple[Statement, ...]:
    """Make what was said: mostly two people who confirm, now and then one, none, or a complaint."""
    fate = chance.random()
    if fate < 0.08:
        return ()
    speakers = SIDES if fate < 0.75 else (chance.choice(SIDES),)
    held = chance.random() < 0.93
    return tuple(
        Statement(
            by=side,
            at=start + timedelta(minutes=chance.randrange(61, 4000)),
            held=held,
            absent=() if held else (SIDES[1 - SIDES.index(side)],),
        )
        for side in speakers
    )


def make_absences(chance: random.Random, first: date) -> tuple[Absence, ...]:
    """Make a few holidays and leaves."""
    starts = [first + timedelta(days=chance.randrange(350)) for _ in range(chance.randrange(4))]
    return tuple(
        Absence(
            who=chance.choice(tuple(Away)), first_on=day, last_on=day + timedelta(days=chance.randrange(15))
        )
        for day in starts
    )


def write_pairs(path: Path, pairs: int) -> None:
    """Write an evidence file of so many pairs."""
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for number in range(pairs):
            file.write(encode(make_pair(number)) + b"\n")


def read_lines(path: Path) -> Iterator[bytes]:
    """Give a file's lines."""
    with path.open("rb") as file:
        yield from file


def only_decode(path: Path) -> None:
    """Do what replay is compared with: decode each line into the typed structs, and nothing more."""
    decoder = msgspec.json.Decoder(Evidence)
    for line in read_lines(path):
        decoder.decode(line)


def run_measured(arguments: list[str]) -> tuple[float, int]:
    """Run this script's other half in a process of its own; give its CPU seconds and largest memory in kB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, int(told.split()[-1])


def run_half(half: str, path: Path, jobs: int | None) -> None:
    """Decode or replay a file in this process, then print the largest memory of it and its children."""
    if half == "decode":
        only_decode(path)
    else:
        replay_quietly(path, jobs)
    scopes = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    print(max(resource.getrusage(scope).ru_maxrss for scope in scopes))


def replay_quietly(path: Path, jobs: int | None) -> None:
    """Replay a file as the command does, its ledgers thrown away."""
    many = ["--jobs", str(jobs)] if jobs else []
    command = [sys.executable, "-c", "from workers.cli.replay import replay; replay()", str(path), *many]
    subprocess.run([*command, "--format", "json"], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def measure(pairs: int, jobs: int | None) -> Figures:
    """Measure both targets in files that are thrown away afterwards."""
    many = ["--jobs", str(jobs)] if jobs else []
    short, long = max(pairs // 10, 10), max(pairs * 2, 20)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.ndjson"
        write_pairs(path, pairs)
        decode_cpu, _ = run_measured(["--half", "decode", "--path", str(path)])
        replay_cpu, _ = run_measured(["--half", "replay", "--path", str(path), *many])
        write_pairs(path, short)
        _, short_rss = run_measured(["--half", "replay", "--path", str(path), *many])
        write_pairs(path, long)
        _, long_rss = run_measured(["--half", "replay", "--path", str(path), *many])
    ratio, growth = replay_cpu / decode_cpu, long_rss / short_rss
    return Figures(
        pairs=pairs,
        decode_cpu_s=round(decode_cpu, 2),
        replay_cpu_s=round(replay_cpu, 2),
        ratio=round(ratio, 2),
        short_lines=short,
        short_rss_kb=short_rss,
        long_lines=long,
        long_rss_kb=long_rss,
        growth=round(growth, 3),
        met=ratio <= MOST_TIMES_DECODING and growth <= MOST_MEMORY_GROWTH,
    )


def main(arguments: list[str] | None = None) -> Figures | None:
    """Measure, print the figures and return them; None when run as one of its own halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--half", choices=["decode", "replay"], help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        run_half(chosen.half, chosen.path, chosen.jobs)
        return None
    figures = measure(chosen.pairs, chosen.jobs)
    for name, value in figures.items():
        print(f"{name}: {value}")
    return figures


if __name__ == "__main__":
    told = main()
    sys.exit(1 if told is not None and not told["met"] else 0)
