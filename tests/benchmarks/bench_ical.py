"""Measure the reading of feeds: CPU time against parsing them whole with icalendar.

    python tests/benchmarks/bench_ical.py [--events 10000] [--tagged 25]

Exits 1 if reading a large calendar with few sessions is not at least 50 times as fast as icalendar's parsing
of it, or finding it unchanged not at least 500 times; or if a file that is made to cost much costs over 2 s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import icalendar

from integrations.ical import open_calendar
from tracker.errors import ConnectorError
from tracker.events import PullKind, Window
from tracker.tags import TagRules

FASTER_THAN_PARSING, FASTER_UNCHANGED, LONGEST_S = 50.0, 500.0, 2.0
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
RULES = TagRules(
    owner=frozenset({"ana@example.com"}),
    partners=(frozenset({"carla@example.com"}), frozenset({"dario@example.com", "d.ruiz@example.com"})),
    program_addresses=frozenset({"mentoring@example.com"}),
)
HEAD = "BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\nVERSION:2.0\r\n"
EVENT = (
    "BEGIN:VEVENT\r\n"
    "DTSTART;TZID=Europe/Madrid:2026{month:02}{day:02}T100000\r\n"
    "DTEND;TZID=Europe/Madrid:2026{month:02}{day:02}T110000\r\n"
    "DTSTAMP:20261101T100000Z\r\n"
    "ORGANIZER;CN=ana@example.com:mailto:ana@example.com\r\n"
    "UID:{number:05}@google.com\r\n"
    "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Ana Garc\xeda;X-NUM-\r\n"
    " GUESTS=0:mailto:ana@example.com\r\n"
    "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;CN=Berta;X-NUM-GUE\r\n"
    " STS=0:mailto:berta{number}@example.com\r\n"
    "CREATED:20260101T100000Z\r\n"
    "DESCRIPTION:What there is to say of this meeting\\, its agenda and the papers that belong t\r\n"
    " o it\r\n"
    "LAST-MODIFIED:20260102T100000Z\r\n"
    "LOCATION:\r\n"
    "SEQUENCE:0\r\n"
    "STATUS:CONFIRMED\r\n"
    "SUMMARY:{title}\r\n"
    "TRANSP:OPAQUE\r\n"
    "END:VEVENT\r\n"
)
BOMB = "BEGIN:VEVENT\r\nUID:bomb\r\nSUMMARY:#mentoring\r\n{lines}\r\nEND:VEVENT\r\n"
BOMBS = {
    "interval 0": "DTSTART:20200101T090000Z\r\nRRULE:FREQ=DAILY;INTERVAL=0",
    "every second": "DTSTART:19700101T000000Z\r\nRRULE:FREQ=SECONDLY",
    "30 February": "DTSTART:20200101T090000Z\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "30 February, counted": "DTSTART:00010101T090000Z\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9",
    "year 1, counted": "DTSTART:00010101T090000Z\r\nRRULE:FREQ=DAILY;COUNT=999999999",
    "every day and hour": "DTSTART:16010101T090000Z\r\nRRULE:FREQ=DAILY;BYHOUR={hours};BYMINUTE={minutes}",
    "year 9999": "DTSTART:16010101T090000Z\r\nRRULE:FREQ=YEARLY;UNTIL=99991231T235959Z",
    "many rules": "DTSTART:00010101T090000Z\r\n" + "\r\n".join(["RRULE:FREQ=DAILY;BYSETPOS=2;COUNT=5"] * 200),
}


def make_feed(events: int, tagged: int) -> bytes:
    """Return a calendar as Google exports it, with that many sessions spread over it."""
    every = max(1, events // tagged)
    titles = ("Reuni\xf3n de equipo {n}", "Sesi\xf3n #mentor\xeda")
    entries = (
        EVENT.format(number=n, month=n % 12 + 1, day=n % 28 + 1, title=titles[n % every == 0].format(n=n))
        for n in range(events)
    )
    return (HEAD + "".join(entries) + "END:VCALENDAR\r\n").encode()


def make_bombs() -> Iterator[tuple[str, bytes]]:
    """Yield calendars that are made to cost much."""
    hours, minutes = ",".join(map(str, range(24))), ",".join(map(str, range(60)))
    for name, lines in BOMBS.items():
        event = BOMB.format(lines=lines.format(hours=hours, minutes=minutes))
        yield name, f"{HEAD}{event}END:VCALENDAR\r\n".encode()


def cpu_seconds(work: Callable[[], object], times: int) -> float:
    """Return the least CPU time of a few runs."""
    taken = []
    for _ in range(times):
        begin = process_time()
        work()
        taken.append(process_time() - begin)
    return min(taken)


def measure(data: bytes, folder: Path) -> tuple[float, float]:
    """Return how many times faster than parsing are a first reading, and one that finds nothing new."""
    path = folder / "calendar.ics"
    path.write_bytes(data)
    source = open_calendar(str(path), "Europe/Madrid")
    cursor = source.pull(None, WINDOW, RULES).cursor
    assert source.pull(cursor, WINDOW, RULES).kind is PullKind.UNCHANGED
    unchanged_s = cpu_seconds(lambda: source.pull(cursor, WINDOW, RULES), 9)
    full_s = cpu_seconds(lambda: source.pull(None, WINDOW, RULES), 5)
    parsed_s = cpu_seconds(lambda: icalendar.Calendar.from_ical(data), 2)
    print(
        f"{len(data):,} bytes: icalendar {parsed_s:.2f} s, read {full_s:.3f} s, unchanged {unchanged_s:.4f} s"
    )
    return parsed_s / full_s, parsed_s / unchanged_s


def measure_bombs(folder: Path) -> float:
    """Return the CPU seconds of the bomb that costs most."""
    worst = 0.0
    for name, data in make_bombs():
        path = folder / "bomb.ics"
        path.write_bytes(data)
        taken = cpu_seconds(lambda path=path: read_or_refuse(path), 1)  # type: ignore[misc]
        print(f"bomb {name!r}: {taken:.2f} s")
        worst = max(worst, taken)
    return worst


def read_or_refuse(path: Path) -> None:
    """Read a calendar that may be refused."""
    try:
        open_calendar(str(path), "Europe/Madrid").pull(None, WINDOW, RULES)
    except ConnectorError as refusal:
        print(f"  refused: {refusal.code}")


def main() -> int:
    """Measure, print the ratios, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--tagged", type=int, default=25)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        first, unchanged = measure(make_feed(options.events, options.tagged), Path(name))
        worst = measure_bombs(Path(name))
    print(f"first reading: {first:.0f} times as fast as parsing (target {FASTER_THAN_PARSING:.0f})")
    print(f"unchanged: {unchanged:.0f} times as fast as parsing (target {FASTER_UNCHANGED:.0f})")
    print(f"worst bomb: {worst:.2f} s (target under {LONGEST_S:.0f})")
    met = first >= FASTER_THAN_PARSING and unchanged >= FASTER_UNCHANGED and worst <= LONGEST_S
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
