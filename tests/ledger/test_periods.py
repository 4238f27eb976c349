"""Section 1: which local dates a period covers, and when it starts, ends and is over."""

from __future__ import annotations

from datetime import date

import pytest

from tests.ledger.makers import look, pair
from tracker.ledger import Cadence, Health, Unit, Verdict
from tracker.ledger.periods import list_bounds


def bounds(starts_on: str, ends_on: str, every: int, unit: str) -> list[str]:
    """List the bounds of an agreement's periods."""
    cadence = Cadence(sessions=1, every=every, unit=Unit(unit))
    days = list_bounds(date.fromisoformat(starts_on), date.fromisoformat(ends_on), cadence)
    return [date.fromordinal(day).isoformat() for day in days]


def test_it_counts_weeks_from_the_first_day() -> None:
    assert bounds("2026-03-04", "2026-03-31", 2, "week") == ["2026-03-04", "2026-03-18", "2026-04-01"]


def test_it_clamps_months_without_drift() -> None:
    assert bounds("2028-01-31", "2028-05-30", 1, "month") == [
        "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31",
    ]  # fmt: skip


def test_it_carries_months_over_years() -> None:
    assert bounds("2026-11-30", "2027-05-30", 3, "month") == ["2026-11-30", "2027-02-28", "2027-05-30"]


@pytest.mark.parametrize(
    ("ends_on", "last"),
    [
        ("2026-03-15", "2026-03-16"),  # whole
        ("2026-03-16", "2026-03-16"),  # 1 day of 14
        ("2026-03-21", "2026-03-16"),  # 6 of 14
        ("2026-03-22", "2026-03-23"),  # exactly half stays, cut
        ("2026-03-28", "2026-03-29"),
    ],
)
def test_it_drops_a_last_period_cut_below_half(ends_on: str, last: str) -> None:
    assert bounds("2026-03-02", ends_on, 2, "week")[-1] == last


def test_it_has_no_period_when_the_only_one_is_cut_below_half() -> None:
    ledger = look(pair(ends_on="2026-03-05"), "03-03 10:00")
    assert ledger.periods == ()
    assert (ledger.health, ledger.due, ledger.attendance) == (Health.ENDED, 0, None)


def test_it_is_over_from_the_midnight_after_the_grace() -> None:
    # Period 1 ends on 16 March; three days on it is the 19th, whose midnight in Madrid is 23:00 UTC.
    assert look(pair(), "03-18 22:59").periods[0].verdict is Verdict.OPEN
    assert look(pair(), "03-18 23:00").periods[0].verdict is Verdict.MISSED


def test_it_keeps_local_midnights_across_a_change_of_the_clock() -> None:
    # Madrid changes on 29 March: the period from the 30th starts at 22:00 UTC of the 29th.
    ledger = look(pair(), "03-29 21:00")
    assert ledger.next_review_at is not None
    assert ledger.next_review_at.isoformat() == "2026-03-29T22:00:00+00:00"
