"""Time zones by the names that programs give them."""

import functools
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.ical.scan import _read_zone
from integrations.ical.zones import OwnZone, world_zone
from integrations.windows import WINDOWS_ZONES
from tests.integrations.ical.feeds import entry, feed, read, read_one, shown, standing
from tracker.events import ZoneQuality

ROME = """BEGIN:VTIMEZONE
TZID:{name}
{extra}BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def own_zone(name: str, extra: str = "") -> str:
    return ROME.format(name=name, extra=extra).replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Madrid", "Europe/Madrid"),
        ("europe/madrid", "Europe/Madrid"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("romance standard time", "Europe/Paris"),
        ("Alberta Standard Time", "America/Edmonton"),
        ("/mozilla.org/20070129_1/America/New_York", "America/New_York"),
        (
            "/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires",
            "America/Argentina/Buenos_Aires",
        ),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
        ("posix/Europe/Vaduz", "Europe/Vaduz"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("UTC", "UTC"),
        ("GMT", "UTC"),
        ("Coordinated Universal Time", "UTC"),
    ],
)
def test_names_that_programs_write(name: str, zone: str) -> None:
    found = world_zone(name)
    assert found is not None
    assert found.name == zone


@pytest.mark.parametrize(
    "name", ["", "/", "..", "Europe", "Mars/Olympus", "localtime", "Europe/Madrid\0", "x" * 9999]
)
def test_names_that_stand_for_nothing(name: str) -> None:
    assert world_zone(name) is None


@given(st.text())
def test_no_name_breaks_the_search(name: str) -> None:
    world_zone(name)


@pytest.mark.parametrize(
    ("name", "hours"), [("GMT+0200", 2), ("UTC-05:00", -5), ("GMT+1", 1), ("+0530", 5.5), ("UTC+11", 11)]
)
def test_a_bare_offset(name: str, hours: float) -> None:
    found = world_zone(name)
    assert found is not None
    assert found.rules.utcoffset(None) == timedelta(hours=hours)


def test_every_windows_zone_leads_to_a_zone_of_the_database() -> None:
    assert set(WINDOWS_ZONES.values()) <= available_timezones()


def test_a_windows_zone_is_marked_as_mapped() -> None:
    event = read_one("DTSTART;TZID=W. Europe Standard Time:20260302T100000")
    assert (shown(event.start), event.zone, event.zone_quality) == (
        "2026-03-02T09:00", "Europe/Berlin", ZoneQuality.MAPPED,
    )  # fmt: skip


def test_an_unquoted_name_with_a_colon_in_it() -> None:
    name = "(UTC+01:00) Amsterdam, Berlin, Bern"
    data = feed(own_zone(name), entry(f"DTSTART;TZID={name}:20260702T100000"))
    assert standing(read(data)) == ["2026-07-02T08:00"]


def test_a_zone_of_the_calendars_own_follows_its_own_rules() -> None:
    starts = [f"DTSTART;TZID=Customized Time Zone:2026{day}T100000" for day in ("0302", "0702")]
    data = feed(own_zone("Customized Time Zone"), *(entry(s, uid=s[-10:]) for s in starts))
    reading = read(data)
    assert standing(reading) == ["2026-03-02T09:00", "2026-07-02T08:00"]
    assert {(e.zone, e.zone_quality) for e in reading.events} == {(None, ZoneQuality.MAPPED)}


def test_a_zone_may_be_described_after_it_is_used() -> None:
    data = feed(entry("DTSTART;TZID=Ours:20260702T100000"), own_zone("Ours"))
    assert standing(read(data)) == ["2026-07-02T08:00"]


def test_x_lic_location_names_the_zone() -> None:
    data = feed(own_zone("Ours", "X-LIC-LOCATION:Asia/Tokyo\n"), entry("DTSTART;TZID=Ours:20260302T100000"))
    (event,) = read(data).events
    assert event.zone == "Asia/Tokyo"


def test_the_worlds_rules_win_over_those_a_calendar_gives_a_known_zone() -> None:
    data = feed(own_zone("Asia/Tokyo"), entry("DTSTART;TZID=Asia/Tokyo:20260302T100000"))
    assert standing(read(data)) == ["2026-03-02T01:00"]


def test_an_abbreviation_with_rules_of_its_own_means_these() -> None:
    # The database's "EST" has no summer time; a calendar's may.
    data = feed(own_zone("EST"), entry("DTSTART;TZID=EST:20260702T100000"))
    assert standing(read(data)) == ["2026-07-02T08:00"]


@pytest.mark.parametrize(
    "broken",
    [
        "TZOFFSETTO:+5744",
        "TZOFFSETTO:east",
        "TZOFFSETFROM:",
        "RRULE:FREQ=SECONDLY",
        "DTSTART:never",
        "DTSTART",
    ],
)
def test_a_zone_whose_rules_make_no_sense_is_unknown(broken: str) -> None:
    name = broken.partition(":")[0]
    lines = [broken if line.startswith(name) else line for line in own_zone("Ours").split("\r\n")]
    reading = read(feed("\r\n".join(lines), entry("DTSTART;TZID=Ours:20260302T100000")))
    assert "time zone is unknown" in reading.set_aside[0].issue


def test_an_unknown_zone_without_rules_sets_the_entry_aside() -> None:
    reading = read(feed(entry("DTSTART;TZID=Ours:20260302T100000")))
    assert reading.events == ()
    assert "time zone is unknown" in reading.set_aside[0].issue


@functools.cache
def rome_by_rules() -> tzinfo:
    """Return the zone that follows the calendar's rules above."""
    zone = OwnZone(*_read_zone([line.encode() for line in own_zone("Ours").split("\r\n")[2:]])).by_rules()
    assert zone is not None
    return zone.rules


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001
def test_own_rules_agree_with_the_world_in_gaps_and_folds_too(wall: datetime) -> None:
    ours, world = rome_by_rules(), ZoneInfo("Europe/Rome")
    for fold in (0, 1):
        local = wall.replace(microsecond=0, fold=fold)
        assert local.replace(tzinfo=ours).utcoffset() == local.replace(tzinfo=world).utcoffset()
    at = wall.replace(tzinfo=UTC)
    assert at.astimezone(ours).replace(tzinfo=None) == at.astimezone(world).replace(tzinfo=None)
    assert at.astimezone(ours).fold == at.astimezone(world).fold
