"""Out-of-office entries: days on which somebody is away, where that may be read, and never a session."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.google import FakeGoogle
from tests.integrations.google.conftest import ANA, BEN, DAY, MONDAY, WEEK, WINDOW, Calendar
from tracker.events import AwayNotice, EventClass, PullKind, Window
from tracker.tags import TagRules

MADRID = ZoneInfo("Europe/Madrid")
AWAY = {"eventType": "outOfOffice", "summary": "Surgery #mentoring"}
FIRST = date(2026, 3, 2)


def at(day: int, hour: int, minute: int = 0, zone: str = "Europe/Madrid") -> datetime:
    """Return an hour of a day in March."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo(zone))


def leave(google: FakeGoogle, start: datetime, until: datetime, **about: object) -> str:
    """Be out of office; return the entry's id."""
    return google.office.meet(ANA, (), start, until=until, **{**AWAY, **about})


@pytest.fixture
def away(google: FakeGoogle) -> Calendar:
    """Ana's calendar, where absences may be read."""
    return Calendar(google, ANA, TagRules(owner=frozenset({ANA}), keeps_absences=True))


def test_days_away_are_told_and_nothing_else(google: FakeGoogle, away: Calendar) -> None:
    entry = leave(google, at(2, 0), at(5, 0))
    pull = away.pull()
    assert pull.absences == (AwayNotice(entry, FIRST, FIRST + 2 * DAY),)
    assert pull.events == ()
    assert "Surgery" not in repr(pull)


def test_absences_are_not_even_asked_for_where_they_may_not_be_read(
    google: FakeGoogle, ana: Calendar
) -> None:
    leave(google, at(2, 0), at(5, 0))
    pull = ana.pull()
    assert (pull.absences, pull.events, pull.looked_at) == ((), (), 0)


def test_absence_is_no_session_whatever_it_is_called(google: FakeGoogle, away: Calendar) -> None:
    google.office.meet(ANA, (BEN,), MONDAY, **AWAY)
    assert away.pull().events == ()


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (at(2, 10), at(2, 16), (FIRST, FIRST)),
        (at(2, 10, 1), at(2, 18), None),
        (at(2, 8), at(2, 15, 59), None),
        (at(2, 14), at(4, 11), (FIRST + DAY, FIRST + DAY)),
        (at(2, 9), at(4, 17), (FIRST, FIRST + 2 * DAY)),
        (at(2, 0), at(3, 0), (FIRST, FIRST)),
        (at(2, 13), at(2, 15), None),
    ],
)
def test_day_counts_if_its_core_hours_are_covered(
    google: FakeGoogle, away: Calendar, start: datetime, end: datetime, days: tuple[date, date] | None
) -> None:
    entry = leave(google, start, end)
    expected = (AwayNotice(entry, *days),) if days else ()
    assert away.pull().absences == expected


def test_whole_days_need_no_hours(google: FakeGoogle, away: Calendar) -> None:
    entry = google.office.meet(ANA, (), FIRST, until=FIRST + 2 * DAY, **AWAY)
    assert away.pull().absences == (AwayNotice(entry, FIRST, FIRST + DAY),)


def test_days_are_those_of_the_calendar_s_own_clock(google: FakeGoogle, away: Calendar) -> None:
    google.office.calendars[ANA].timezone = "Pacific/Auckland"
    entry = leave(google, at(2, 0, zone="Pacific/Auckland"), at(3, 0, zone="Pacific/Auckland"))
    assert away.pull().absences == (AwayNotice(entry, FIRST, FIRST),)


def test_no_change_is_one_request(google: FakeGoogle, away: Calendar) -> None:
    leave(google, at(2, 0), at(5, 0))
    away.pull()
    google.methods()
    pull = away.pull()
    assert (pull.kind, pull.absences, google.methods()) == (PullKind.UNCHANGED, (), ["events.list"])


def test_changed_absence_is_told_anew(google: FakeGoogle, away: Calendar) -> None:
    entry = leave(google, at(2, 0), at(5, 0))
    away.pull()
    google.office.move(entry, at(3, 0))
    pull = away.pull()
    assert (pull.kind, pull.removed, pull.vanished) == (PullKind.DELTA, (), ())
    assert pull.absences == (AwayNotice(entry, FIRST + DAY, FIRST + 3 * DAY),)


def test_absence_that_shrank_to_hours_is_gone(google: FakeGoogle, away: Calendar) -> None:
    entry = leave(google, at(2, 0), at(5, 0))
    away.pull()
    google.office.change(entry, end={"dateTime": at(2, 9).isoformat(), "timeZone": "Europe/Madrid"})
    pull = away.pull()
    assert (pull.absences, pull.vanished) == ((), (entry,))


@pytest.mark.parametrize("is_bare", [True, False])
def test_deleted_absence_is_named(google: FakeGoogle, away: Calendar, *, is_bare: bool) -> None:
    entry = leave(google, at(2, 0), at(5, 0))
    away.pull()
    google.office.cancel(entry)
    if is_bare:
        google.office.calendars[ANA].bury(entry)
    pull = away.pull()
    assert (pull.removed, pull.absences, pull.events) == ((entry,), (), ())


def test_absence_deleted_before_the_first_reading_is_nothing(google: FakeGoogle, away: Calendar) -> None:
    google.office.cancel(leave(google, at(2, 0), at(5, 0)))
    pull = away.pull()
    assert (pull.absences, pull.events, pull.removed) == ((), (), ())


def test_friday_off_each_week(google: FakeGoogle, away: Calendar) -> None:
    series = google.office.repeat(ANA, (), at(6, 8), "FREQ=WEEKLY;COUNT=3", until=at(6, 18), **AWAY)
    days = [notice.first for notice in away.pull().absences]
    assert days == [date(2026, 3, 6), date(2026, 3, 13), date(2026, 3, 20)]
    gone = google.office.cancel_instance(series, at(6, 8) + WEEK)
    assert away.pull().removed == (gone,)


def test_deleted_series_names_all_its_days(google: FakeGoogle, away: Calendar) -> None:
    series = google.office.repeat(ANA, (), at(6, 8), "FREQ=WEEKLY;COUNT=3", until=at(6, 18), **AWAY)
    known = {notice.provider_event_id for notice in away.pull().absences}
    google.office.cancel(series)
    assert set(away.pull().removed) == known


def test_absences_beyond_the_window_are_not_listed(google: FakeGoogle, away: Calendar) -> None:
    leave(google, WINDOW.end + DAY, WINDOW.end + 3 * DAY)
    assert away.pull().absences == ()


def test_absence_of_the_past_that_is_entered_late_is_not_listed(google: FakeGoogle, away: Calendar) -> None:
    away.pull()
    leave(google, WINDOW.start - 9 * DAY, WINDOW.start - 5 * DAY)
    assert away.pull().absences == ()


def test_absence_is_shown_to_its_owner_as_an_entry(google: FakeGoogle, away: Calendar) -> None:
    leave(google, at(2, 0), at(5, 0))
    away.rules = TagRules(keep_untagged=True)
    pull = away.pull()
    assert pull.absences == ()
    assert [event.event_class for event in pull.events] == [EventClass.OUT_OF_OFFICE]


def test_allowing_it_later_reads_the_calendar_anew(google: FakeGoogle, ana: Calendar) -> None:
    leave(google, at(2, 0), at(5, 0))
    ana.pull()
    ana.rules = TagRules(keeps_absences=True)
    pull = ana.pull()
    assert (pull.kind, len(pull.absences)) == (PullKind.FULL, 1)


def test_forbidding_it_later_forgets_the_days(google: FakeGoogle, away: Calendar) -> None:
    leave(google, at(2, 0), at(5, 0))
    away.pull()
    away.rules = TagRules()
    pull = away.pull()
    assert (pull.kind, pull.absences) == (PullKind.FULL, ())


def test_broken_absence_is_set_aside(google: FakeGoogle, away: Calendar) -> None:
    entry = leave(google, at(2, 0), at(5, 0))
    away.pull()
    calendar = google.office.calendars[ANA]
    calendar.put({name: value for name, value in calendar.items[entry].items() if name != "start"})
    pull = away.pull()
    assert len(pull.set_aside) == 1
    assert (pull.removed, pull.vanished) == ((), ())


def test_sessions_come_beside_absences(google: FakeGoogle, away: Calendar) -> None:
    google.office.meet(ANA, (BEN,), MONDAY)
    leave(google, at(9, 0), at(10, 0))
    pull = away.pull(Window(WINDOW.start, WINDOW.end + timedelta(days=1)))
    assert (len(pull.events), len(pull.absences)) == (1, 1)
