"""Times at which two people can both meet: plain arithmetic. Asks no calendar, no database and no clock.

What is not known of somebody's time is not here at all: who asks has to say so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker.events import Window

WORKING_DAY = (time(9), time(18))
LONG_DAY = (time(7), time(21))  # for two who live so far apart that their working days do not meet
_STEP = timedelta(minutes=15)  # the offsets of all zones are multiples of it
_WORKING_DAYS = range(5)  # Monday to Friday


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is known of one person's time: busy windows, and local dates on which they are away."""

    timezone: str
    busy: tuple[Window, ...] = ()
    days_off: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Habit:
    """When two people usually meet: the day of the week (Monday is 0) and the time, in `timezone`."""

    weekday: int
    at: time
    timezone: str


def free_slots(
    agendas: Sequence[Agenda], window: Window, length: timedelta, hours: tuple[time, time] = WORKING_DAY
) -> list[Window]:
    """Return all slots of that length that suit everybody, sorted by start; they overlap each other.

    Each begins on the hour or half hour of the first one's clock, and lies within the `hours` of a working
    day on everybody's clock.
    """
    clock = ZoneInfo(agendas[0].timezone)
    starts = [s for s in _quarters(window) if s.astimezone(clock).minute % 30 == 0]
    slots = (Window(start, start + length) for start in starts if start + length <= window.end)
    return [slot for slot in slots if all(_suits(agenda, slot, hours) for agenda in agendas)]


def pick_slots(slots: Sequence[Window], habit: Habit, most: int) -> list[Window]:
    """Return up to `most` of the slots, sorted: the pair's usual time if it is free, then one a day.

    Of a day the slot nearest to their usual time is taken. No two of the picked ones overlap.
    """
    picked = [slot for slot in slots if is_usual(slot, habit)][:1]
    ranked = sorted(slots, key=lambda slot: (_local(slot, habit).date(), _distance(slot, habit), slot.start))
    for only_other_days in (True, False):
        for slot in ranked:
            if len(picked) < most and not _clashes(slot, picked, habit, only_other_days=only_other_days):
                picked.append(slot)
    return sorted(picked, key=lambda slot: slot.start)


def is_usual(slot: Window, habit: Habit) -> bool:
    """Tell whether the slot lies on the day of the week and at the time at which the two usually meet."""
    local = _local(slot, habit)
    return (local.weekday(), local.time()) == (habit.weekday, habit.at)


def usual_habit(starts: Iterable[datetime], timezone: str) -> Habit | None:
    """Return the day and time of most of these meetings, of the latest where that is a tie; None for none."""
    zone = ZoneInfo(timezone)
    local = [start.astimezone(zone) for start in sorted(starts)]
    seen = [(at.weekday(), at.time().replace(second=0, microsecond=0)) for at in local]
    if not seen:
        return None
    weekday, at = max(reversed(seen), key=seen.count)
    return Habit(weekday, at, timezone)


def merge_windows(windows: Iterable[Window], within: Window | None = None) -> tuple[Window, ...]:
    """Return the windows sorted, those that touch or overlap made one.

    Empty ones are left out, and what is not `within`.
    """
    if within is not None:
        windows = (Window(max(w.start, within.start), min(w.end, within.end)) for w in windows)
    merged: list[Window] = []
    for window in sorted((w for w in windows if w.start < w.end), key=lambda w: w.start):
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return tuple(merged)


def _quarters(window: Window) -> Iterable[datetime]:
    # Steps are taken in UTC, where no hour is missing and none comes twice.
    past = window.start.minute % 15 * 60 + window.start.second
    start = window.start - timedelta(seconds=past, microseconds=window.start.microsecond)
    if start < window.start:
        start += _STEP
    while start < window.end:
        yield start
        start += _STEP


def _suits(agenda: Agenda, slot: Window, hours: tuple[time, time]) -> bool:
    zone = ZoneInfo(agenda.timezone)
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    return (
        start.date() == end.date()
        and start.weekday() in _WORKING_DAYS
        and hours[0] <= start.time()
        and end.time() <= hours[1]
        and start.date() not in agenda.days_off
        and not any(busy.start < slot.end and slot.start < busy.end for busy in agenda.busy)
    )


def _clashes(slot: Window, picked: Sequence[Window], habit: Habit, *, only_other_days: bool) -> bool:
    if only_other_days:
        return _local(slot, habit).date() in {_local(other, habit).date() for other in picked}
    return any(other.start < slot.end and slot.start < other.end for other in picked)


def _distance(slot: Window, habit: Habit) -> int:
    local = _local(slot, habit)
    return abs(local.hour * 60 + local.minute - habit.at.hour * 60 - habit.at.minute)


def _local(slot: Window, habit: Habit) -> datetime:
    return slot.start.astimezone(ZoneInfo(habit.timezone))
