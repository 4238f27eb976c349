"""The sample company: the same every time, complete at any moment, and readable by others' programs."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.demo.hindsight import judge_company
from tracker.events import TagRule
from tracker.ledger import Health, Reason, Verdict
from tracker.tags import Entry, TagRules
from workers.demo.agenda import Meeting
from workers.demo.cast import CAST, PROGRAM_ADDRESS, Member
from workers.demo.company import STALE, STALE_SINCE, make_company
from workers.demo.plot import Plot

NOW = datetime(2026, 11, 18, 15, 20, tzinfo=UTC)
TURNS = [
    datetime(2026, 1, 1, 0, 30, tzinfo=UTC),  # New Year, not yet in America
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # Madrid changes its clocks
    datetime(2026, 11, 1, 7, 30, tzinfo=UTC),  # Austin changes its clocks
    datetime(2027, 2, 28, 23, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2026, 8, 31, 3, 0, tzinfo=UTC),
    datetime(2026, 11, 22, 23, 30, tzinfo=UTC),  # Monday in Madrid, Sunday in Bogotá
    datetime(2027, 3, 29, 8, 0, tzinfo=UTC),  # Easter Monday
]
REASONS = {
    (Verdict.MET, Reason.ON_TIME),
    (Verdict.MET, Reason.EARLY),
    (Verdict.MET, Reason.LATE),
    (Verdict.MET, Reason.RESCHEDULED),
    (Verdict.MISSED, Reason.NO_SHOW),
    (Verdict.MISSED, Reason.CANCELLED),
    (Verdict.MISSED, Reason.NO_SESSION),
}
EVERY_VERDICT = REASONS | {(v, None) for v in Verdict if v not in (Verdict.MET, Verdict.MISSED)}

FOUR_YEARS_IN_MINUTES = 4 * 365 * 24 * 60
moments = st.integers(0, FOUR_YEARS_IN_MINUTES).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def check_everything_is_there(now: datetime) -> None:
    ledgers = judge_company(make_company(now)).values()
    assert {(p.verdict, p.reason) for ledger in ledgers for p in ledger.periods} == EVERY_VERDICT
    healths = Counter(ledger.health for ledger in ledgers)
    assert set(healths) == set(Health)
    assert 13 <= healths[Health.ON_TRACK] <= 17
    assert sum(ledger.missed_by_mentor for ledger in ledgers) >= 3
    assert sum(ledger.missed_by_mentee for ledger in ledgers) >= 3


@pytest.mark.parametrize("now", TURNS, ids=str)
def test_it_has_every_verdict_and_health_at_turns_of_the_calendar(now: datetime) -> None:
    check_everything_is_there(now)


@settings(max_examples=20)
@given(moments)
def test_it_has_every_verdict_and_health_at_any_moment(now: datetime) -> None:
    check_everything_is_there(now)


def test_it_is_the_same_company_every_time() -> None:
    first, second = make_company(NOW), make_company(NOW)
    files = [[company.calendar_of(m, NOW) for m in company.people] for company in (first, second)]
    assert files[0] == files[1]
    assert [p.said for p in first.plots] == [p.said for p in second.plots]


def test_it_has_a_chain_of_replacements() -> None:
    ledgers = judge_company(make_company(NOW)).values()
    replaced = {s.id: s.replaces for ledger in ledgers for s in ledger.sessions if s.replaces}
    assert any(replaces in replaced for replaces in replaced.values())


def test_its_calendars_are_read_by_another_program() -> None:
    company = make_company(NOW)
    for member in company.people:
        if member.name != STALE:
            calendar = icalendar.Calendar.from_ical(company.calendar_of(member, NOW))
            assert len(calendar.walk("VEVENT")) > 8
            assert not [part.errors for part in calendar.walk() if part.errors]


def test_its_lines_are_folded_as_the_standard_asks() -> None:
    company = make_company(NOW)
    for member in company.people:
        lines = company.calendar_of(member, NOW - STALE_SINCE).split(b"\r\n")
        assert max(map(len, lines)) <= 75
        for line in lines:
            line.decode()  # no character is cut in two
            assert b"\n" not in line


def test_each_program_has_its_own_handwriting() -> None:
    company = make_company(NOW)

    def first_file(program: str) -> bytes:
        member = next(m for m in company.people if m.program == program and m.name != STALE)
        return company.calendar_of(member, NOW)

    assert b"PRODID:-//Google Inc//Google Calendar" in first_file("google")
    assert b"TZID:Central Standard Time (Mexico)" in first_file("outlook")
    assert b"X-APPLE-CALENDAR-COLOR" in first_file("apple")


def test_a_dead_link_leads_to_a_sign_in_page() -> None:
    company = make_company(NOW)
    stale = CAST[STALE]
    assert company.calendar_of(stale, NOW - STALE_SINCE).startswith(b"BEGIN:VCALENDAR")
    assert b"<html" in company.calendar_of(stale, NOW - STALE_SINCE + timedelta(days=1))


def test_a_calendar_of_the_past_does_not_know_the_future() -> None:
    company = make_company(NOW)
    past = NOW - timedelta(days=60)
    for member in company.people:
        calendar = icalendar.Calendar.from_ical(company.calendar_of(member, past))
        stamps = [str(event.decoded("LAST-MODIFIED")) for event in calendar.walk("VEVENT")]
        assert max(stamps) <= str(past)


def test_nothing_ordinary_is_taken_for_a_session() -> None:
    company = make_company(NOW)
    for meeting in company.ordinary:
        for owner in (meeting.organiser, *meeting.guests):
            assert _rules(owner, company.plots).match(_entry(meeting)) is None


def test_every_way_of_tagging_is_used() -> None:
    company = make_company(NOW)
    found = {_rules(m.organiser, company.plots).match(_entry(m)) for m in company.tagged}
    assert found == {TagRule.MARKER, TagRule.ADDRESS, TagRule.SUGGESTED}


def _rules(owner: Member, plots: tuple[Plot, ...]) -> TagRules:
    partners = [
        frozenset({p.email, p.invited_as})
        for plot in plots
        for p in (plot.mentor, plot.mentee)
        if owner in (plot.mentor, plot.mentee) and p != owner
    ]
    return TagRules(
        owner=frozenset({owner.email, owner.invited_as}),
        partners=tuple(partners),
        program_addresses=frozenset({PROGRAM_ADDRESS}),
    )


def _entry(meeting: Meeting) -> Entry:
    people = (meeting.organiser, *meeting.guests) if meeting.guests or meeting.also_invited else ()
    addresses = {person.invited_as for person in people} | set(meeting.also_invited)
    return Entry(meeting.look.title, meeting.look.categories, frozenset(addresses))
