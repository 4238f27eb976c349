"""Weeks by their ISO names, in the zone where they are lived."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadInput
from tracker.services.weeks import latest_week, parse_week, week_of


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)))
def test_a_week_is_found_again_by_its_name(day: date) -> None:
    week = week_of(day)
    assert week.monday <= day <= week.sunday
    assert parse_week(week.name) == week


@pytest.mark.parametrize("text", ["2026-W47", " 2026-w47 "])
def test_it_reads_a_week(text: str) -> None:
    assert parse_week(text).monday == date(2026, 11, 16)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "47",
        "2026-47",
        "2026-W54",
        "2026-W00",
        "2025-W53",
        "2026-W4",
        "2026-W047",
        "0000-W01",
        "２０２６-W47",
    ],
)
def test_it_refuses_what_is_no_week(text: str) -> None:
    with pytest.raises(BadInput, match="2026-W47"):
        parse_week(text)


def test_a_week_begins_and_ends_at_local_midnight() -> None:
    week = parse_week("2026-W44")  # Europe goes back to winter time on its last day
    assert week.starts_at("Europe/Rome") == datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert week_of(date(2026, 10, 25)).starts_at("Europe/Rome") == datetime(2026, 10, 18, 22, tzinfo=UTC)
    assert week.ends_at("America/Bogota") == datetime(2026, 11, 2, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "name"),
    [("2026-11-23 04:59", "2026-W47"), ("2026-11-23 05:00", "2026-W47"), ("2026-11-24 05:00", "2026-W48")],
)
def test_the_latest_week_is_yesterdays(now: str, name: str) -> None:
    assert latest_week(datetime.fromisoformat(now).replace(tzinfo=UTC), "America/Bogota").name == name
