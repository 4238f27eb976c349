"""How many rows each table is to have after a year. The table of docs/operations.md is made of this.

    python tests/benchmarks/growth.py

prints it; a test compares the two, and bench_year.py compares with the rows of a year that was lived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.simulation.life import Life, tick_at

SESSIONS_A_YEAR, CALENDARS = 26, 2
PAIRS = 1_000
FEW = 0.1  # a company of a dozen pairs strays from what holds for many, by this share and a score of rows
SCORE = 20


@dataclass(frozen=True, slots=True)
class Growth:
    """Rows that a table gains in a year, from the fewest to the most, for each of what it grows with."""

    table: str
    with_each: str  # pair, session, copy
    fewest: float
    most: float
    goes: str


@dataclass(frozen=True, slots=True)
class Size:
    """What tables grow with."""

    pair: float
    session: float
    copy: float

    def __add__(self, other: Size) -> Size:
        """Return what the tables of both companies together grow with."""
        return Size(self.pair + other.pair, self.session + other.session, self.copy + other.copy)

    def bounds(self, growth: Growth) -> tuple[float, float]:
        """Return how many rows the table gains at least and at most."""
        number: float = getattr(self, growth.with_each)
        return number * growth.fewest, number * growth.most


# Of nudges, half a year's are there at a time.
GROWTHS = (
    Growth("sessions", "session", 1, 1, "with the pair"),
    Growth("session_keys", "session", 1, 1.1, "with the pair"),
    Growth("copies", "copy", 1, 1, "with the pair"),
    Growth("observations", "copy", 1, 2, "with the pair"),
    Growth("statements", "session", 0.8, 2, "with the pair"),
    Growth("verdict_changes", "session", 0.8, 2.5, "with the pair"),
    Growth("outbox", "session", 1, 3, "the text after 30 days (90 if it was given up), the row after 400"),
    Growth("nudges", "session", 0.8, 2, "180 days after they have no meaning any more"),
    Growth("audit_entries", "session", 0.8, 3, "after two years"),
    Growth("evidence_memos", "pair", 1, 1, "60 days after the agreement ended"),
)


def table() -> list[str]:
    """Return the lines of the table in docs/operations.md that follow from this."""
    size = Size(PAIRS, PAIRS * SESSIONS_A_YEAR, PAIRS * SESSIONS_A_YEAR * CALENDARS)
    return [f"| {g.table} | {_text(*size.bounds(g))} | {g.goes} |" for g in GROWTHS]


def _text(fewest: float, most: float) -> str:
    return f"{most:,.0f}" if fewest == most else f"{fewest:,.0f} to {most:,.0f}"


def size_of(lives: Sequence[Life], days: int) -> Size:
    """Return what the tables of these pairs grow with in so many days, from the truth alone."""
    end = tick_at(days)
    seen = [(life, sum(m.states[0].at <= end for m in life.meetings)) for life in lives]
    copies = sum(count * len(life.calendars) for life, count in seen)
    return Size(len(lives), sum(count for _, count in seen), copies)


def find_surprises(size: Size, counts: Mapping[str, int]) -> list[str]:
    """Return the tables that have fewer or more rows than was to be expected."""
    return [
        f"{growth.table} has {counts.get(growth.table, 0):,} rows, expected {_text(*size.bounds(growth))}"
        for growth in GROWTHS
        if not _is_expected(counts.get(growth.table, 0), *size.bounds(growth))
    ]


def _is_expected(count: int, fewest: float, most: float) -> bool:
    return fewest * (1 - FEW) - SCORE <= count <= most * (1 + FEW) + SCORE


if __name__ == "__main__":
    print("\n".join(table()))
