"""Whole calendars: the same occurrences as recurring-ical-events finds, where that is right."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integrations.ical.feeds import entry, feed, read
from tracker.events import EventKind, EventStatus, Window

# It drops the last day of UNTIL=DATE, doubles DATE overrides and swaps ends before starts: not asked here.
ZONES = st.sampled_from(["Europe/Rome", "America/New_York", "Asia/Kolkata", "Australia/Sydney"])
RULES = st.sampled_from([
    "FREQ=DAILY;COUNT=9", "FREQ=DAILY;INTERVAL=14", "FREQ=WEEKLY;COUNT=12",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "FREQ=WEEKLY;UNTIL=20260601T000000Z", "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYDAY=2WE",
    "FREQ=MONTHLY;BYDAY=-1FR;COUNT=5",
    "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY",
])  # fmt: skip
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
FORM = "%Y%m%dT%H%M%S"


@st.composite
def calendars(draw: st.DrawFn) -> bytes:
    """A series with a few dates out, in, and moved."""
    zone = draw(ZONES)
    wall = draw(st.datetimes(datetime(2025, 10, 1), datetime(2026, 3, 1)))  # noqa: DTZ001
    # Midday: no gap or fold, where the two may differ by design.
    first = wall.replace(hour=12, minute=30, second=0, microsecond=0, fold=0)
    slots = [
        first + timedelta(days=7 * n) for n in draw(st.lists(st.integers(1, 20), max_size=5, unique=True))
    ]
    at = f";TZID={zone}:"
    master = [f"DTSTART{at}{first:{FORM}}", "DURATION:PT45M", f"RRULE:{draw(RULES)}", "SEQUENCE:1"]
    overrides = []
    for slot in slots:
        match draw(st.sampled_from(["out", "in", "moved"])):
            case "out":
                master.append(f"EXDATE{at}{slot:{FORM}}")
            case "in":
                master.append(f"RDATE{at}{slot + timedelta(hours=1):{FORM}}")
            case _:
                moved = slot + timedelta(hours=draw(st.integers(-60, 60)))
                lines = [
                    f"RECURRENCE-ID{at}{slot:{FORM}}",
                    f"DTSTART{at}{moved:{FORM}}",
                    "DURATION:PT30M",
                    "SEQUENCE:1",
                ]
                overrides.append(entry(*lines))
    return feed(entry(*master), *overrides)


@settings(max_examples=150)
@given(calendars())
def test_it_finds_the_same_occurrences(data: bytes) -> None:
    mine = {
        (e.start, e.end)
        for e in read(data).events
        if e.status is not EventStatus.CANCELLED
        and is_inside(e.start, e.end)
        and e.kind is not EventKind.SINGLE
    }
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(data)).between(WINDOW.start, WINDOW.end)
    theirs = {tuple(e[name].dt.astimezone(UTC) for name in ("DTSTART", "DTEND")) for e in found}
    assert mine == theirs


def is_inside(start: date, end: date) -> bool:
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    return start < WINDOW.end and end > WINDOW.start
