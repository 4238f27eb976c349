"""Small calendars to read in tests."""

from datetime import UTC, date, datetime
from pathlib import Path

from integrations.ical.reader import Reading, read_feed
from integrations.ical.zones import world_zone
from tracker.events import CalendarEvent, EventStatus, Window
from tracker.tags import TagRules

DATA = Path(__file__).parents[2] / "data" / "ics"
YEAR = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
EVERYTHING = TagRules(keep_untagged=True)


def entry(*lines: str, uid: str = "a@example.com", title: str = "#mentoring") -> str:
    """Return a VEVENT."""
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", *lines, "END:VEVENT", ""])


def feed(*parts: str, head: str = "") -> bytes:
    """Return a whole calendar of these parts."""
    start = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n"
    return (start + head + "".join(parts) + "END:VCALENDAR\r\n").encode()


def read(data: bytes, *, zone: str = "UTC", rules: TagRules | None = None, window: Window = YEAR) -> Reading:
    """Read a calendar whose owner lives in `zone`."""
    home = world_zone(zone)
    assert home is not None
    return read_feed(data, window, rules or TagRules(), home)


def read_one(*lines: str, zone: str = "UTC", head: str = "") -> CalendarEvent:
    """Read the only occurrence of one entry."""
    (event,) = read(feed(entry(*lines), head=head), zone=zone).events
    return event


def standing(reading: Reading) -> list[str]:
    """Return the starts of what takes place, in order: `2026-03-02T09:00` in UTC, or a date."""
    return sorted(shown(e.start) for e in reading.events if e.status is not EventStatus.CANCELLED)


def cancelled(reading: Reading) -> list[str]:
    """Return the starts of what does not take place."""
    return sorted(shown(e.start) for e in reading.events if e.status is EventStatus.CANCELLED)


def shown(moment: date | datetime | None) -> str:
    """Return a moment in short."""
    return f"{moment:%Y-%m-%dT%H:%M}" if isinstance(moment, datetime) else str(moment)
