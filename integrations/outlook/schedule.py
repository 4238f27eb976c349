"""When somebody is busy, out of what getSchedule tells. Subjects and places are in no struct here."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from integrations.outlook.mapping import Unreadable, instant_from
from integrations.outlook.payload import Time, decode
from tracker.events import Window

MOST_PEOPLE = 20  # in one request
MOST_DAYS = 60  # Exchange gives no more than 62 at a time
SLOT = timedelta(minutes=15)
# Whoever is elsewhere works, and can meet. What is not confirmed yet is not given away.
_FREE = frozenset({"free", "workingelsewhere"})
_FREE_SLOTS = frozenset("04")


class _Fault(msgspec.Struct, frozen=True, rename="camel"):
    response_code: str | None = None


class _Item(msgspec.Struct, frozen=True):
    status: str
    start: Time
    end: Time


class Schedule(msgspec.Struct, frozen=True, rename="camel"):
    """One address: `error` where nobody can tell, `availability_view` a digit for each slot of time."""

    schedule_id: str
    availability_view: str = ""
    schedule_items: tuple[_Item, ...] = ()
    error: _Fault | None = None


class _Schedules(msgspec.Struct, frozen=True):
    value: tuple[Schedule, ...]


_ANSWERS = msgspec.json.Decoder(_Schedules)


def read_schedules(content: bytes) -> dict[str, Schedule]:
    """Return the schedules by address, in lower case. Raises BadPayload."""
    return {found.schedule_id.casefold(): found for found in decode(_ANSWERS, content).value}


def stretches(window: Window) -> Iterator[Window]:
    """Yield the window in pieces that Exchange answers for."""
    start = window.start
    while start < window.end:
        end = min(start + timedelta(days=MOST_DAYS), window.end)
        yield Window(start, end)
        start = end


def busy_times(found: Schedule, window: Window) -> list[Window] | None:
    """Return when the address is busy in the window, None where nobody can tell."""
    if found.error is not None or not (found.availability_view or found.schedule_items):
        return None
    try:
        times = [
            Window(instant_from(item.start), instant_from(item.end))
            for item in found.schedule_items
            if item.status.casefold() not in _FREE
        ]
    except Unreadable:
        return None
    # Some let others see no entries, but only whether they are free.
    return times or list(_busy_slots(found.availability_view, window.start))


def _busy_slots(view: str, start: datetime) -> Iterator[Window]:
    for number, digit in enumerate(view):
        if digit not in _FREE_SLOTS:
            yield Window(start + number * SLOT, start + (number + 1) * SLOT)
