"""What a session rests on is told completely, and not before its time."""

from datetime import timedelta

import pytest

from tests.web.company import Company, Duo, utc
from tracker.ledger import Side
from tracker.models import Session
from tracker.services.stories import Happening, Story, load_stories

DAYS = 3


def story_of(company: Company, duo: Duo, session: Session) -> Story:
    with company.ports.store.read() as db:
        return load_stories(db, duo.pair, [])[session.key]


def test_it_tells_what_each_calendar_showed(company: Company, duo: Duo) -> None:
    session = company.meeting(
        duo.pair,
        duo.calendars,
        (utc("11-01"), utc("11-10"), "confirmed"),
        (utc("11-05"), utc("11-12"), "confirmed"),
        (utc("11-11"), utc("11-12"), "cancelled"),
    )
    told = story_of(company, duo, session).sightings
    assert [seen.what for seen in told] == [Happening.ADDED, Happening.MOVED, Happening.CANCELLED]
    assert {seen.owners for seen in told} == {(Side.MENTEE, Side.MENTOR)}


def test_one_calendar_alone_is_named(company: Company, duo: Duo) -> None:
    session = company.meeting(duo.pair, duo.calendars[:1], (utc("11-01"), utc("11-10"), "confirmed"))
    assert [seen.owners for seen in story_of(company, duo, session).sightings] == [(Side.MENTOR,)]


@pytest.fixture
def half_told(company: Company, duo: Duo) -> Session:
    """Yesterday's session, of which the mentor has spoken."""
    session = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    company.say(session, duo.pair, "mentor", held=False, absent=("mentee",), at=utc("11-17", 18))
    return session


def words_seen_by(story: Story, side: Side | None, company: Company, days: int = 0) -> list[Side]:
    return [word.side for word in story.words_for(side, DAYS, company.now + timedelta(days=days))]


def test_neither_sees_the_other_ones_word_first(company: Company, duo: Duo, half_told: Session) -> None:
    story = story_of(company, duo, half_told)
    assert words_seen_by(story, Side.MENTEE, company) == []
    assert words_seen_by(story, Side.MENTOR, company) == [Side.MENTOR]


def test_both_see_both_once_both_have_spoken(company: Company, duo: Duo, half_told: Session) -> None:
    company.say(half_told, duo.pair, "mentee", held=True, at=utc("11-17", 19))
    story = story_of(company, duo, half_told)
    assert words_seen_by(story, Side.MENTEE, company) == [Side.MENTOR, Side.MENTEE]


def test_the_word_is_open_once_the_window_is_over(company: Company, duo: Duo, half_told: Session) -> None:
    story = story_of(company, duo, half_told)
    assert words_seen_by(story, Side.MENTEE, company, days=2) == []
    assert words_seen_by(story, Side.MENTEE, company, days=3) == [Side.MENTOR]


def test_hr_sees_what_was_said(company: Company, duo: Duo, half_told: Session) -> None:
    assert words_seen_by(story_of(company, duo, half_told), None, company) == [Side.MENTOR]


def test_the_latest_word_of_a_side_counts(company: Company, duo: Duo, half_told: Session) -> None:
    company.say(half_told, duo.pair, "mentor", held=True, at=utc("11-17", 20))
    word = story_of(company, duo, half_told).word_of(Side.MENTOR)
    assert word
    assert word.held
