"""How far back a feed reaches: Exchange publishes some months, and says of what was before: nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.integrations.ical.feeds import YEAR, entry, feed, read

SERIES = entry("DTSTART:20240108T090000Z", "DTEND:20240108T100000Z", "RRULE:FREQ=WEEKLY", uid="weekly")
MOVED = entry("DTSTART:20240110T090000Z", "RECURRENCE-ID:20240115T090000Z", uid="weekly")
LUNCH = entry("DTSTART;TZID=W. Europe Standard Time:20260312T120000", uid="lunch", title="Lunch")
FAIR = entry("DTSTART;VALUE=DATE:20260310", uid="fair", title="Fair")


def published(*entries: str, by: str = "Microsoft Exchange Server 2010") -> bytes:
    """Return a feed of that program's."""
    return feed(*entries).replace(b"-//Test//EN", by.encode())


def test_a_feed_of_exchange_reaches_back_to_its_first_single_entry() -> None:
    assert read(published(LUNCH, SERIES, MOVED, FAIR)).shows_from == datetime(2026, 3, 10, tzinfo=UTC)


def test_a_series_alone_does_not_show_how_far_it_reaches() -> None:
    assert read(published(SERIES, MOVED)).shows_from == YEAR.end
    assert read(published()).shows_from == YEAR.end


@pytest.mark.parametrize("day", ["20261345", "00000000", "2026"])
def test_a_day_that_is_none_shows_nothing(day: str) -> None:
    odd = entry(f"DTSTART:{day}T090000Z", uid="odd", title="Odd")
    assert read(published(odd, LUNCH)).shows_from == datetime(2026, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize("by", ["-//Google Inc//Google Calendar 70.9054//EN", "-//Apple Inc.//iCloud//EN"])
def test_others_tell_all_of_their_past(by: str) -> None:
    assert read(published(LUNCH, by=by)).shows_from is None


def test_only_the_line_that_names_the_program_counts() -> None:
    talk = entry("DTSTART:20260312T120000Z", title="PRODID: Microsoft Exchange Server")
    assert read(feed(talk)).shows_from is None
