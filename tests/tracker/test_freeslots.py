"""Common free time: within both working days, never over anything, the usual time first."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tracker.events import Window
from tracker.freeslots import (
    LONG_DAY,
    Agenda,
    Habit,
    free_slots,
    is_usual,
    merge_windows,
    pick_slots,
    usual_habit,
)

LENGTH = timedelta(minutes=45)
TUESDAY_AT_TEN = Habit(1, time(10), "Europe/Madrid")
ZONES = st.sampled_from(
    ["UTC", "Europe/Madrid", "America/Bogota", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham"]
)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def week(first: str = "2026-11-23") -> Window:
    return Window(at(f"{first} 00:00"), at(f"{first} 00:00") + timedelta(days=7))


def windows(around: datetime = datetime(2026, 10, 23, tzinfo=UTC)) -> st.SearchStrategy[Window]:
    # Around the days on which clocks change in Europe and, a week later, in America.
    return st.builds(
        lambda begin, minutes: Window(
            around + timedelta(minutes=begin), around + timedelta(minutes=begin + minutes)
        ),
        st.integers(0, 14 * 24 * 60),
        st.integers(1, 600),
    )


def test_it_offers_a_working_day_in_half_hours() -> None:
    slots = free_slots([Agenda("Europe/Madrid")], week(), LENGTH)
    first_day = [slot for slot in slots if slot.start < at("2026-11-24 00:00")]
    assert first_day[0].start == at("2026-11-23 09:00", "Europe/Madrid")
    assert first_day[-1].start == at("2026-11-23 17:00", "Europe/Madrid")
    assert len(slots) == 5 * 17


def test_it_meets_the_working_days_of_both() -> None:
    slots = free_slots([Agenda("America/Bogota"), Agenda("Europe/Madrid")], week(), LENGTH)
    assert slots[0].start == at("2026-11-23 09:00", "America/Bogota")
    assert slots[4].start == at("2026-11-23 17:00", "Europe/Madrid")
    assert len(slots) == 5 * 5


def test_two_at_the_ends_of_the_world_need_a_longer_day() -> None:
    far = [Agenda("America/Bogota"), Agenda("Asia/Tokyo")]
    assert free_slots(far, week(), LENGTH) == []
    assert free_slots(far, week(), LENGTH, LONG_DAY) != []


def test_it_leaves_out_days_off_and_busy_hours() -> None:
    busy = Agenda(
        "UTC", (Window(at("2026-11-23 09:00"), at("2026-11-23 17:00")),), frozenset({date(2026, 11, 24)})
    )
    slots = free_slots([busy], week(), LENGTH)
    assert [slot.start for slot in slots[:2]] == [at("2026-11-23 17:00"), at("2026-11-25 09:00")]


def test_the_hour_is_whole_on_the_clock_of_who_asks() -> None:
    slots = free_slots([Agenda("Asia/Kathmandu"), Agenda("UTC")], week(), LENGTH)
    assert {slot.start.astimezone(ZoneInfo("Asia/Kathmandu")).minute for slot in slots} == {0, 30}


def test_the_usual_time_is_among_the_picked() -> None:
    slots = free_slots([Agenda("Europe/Madrid")], week(), LENGTH)
    picked = pick_slots(slots, TUESDAY_AT_TEN, 3)
    assert [slot.start for slot in picked] == [
        at(f"2026-11-{day} 10:00", "Europe/Madrid") for day in (23, 24, 25)
    ]
    assert [is_usual(slot, TUESDAY_AT_TEN) for slot in picked] == [False, True, False]


def test_a_late_usual_time_is_still_offered() -> None:
    slots = free_slots([Agenda("Europe/Madrid")], week(), LENGTH)
    picked = pick_slots(slots, Habit(4, time(16), "Europe/Madrid"), 3)
    assert is_usual(picked[-1], Habit(4, time(16), "Europe/Madrid"))


def test_one_free_day_is_used_more_than_once() -> None:
    day = Window(at("2026-11-23 09:00"), at("2026-11-23 12:00"))
    picked = pick_slots(free_slots([Agenda("UTC")], day, LENGTH), Habit(0, time(10), "UTC"), 3)
    assert [slot.start.hour for slot in picked] == [9, 10, 11]


def test_the_habit_is_what_was_done_most() -> None:
    met = [at("2026-11-03 10:00"), at("2026-11-10 10:00"), at("2026-11-12 15:00")]
    assert usual_habit(met, "UTC") == Habit(1, time(10), "UTC")
    assert usual_habit([], "UTC") is None


def test_a_habit_keeps_its_hour_when_clocks_change() -> None:
    met = [at("2026-10-20 10:00", "Europe/Madrid"), at("2026-10-27 10:00", "Europe/Madrid")]
    assert usual_habit(met, "Europe/Madrid") == TUESDAY_AT_TEN


@given(st.lists(windows(), max_size=8))
def test_merged_windows_are_sorted_and_apart(some: list[Window]) -> None:
    merged = merge_windows(some)
    assert all(one.end < next_.start for one, next_ in itertools.pairwise(merged))
    assert all(any(m.start <= w.start and w.end <= m.end for m in merged) for w in some)


@given(ZONES, ZONES, st.lists(windows(), max_size=8), st.integers(1, 16), st.data())
def test_every_slot_suits_both(
    one: str, other: str, busy: list[Window], quarters: int, data: st.DataObject
) -> None:
    length, window = timedelta(minutes=15 * quarters), data.draw(windows())
    agendas = [
        Agenda(one, tuple(busy[::2])),
        Agenda(other, tuple(busy[1::2]), frozenset({date(2026, 10, 26)})),
    ]
    slots = free_slots(agendas, window, length)
    assert slots == sorted(slots, key=lambda slot: slot.start)
    for slot in slots:
        assert window.start <= slot.start
        assert slot.end == slot.start + length <= window.end
        assert not any(b.start < slot.end and slot.start < b.end for b in busy)
        for agenda in agendas:
            start, end = (t.astimezone(ZoneInfo(agenda.timezone)) for t in (slot.start, slot.end))
            assert start.date() == end.date()
            assert start.date() not in agenda.days_off
            assert start.weekday() < 5
            assert time(9) <= start.time() < end.time() <= time(18)


@given(ZONES, windows(), st.integers(0, 6), st.integers(0, 23), st.integers(1, 5))
def test_the_picked_are_free_apart_and_sorted(
    zone: str, window: Window, day: int, hour: int, most: int
) -> None:
    slots, habit = free_slots([Agenda(zone)], window, LENGTH), Habit(day, time(hour), zone)
    picked = pick_slots(slots, habit, most)
    assert len(picked) <= most
    assert all(slot in slots for slot in picked)
    assert bool(picked) == bool(slots)
    assert all(one.end <= after.start for one, after in itertools.pairwise(picked))
    assert not any(is_usual(s, habit) for s in slots) or any(is_usual(s, habit) for s in picked)
