"""Count the requests that reading a company's calendars takes, from the very numbers by which they are read.

    python tests/benchmarks/arithmetic.py

Prints the table of docs/performance.md; a test compares the two. Nothing is measured and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from tracker.services import push, rhythm

DAY = timedelta(days=1)
# What the table supposes of people: so many have a session within 48 hours, and change so much in a day.
NEAR_SHARE = 0.2
CHANGES_A_DAY = 10
# Google: a project's requests a day. Microsoft 365: four at once for an application, 300 ms each.
GOOGLE_A_DAY = 1_000_000
GRAPH_A_SECOND = 4 / 0.3


@dataclass(frozen=True)
class Way:
    """A way to read calendars: how long a hot and a cold one waits, and what is read and asked besides."""

    name: str
    near: timedelta
    far: timedelta
    besides: float = 0.0

    @property
    def a_day(self) -> float:
        """Return the requests that one person's calendar takes in a day."""
        polls = NEAR_SHARE * (DAY / self.near) + (1 - NEAR_SHARE) * (DAY / self.far)
        return polls + self.besides


def ways() -> Iterator[Way]:
    """Yield what the table compares: one interval for all, hot and cold ones, and push."""
    for minutes in (5, 15, 60):
        every = timedelta(minutes=minutes)
        yield Way(f"everybody every {minutes} minutes", every, every)
    near, far = (rhythm.interval_of(is_near=near, is_told=False) for near in (True, False))
    yield Way(f"as Cadencia does without push: {_text(near)}, {_text(far)}", near, far)
    near, far = (rhythm.interval_of(is_near=near, is_told=True) for near in (True, False))
    renewed = push.LASTS * (1 - (push.EARLIEST + push.LATEST) / 2)
    besides = CHANGES_A_DAY + 2 * (DAY / renewed)
    yield Way(f"as Cadencia does with push: {_text(near)}, {_text(far)}", near, far, besides)


def table() -> list[str]:
    """Return the lines of the table."""
    lines = [
        "| how often | requests a person and day | people on Google | people on Microsoft 365 |",
        "| --- | --- | --- | --- |",
    ]
    for way in ways():
        google = GOOGLE_A_DAY / way.a_day
        graph = GRAPH_A_SECOND * DAY.total_seconds() / way.a_day
        lines.append(f"| {way.name} | {way.a_day:.1f} | {_floor(google)} | {_floor(graph)} |")
    return lines


def _floor(people: float) -> str:
    return f"{int(people / 100 + 1e-6) * 100:,}"


def _text(wait: timedelta) -> str:
    minutes = int(wait / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"


if __name__ == "__main__":
    print("\n".join(table()))
