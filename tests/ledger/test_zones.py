"""Local midnights where clocks make trouble: skipped, repeated, crossed backwards, a whole day missing."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.ledger.makers import held, instant, pair
from tests.ledger.oracle import local_midnight
from tracker.ledger import judge
from tracker.ledger.zones import find_zone


def midnight(zone: str, day: str) -> str:
    """Write the instant at which a local day begins, in UTC."""
    edge = find_zone(zone).find_edge(date.fromisoformat(day).toordinal(), 0)
    return edge.midnight.isoformat(timespec="minutes").removesuffix("+00:00")


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Madrid", "2026-03-02", "2026-03-01T23:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),  # 00:00 did not exist, 01:00 came
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00"),
        ("America/Havana", "2025-11-02", "2025-11-02T04:00"),  # 00:00 came twice, here is the first
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30"),  # 00:01 went back to 23:01
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),  # the day did not exist
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
    ],
)
def test_it_finds_the_first_instant_of_a_local_day(zone: str, day: str, expected: str) -> None:
    assert midnight(zone, day) == expected


def test_it_judges_by_local_dates_where_the_clock_goes_back_over_midnight() -> None:
    # At 02:45 UTC it was 23:15 of the 6th for the second time, though the 7th had begun at 02:30.
    evidence = pair(
        {
            "id": "a",
            "observations": [
                {
                    "at": "2010-10-01T00:00:00Z",
                    "starts_at": "2010-11-07T02:45:00Z",
                    "ends_at": "2010-11-07T03:45:00Z",
                    "status": "confirmed",
                }
            ],
        },
        timezone="America/St_Johns",
        starts_on="2010-11-06",
        ends_on="2010-11-08",
        cadence={"sessions": 1, "every": 1, "unit": "day"},
        policy={"grace_days": 0, "unconfirmed_counts_as": "held"},
    )
    ledger = judge(evidence, now=datetime(2010, 12, 1, tzinfo=UTC))
    assert [p.sessions for p in ledger.periods] == [("a",), (), ()]


def clock_changes(zone: str, year: int) -> list[date]:
    """List the local dates around which a zone's offset changes in a year."""
    info = zoneinfo.ZoneInfo(zone)

    def differs(noon: datetime, days: int) -> bool:
        return noon.astimezone(info).utcoffset() != (noon + timedelta(days=days)).astimezone(info).utcoffset()

    weeks = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=7 * n) for n in range(53)]
    noons = [week + timedelta(days=n) for week in weeks if differs(week, 7) for n in range(7)]
    changes = [noon for noon in noons if differs(noon, 1)]
    return [(noon + timedelta(days=shift)).date() for noon in changes for shift in (0, 1, 2)]


@pytest.mark.parametrize("year", [2011, 2026])
def test_it_agrees_with_a_walk_along_the_clock_in_every_zone(year: int) -> None:
    for zone in sorted(zoneinfo.available_timezones()):
        for day in clock_changes(zone, year):
            found = find_zone(zone).find_edge(day.toordinal(), 0).midnight
            assert found == local_midnight(day, zone), (zone, day)


@pytest.mark.parametrize("zone", sorted(zoneinfo.available_timezones())[::7])
def test_it_serves_the_period_of_the_local_date_in_any_zone(zone: str) -> None:
    info = zoneinfo.ZoneInfo(zone)
    start = datetime(2026, 3, 16, tzinfo=info).astimezone(UTC)
    late = start.isoformat()[5:16].replace("T", " ")
    early = (start - timedelta(minutes=1)).isoformat()[5:16].replace("T", " ")
    evidence = pair(held("late", late), held("early", early), timezone=zone, policy={"grace_days": 0})
    ledger = judge(evidence, now=datetime.fromisoformat(instant("05-01")))
    assert [p.sessions for p in ledger.periods[:2]] == [("early",), ("late",)]
