"""Everything about one pair: what is asked, what comes next, how far calendars were read."""

from datetime import date, timedelta

import pytest

from tests.web.company import Company, Duo, utc
from tracker.ledger import Side
from tracker.models import Agreement, Calendar, CalendarStatus, Pair
from tracker.services.audit import Act
from tracker.services.confirm import Told, tell_session
from tracker.services.pairview import PairView, load_view


def view_of(company: Company, duo: Duo) -> PairView:
    company.review()
    with company.ports.store.read() as db:
        return load_view(db, db.get_one(Pair, duo.pair.id), company.now)


def meet(company: Company, duo: Duo, day: str) -> None:
    company.meeting(duo.pair, duo.calendars, (utc("08-10"), utc(day), "confirmed"))


def test_it_asks_for_what_was_not_said_latest_first(company: Company, duo: Duo) -> None:
    for day in ("09-29", "11-03", "11-17", "11-24"):
        meet(company, duo, day)
    view = view_of(company, duo)
    asked = [story.starts_at for story in view.asked(Side.MENTOR, company.now)]
    assert asked == [utc("11-17"), utc("11-03")]


def test_what_the_other_one_told_of_is_asked_about_though_it_is_settled(company: Company, duo: Duo) -> None:
    with company.ports.store.write() as db:
        told = Told(utc("11-10"), 30)
        tell_session(db, duo.pair.id, told, by=duo.mentee, act=Act(None, "site", company.now))
    view = view_of(company, duo)
    assert [s.outcome.outcome for s in view.stories if s.outcome] == ["held"]
    assert [s.starts_at for s in view.asked(Side.MENTOR, company.now)] == [utc("11-10")]
    assert view.asked(Side.MENTEE, company.now) == []


def test_what_comes_next_is_in_order(company: Company, duo: Duo) -> None:
    for day in ("12-08", "11-24"):
        meet(company, duo, day)
    coming = view_of(company, duo).coming(company.now)
    assert [story.starts_at for story in coming] == [utc("11-24"), utc("12-08")]


def test_a_moved_session_bears_on_both_periods(company: Company, duo: Duo) -> None:
    company.meeting(
        duo.pair,
        duo.calendars,
        (utc("08-10"), utc("09-01"), "confirmed"),
        (utc("08-31"), utc("09-09"), "confirmed"),
    )
    view = view_of(company, duo)
    bearing = [str(c.beat.starts_on) for c in view.chapters if c.stories]
    assert bearing == ["2026-08-24", "2026-09-07"]
    assert str(view.serves["s-1"].starts_on) == "2026-08-24"


def test_periods_of_all_agreements_stand_in_one_row(company: Company, duo: Duo) -> None:
    with company.ports.store.write() as db:
        first = db.get_one(Pair, duo.pair.id).agreements[0]
        first.ends_on = date(2026, 10, 4)
        db.add(
            Agreement(
                pair_id=duo.pair.id,
                starts_on=date(2026, 10, 5),
                ends_on=date(2027, 1, 31),
                timezone="UTC",
                sessions=1,
                every=1,
                unit="month",
                created_at=company.now,
            )
        )
    beats = view_of(company, duo).beats
    assert [str(beat.starts_on) for beat in beats[:5]] == [
        "2026-08-10", "2026-08-24", "2026-09-07", "2026-09-21", "2026-10-05",
    ]  # fmt: skip
    assert [beat.place.value for beat in beats].count("now") == 1


@pytest.mark.parametrize(("days", "stale"), [(2, False), (3, True)])
def test_a_calendar_is_stale_after_so_many_days(company: Company, duo: Duo, days: int, stale: bool) -> None:
    with company.ports.store.write() as db:
        calendar = db.get_one(Calendar, duo.calendars[0].id)
        calendar.last_read_at = company.now - timedelta(days=days)
    mentor, mentee = view_of(company, duo).calendars
    assert (mentor.is_stale, mentee.is_stale) == (stale, False)


def test_a_calendar_that_was_taken_away_is_said(company: Company, duo: Duo) -> None:
    with company.ports.store.write() as db:
        calendar = db.get_one(Calendar, duo.calendars[0].id)
        calendar.status, calendar.disconnected_at = CalendarStatus.DISCONNECTED, company.now
    mentor, mentee = view_of(company, duo).calendars
    assert (mentor.connected, mentee.connected) == (False, True)
