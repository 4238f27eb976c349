"""Start and end of entries: dates, zones, gaps and folds, and what cannot be understood."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integrations.ical.feeds import entry, feed, read, read_one, shown, standing
from tracker.events import ZoneQuality

ONE_HOUR = timedelta(hours=1)


def test_a_time_in_an_iana_zone() -> None:
    event = read_one("DTSTART;TZID=Europe/Madrid:20260302T100000", "DURATION:PT1H")
    assert (shown(event.start), shown(event.end)) == ("2026-03-02T09:00", "2026-03-02T10:00")
    assert (event.zone, event.zone_quality) == ("Europe/Madrid", ZoneQuality.IANA)


def test_a_floating_time_is_read_in_the_owners_zone() -> None:
    event = read_one("DTSTART:20260302T100000", zone="America/Los_Angeles")
    assert shown(event.start) == "2026-03-02T18:00"
    assert event.zone_quality is ZoneQuality.FLOATING


def test_a_floating_time_is_read_in_the_zone_that_the_calendar_names() -> None:
    event = read_one("DTSTART:20260302T100000", zone="Asia/Tokyo", head="X-WR-TIMEZONE:Europe/Madrid\r\n")
    assert shown(event.start) == "2026-03-02T09:00"


def test_x_wr_timezone_does_not_touch_utc() -> None:
    event = read_one("DTSTART:20260302T100000Z", head="X-WR-TIMEZONE:Europe/Madrid\r\n")
    assert shown(event.start) == "2026-03-02T10:00"


def test_utc_wins_over_a_zone_beside_it() -> None:
    assert shown(read_one("DTSTART;TZID=Europe/Berlin:20260602T120000Z").start) == "2026-06-02T12:00"


def test_a_date_stays_a_date_and_lasts_a_day() -> None:
    event = read_one("DTSTART;VALUE=DATE:20260302", zone="Pacific/Auckland")
    assert (event.start, event.end) == (date(2026, 3, 2), date(2026, 3, 3))


def test_a_date_is_known_without_being_called_one() -> None:
    assert read_one("DTSTART:20260302").start == date(2026, 3, 2)


def test_a_day_that_ends_on_itself_lasts_a_day() -> None:
    event = read_one("DTSTART;VALUE=DATE:20260302", "DTEND;VALUE=DATE:20260302")
    assert event.end == date(2026, 3, 3)


def test_days_that_end_at_a_time_of_day_last_through_it() -> None:
    event = read_one("DTSTART;VALUE=DATE:20260302", "DTEND:20260304T020000Z")
    assert event.end == date(2026, 3, 5)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_an_all_day_entry_is_in_the_window_where_its_owner_lives(zone: str) -> None:
    day = entry("DTSTART;VALUE=DATE:20260101")
    assert standing(read(feed(day), zone=zone)) == ["2026-01-01"]


def test_no_end_and_no_duration_is_no_length() -> None:
    event = read_one("DTSTART:20260302T100000Z")
    assert event.start == event.end


def test_an_entry_of_no_length_counts_where_the_window_begins() -> None:
    assert standing(read(feed(entry("DTSTART:20260101T000000Z")))) == ["2026-01-01T00:00"]


def test_start_and_end_in_different_zones() -> None:
    event = read_one(
        "DTSTART;TZID=Europe/Berlin:20260302T100000", "DTEND;TZID=America/New_York:20260302T060000"
    )
    assert isinstance(event.end, datetime)
    assert isinstance(event.start, datetime)
    assert event.end - event.start == timedelta(hours=2)


def test_an_end_before_the_start_keeps_the_start_and_says_so() -> None:
    event = read_one("DTSTART:20260302T083000Z", "DTEND:20260302T080000Z")
    assert (event.start, event.end) == (datetime(2026, 3, 2, 8, 30, tzinfo=UTC),) * 2
    assert "ends before it starts" in event.issues[0]


def test_a_negative_duration_keeps_the_start_and_says_so() -> None:
    event = read_one("DTSTART:20260302T083000Z", "DURATION:-PT1H")
    assert event.start == event.end
    assert event.issues


@pytest.mark.parametrize(
    "lines",
    [
        ["DTEND:20260302T080000Z"],
        ["DTSTART:"],
        ["DTSTART:soon"],
        ["DTSTART:20260230T100000Z"],
        ["DTSTART:20260302T250000Z"],
        ["DTSTART:20260302T100000Z", "DTEND:late"],
        ["DTSTART:20260302T100000Z", "DURATION:long"],
        ["DTSTART:20260302T100000Z", "DURATION:P999999999999999999W"],
        ["DTSTART:20260302T100000Z", "DURATION:P99999999D"],
        ["DTSTART:20260302T100000Z", "DTEND:99991231T235959Z"],
        ["DTSTART;TZID=Mars/Olympus:20260302T100000"],
        ["DTSTART;TZID=../../etc/passwd:20260302T100000"],
        ["DTSTART:20260302T100000Z", "DTEND;TZID=Nowhere:20260302T110000"],
    ],
)
def test_what_has_no_time_that_can_be_understood_is_set_aside(lines: list[str]) -> None:
    reading = read(feed(entry(*lines), entry("DTSTART:20260303T100000Z", uid="b")))
    assert [aside.place for aside in reading.set_aside] == ["line 4"]
    assert standing(reading) == ["2026-03-03T10:00"]


def test_a_time_in_the_gap_is_read_with_the_offset_before_it() -> None:
    event = read_one("DTSTART;TZID=Europe/Rome:20260329T023000")
    assert shown(event.start) == "2026-03-29T01:30"


def test_a_time_in_the_fold_is_the_first_of_the_two() -> None:
    event = read_one("DTSTART;TZID=Europe/Rome:20261025T023000")
    assert shown(event.start) == "2026-10-25T00:30"


def test_a_series_keeps_its_wall_clock_over_the_change() -> None:
    weekly = entry("DTSTART;TZID=Europe/Rome:20260323T100000", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert standing(read(feed(weekly))) == ["2026-03-23T09:00", "2026-03-30T08:00"]


def test_the_weeks_between_the_american_and_the_european_change() -> None:
    weekly = entry("DTSTART;TZID=America/New_York:20260302T100000", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert standing(read(feed(weekly))) == ["2026-03-02T15:00", "2026-03-09T14:00"]


def test_an_end_is_exact_and_a_duration_of_days_nominal() -> None:
    # RFC 5545, 3.8.5.3: over the change of 29 March a day of DTEND has 24 hours, one of DURATION 23.
    nightly = ["DTSTART;TZID=Europe/Rome:20260327T120000", "RRULE:FREQ=DAILY;COUNT=2"]
    by_end = read(feed(entry(*nightly, "DTEND;TZID=Europe/Rome:20260328T120000"))).events[1]
    by_duration = read(feed(entry(*nightly, "DURATION:P1D"))).events[1]
    assert shown(by_end.end) == "2026-03-29T11:00"
    assert shown(by_duration.end) == "2026-03-29T10:00"


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    st.sampled_from(["Europe/Rome", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Cairo"]),
)
def test_wall_times_become_the_instants_that_zoneinfo_tells(wall: datetime, zone: str) -> None:
    local = wall.replace(microsecond=0, fold=0)
    data = feed(entry(f"DTSTART;TZID={zone}:{local:%Y%m%dT%H%M%S}"))
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in (2024, 2029))
    from tracker.events import Window

    (event,) = read(data, window=Window(first, last)).events
    assert event.start == local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
