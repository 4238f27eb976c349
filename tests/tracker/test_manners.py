"""When it is polite to write, and how often."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tracker.manners import (
    HEAD_START,
    IGNORED_MANY,
    IGNORED_SOME,
    Pace,
    free_from,
    next_opening,
    pace_of,
    told_to_hr_from,
)

WEEK = timedelta(days=7)
BOGOTA = "America/Bogota"  # UTC-5, no daylight saving


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_it_writes_at_once_on_a_working_day() -> None:
    assert next_opening(at("2026-11-17 15:00"), BOGOTA) == at("2026-11-17 15:00")


def test_it_waits_for_the_morning() -> None:
    assert next_opening(at("2026-11-17 09:00"), BOGOTA) == at("2026-11-17 13:00")


def test_it_waits_for_the_next_morning_in_the_evening() -> None:
    assert next_opening(at("2026-11-18 01:00"), BOGOTA) == at("2026-11-18 13:00")


def test_it_leaves_the_weekend_alone() -> None:
    friday_night = at("2026-11-14 02:00")
    assert next_opening(friday_night, BOGOTA) == at("2026-11-16 13:00")


def test_it_leaves_leave_alone() -> None:
    away = {date(2026, 11, 17), date(2026, 11, 18)}
    assert next_opening(at("2026-11-17 15:00"), BOGOTA, away) == at("2026-11-19 13:00")


def test_the_morning_comes_at_eight_whatever_the_clock_did() -> None:
    # Madrid goes back an hour in the night to Sunday 25 October.
    assert next_opening(at("2026-10-24 12:00"), "Europe/Madrid") == at("2026-10-26 07:00")


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - Hypothesis wants none
    st.sampled_from(["UTC", BOGOTA, "Europe/Madrid", "Pacific/Kiritimati", "Asia/Kolkata"]),
)
def test_an_opening_is_never_before_and_always_polite(naive: datetime, zone: str) -> None:
    now = naive.replace(tzinfo=UTC)
    opening = next_opening(now, zone)
    assert opening >= now
    assert next_opening(opening, zone) == opening


def test_hr_hears_of_a_miss_two_days_after_the_pair_could() -> None:
    saturday = at("2026-11-14 05:00")
    assert told_to_hr_from(saturday, BOGOTA) == at("2026-11-16 13:00") + HEAD_START


def test_three_letters_a_week_and_no_more() -> None:
    now = at("2026-11-20 12:00")
    written = [now - timedelta(days=6), now - timedelta(days=2), now - timedelta(days=1)]
    assert free_from(written[1:], Pace(3, WEEK), now) == now
    assert free_from(written, Pace(3, WEEK), now) == now + timedelta(days=1)


def test_letters_of_long_ago_do_not_count() -> None:
    now = at("2026-11-20 12:00")
    assert free_from([now - WEEK] * 3, Pace(3, WEEK), now) == now


def test_no_letters_means_none() -> None:
    assert free_from([], Pace(0, WEEK), at("2026-11-20 12:00")) is None


def test_whoever_does_not_react_is_written_to_less() -> None:
    paces = [pace_of(3, ignored) for ignored in (0, IGNORED_SOME, IGNORED_MANY)]
    assert paces == [Pace(3, WEEK), Pace(1, WEEK), Pace(1, 4 * WEEK)]


def test_fading_never_writes_more_than_was_wanted() -> None:
    assert pace_of(0, IGNORED_MANY).letters == 0
