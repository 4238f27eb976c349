"""When it is polite to write, and how often."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tracker.manners import (
    HEAD_START,
    IGNORED_MANY,
    IGNORED_SOME,
    MISS_LASTS,
    Pace,
    Word,
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


# --- the head start of the two ---

MISSED_AT = at("2026-11-18 15:00")  # a Wednesday
EXPIRES_AT = MISSED_AT + MISS_LASTS


def test_the_two_days_count_from_the_last_letter() -> None:
    words = [Word(MISSED_AT, EXPIRES_AT, told_at=MISSED_AT + timedelta(hours=h)) for h in (1, 100)]
    assert told_to_hr_from(MISSED_AT, "UTC", words) == MISSED_AT + timedelta(hours=148)


def test_hr_does_not_hear_before_what_is_to_be_written_is_written() -> None:
    assert told_to_hr_from(MISSED_AT, "UTC", [Word(MISSED_AT, EXPIRES_AT)]) == EXPIRES_AT


def test_who_can_not_be_told_holds_up_nothing() -> None:
    dropped = Word(MISSED_AT, EXPIRES_AT, dropped_at=MISSED_AT + timedelta(minutes=5))
    assert told_to_hr_from(MISSED_AT, "UTC", [dropped]) == MISSED_AT + HEAD_START


@given(
    noted=st.integers(0, 24 * 6),
    closed=st.integers(0, 24 * 9),
    closed_by=st.sampled_from(["told_at", "dropped_at", None]),
    looks=st.lists(st.integers(0, 24 * 12), min_size=2, max_size=6).map(sorted),
)
def test_what_hr_may_hear_once_stays_so_and_at_the_same_moment(
    noted: int, closed: int, closed_by: str | None, looks: list[int]
) -> None:
    """Whoever looks each hour sees one moment pass: no digest loses a miss, and none has it twice.

    A word that was dropped comes up anew only if the verdict clouds and clears: the digest sees to that.
    """
    closed = max(noted, min(closed, 24 * 7) if closed_by == "told_at" else closed)

    def known(hour: int) -> datetime:
        word = Word(MISSED_AT + timedelta(hours=noted), EXPIRES_AT)
        if closed_by is not None and closed <= hour:
            word = replace(word, **{closed_by: MISSED_AT + timedelta(hours=closed)})
        return told_to_hr_from(MISSED_AT, "UTC", [word] if noted <= hour else [])

    for early, late in pairwise(looks):
        moment = MISSED_AT + timedelta(hours=early)
        assert (known(early) <= moment) == (known(late) <= moment)
