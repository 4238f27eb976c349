"""A calendar of the office as an iCalendar feed would show it: what was deleted is simply not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.fakes.google.calendar import FakeCalendar, Resource, read_time

_ANSWERS = {
    "needsAction": "NEEDS-ACTION",
    "accepted": "ACCEPTED",
    "declined": "DECLINED",
    "tentative": "TENTATIVE",
}


def write_feed(calendar: FakeCalendar) -> str:
    """Return the calendar as a file."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tests//EN"]
    for item in calendar.items.values():
        if item["status"] != "cancelled":
            lines += _event(item, list(_left_out(calendar, item)))
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _event(item: Resource, left_out: list[Resource]) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{item['iCalUID']}"
    yield f"SUMMARY:{item['summary']}"
    yield _time("DTSTART", item["start"])
    yield _time("DTEND", item["end"])
    yield f"CREATED:{_stamp(item['created'])}"
    yield f"LAST-MODIFIED:{_stamp(item['updated'])}"
    yield f"DTSTAMP:{_stamp(item['updated'])}"
    yield f"SEQUENCE:{item.get('sequence', 0)}"
    yield f"STATUS:{item['status'].upper()}"
    yield f"ORGANIZER:mailto:{item['organizer']['email']}"
    for person in item["attendees"]:
        yield f"ATTENDEE;PARTSTAT={_ANSWERS[person['responseStatus']]}:mailto:{person['email']}"
    yield from item.get("recurrence", [])
    for slot in left_out:
        yield _time("EXDATE", slot)
    if "originalStartTime" in item:
        yield _time("RECURRENCE-ID", item["originalStartTime"])
    yield "END:VEVENT"


def _left_out(calendar: FakeCalendar, series: Resource) -> Iterator[Resource]:
    for item in calendar.items.values():
        if item.get("recurringEventId") == series["id"] and item["status"] == "cancelled":
            yield item["originalStartTime"]


def _time(name: str, told: dict[str, Any]) -> str:
    moment = read_time(told)
    if not isinstance(moment, datetime):
        return f"{name};VALUE=DATE:{moment:%Y%m%d}"
    return f"{name}:{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" if "timeZone" not in told else _local(name, told)


def _local(name: str, told: dict[str, Any]) -> str:
    return f"{name};TZID={told['timeZone']}:{read_time(told):%Y%m%dT%H%M%S}"


def _stamp(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y%m%dT%H%M%SZ}"
