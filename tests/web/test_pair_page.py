"""The page of a pair: what is asked, what comes next, how it is going, and what each mark rests on."""

from collections.abc import Callable
from datetime import date, timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.company import Company, Duo, utc
from tracker.models import Calendar, Person, Session
from tracker.services.review import touch_pairs

Enter = Callable[[Person], FlaskClient]
Read = Callable[[Person], str]
Post = Callable[..., tuple[int, str]]


@pytest.fixture
def read(company: Company, duo: Duo, enter: Enter) -> Read:
    """Judges everybody and returns the pair's page as that person reads it."""

    def page(person: Person) -> str:
        company.review()
        answer = enter(person).get(f"/pairs/{duo.pair.id}")
        assert answer.status_code == 200
        return " ".join(unescape(answer.text).split())

    return page


@pytest.fixture
def hr(company: Company) -> Person:
    return company.person("Marta Gil", is_hr=True)


def meet(company: Company, duo: Duo, day: str, hour: int = 15) -> Session:
    return company.meeting(duo.pair, duo.calendars, (utc("08-10"), utc(day, hour), "confirmed"))


def test_it_asks_about_yesterday(company: Company, duo: Duo, read: Read) -> None:
    meet(company, duo, "11-17")
    page = read(duo.mentee)
    assert "Did you and Ana meet yesterday?" in page
    assert "Tuesday 17 November, 10:00–10:45" in page


def test_it_asks_in_spanish(company: Company, duo: Duo, read: Read) -> None:
    meet(company, duo, "11-17")
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentee.id).language = "es"
    page = read(duo.mentee)
    assert "¿Te reuniste con Ana ayer?" in page
    assert "martes 17 de noviembre, 10:00–10:45" in page


def test_it_asks_nothing_of_hr(company: Company, duo: Duo, read: Read, hr: Person) -> None:
    meet(company, duo, "11-17")
    page = read(hr)
    assert "Did you" not in page
    assert "/answer" not in page


def test_it_asks_nothing_twice(company: Company, duo: Duo, read: Read) -> None:
    session = meet(company, duo, "11-17")
    company.say(session, duo.pair, "mentor", held=True, at=utc("11-17", 18))
    page = read(duo.mentor)
    assert "Did you and Luis meet" not in page
    assert "Luis has not answered yet. That is all for you." in page


def test_it_does_not_ask_about_what_is_long_ago(company: Company, duo: Duo, read: Read) -> None:
    meet(company, duo, "10-06")
    assert "Did you and Luis meet" not in read(duo.mentor)


def test_a_long_list_of_questions_is_folded(company: Company, duo: Duo, read: Read) -> None:
    for day in ("10-27", "11-03", "11-09", "11-12", "11-17"):
        meet(company, duo, day)
    page = read(duo.mentor)
    assert page.count("Did you and Luis meet") == 5
    assert "2 more questions" in page
    assert page.count("btn btn-primary") == 1


def test_the_next_session_is_on_the_readers_clock(company: Company, duo: Duo, read: Read) -> None:
    meet(company, duo, "11-25", 1)
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentee.id).timezone = "Europe/Madrid"
    assert 'Tuesday 24 November</h3> <p class="when">20:00–20:45' in read(duo.mentor)
    assert 'Wednesday 25 November</h3> <p class="when">02:00–02:45' in read(duo.mentee)
    assert "(Madrid time)" in read(duo.mentee)


def test_an_empty_fortnight_says_how_to_fill_it(company: Company, duo: Duo, read: Read) -> None:
    page = read(duo.mentor)
    assert "This fortnight" in page
    assert "Put #mentoring in the title" in page


def test_the_programs_own_address_is_named(company: Company, enter: Enter) -> None:
    program = company.program("With address", address="mentoring@andina.example")
    ana = company.person("Ana Ruiz")
    pair = company.pair(program, ana, company.person("Luis Pérez"))
    company.review()
    assert "invite mentoring@andina.example" in enter(ana).get(f"/pairs/{pair.id}").text


def test_a_pair_that_nobody_judged_yet_has_a_page(company: Company, duo: Duo, enter: Enter) -> None:
    page = enter(duo.mentor).get(f"/pairs/{duo.pair.id}")
    assert page.status_code == 200
    assert "The first sessions appear here" in page.text


def test_a_pair_that_has_not_begun_says_when(company: Company, enter: Enter) -> None:
    ana = company.person("Ana Ruiz")
    pair = company.pair(company.program(), ana, company.person("Luis Pérez"), starts_on=date(2026, 12, 1))
    company.review()
    assert "It begins on 1 December 2026." in enter(ana).get(f"/pairs/{pair.id}").text


def test_a_pair_that_is_over_is_thanked(company: Company, enter: Enter) -> None:
    ana = company.person("Ana Ruiz")
    pair = company.pair(company.program(), ana, company.person("Luis Pérez"), ends_on=date(2026, 10, 4))
    company.review()
    page = enter(ana).get(f"/pairs/{pair.id}").text
    assert "Your agreement ended on 4 October 2026. Thank you" in page


def test_every_period_has_its_mark_in_words(company: Company, duo: Duo, read: Read) -> None:
    company.held(duo.pair, duo.calendars, utc("08-18"))
    page = read(duo.mentor)
    assert 'aria-label="10–23 August: Met"' in page
    assert 'aria-label="24 August – 6 September: Missed, not rescheduled"' in page
    assert 'aria-label="16–29 November: Nothing planned yet (today)"' in page


def test_a_cancelled_session_explains_the_miss(company: Company, duo: Duo, read: Read) -> None:
    company.meeting(
        duo.pair,
        duo.calendars,
        (utc("08-10"), utc("09-29"), "confirmed"),
        (utc("09-28", 20), utc("09-29"), "cancelled"),
    )
    page = read(duo.mentee)
    assert "The session on Tuesday 29 September was cancelled." in page
    assert "Ana called it off." in page
    assert "A new date within 7 days would have counted. None was seen until Tuesday 6 October." in page
    assert "Cancelled at short notice" in page


def test_a_no_show_names_whom_evidence_names(company: Company, duo: Duo, read: Read) -> None:
    session = meet(company, duo, "09-29")
    company.say(session, duo.pair, "mentor", held=False, absent=("mentee",), at=utc("09-29", 18))
    assert "Luis was not there." in read(duo.mentor)
    assert "You were not there." in read(duo.mentee)


def test_two_who_blame_each_other_blame_nobody(company: Company, duo: Duo, read: Read, hr: Person) -> None:
    session = meet(company, duo, "09-29")
    company.say(session, duo.pair, "mentor", held=False, absent=("mentee",), at=utc("09-29", 18))
    company.say(session, duo.pair, "mentee", held=False, absent=("mentor",), at=utc("09-29", 18))
    page = read(hr)
    assert 'Missed, not rescheduled</span></span> <span class="chapter-aside"' not in page


def test_the_programs_own_numbers_are_told(company: Company, enter: Enter) -> None:
    program = company.program("Patient", policy={"reschedule_within_days": 21, "grace_days": 5})
    ana = company.person("Ana Ruiz")
    pair = company.pair(program, ana, company.person("Luis Pérez"))
    company.review()
    page = enter(ana).get(f"/pairs/{pair.id}").text
    assert "a new date within 21 days" in page
    assert "up to 5 days before or after" in page


def test_a_calendar_that_can_not_be_read_is_named(company: Company, enter: Enter) -> None:
    ana, luis = company.person("Ana Ruiz"), company.person("Luis Pérez")
    company.calendar(ana, utc("11-10"))
    company.calendar(luis)
    pair = company.pair(company.program(), ana, luis)
    company.review()
    assert "since Tuesday 10 November" in enter(luis).get(f"/pairs/{pair.id}").text
    assert "Ana&#39;s calendar since" in enter(luis).get(f"/pairs/{pair.id}").text
    assert "your calendar since" in enter(ana).get(f"/pairs/{pair.id}").text


def test_a_missing_calendar_is_said(company: Company, enter: Enter) -> None:
    ana = company.person("Ana Ruiz")
    pair = company.pair(company.program(), ana, company.person("Luis Pérez"))
    company.review()
    page = enter(ana).get(f"/pairs/{pair.id}").text
    assert "You have no calendar connected yet." in page
    assert "There is no calendar for Luis yet." in page


def test_the_other_ones_answer_is_not_shown_first(company: Company, duo: Duo, read: Read, hr: Person) -> None:
    session = meet(company, duo, "11-17")
    company.say(session, duo.pair, "mentor", held=False, absent=("mentee",), at=utc("11-17", 18))
    told = "Ana said that it did not take place."
    assert told not in read(duo.mentee)
    assert told in read(hr)
    company.say(session, duo.pair, "mentee", held=True, at=utc("11-17", 19))
    assert told in read(duo.mentee)


def test_both_with_one_first_name_are_told_apart(company: Company, enter: Enter) -> None:
    ana, other = company.person("Ana Ruiz"), company.person("Ana Sol")
    pair = company.pair(company.program(), ana, other)
    calendars = [company.calendar(ana), company.calendar(other)]
    company.meeting(pair, calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    company.review()
    assert "Did you and Ana Sol meet yesterday?" in enter(ana).get(f"/pairs/{pair.id}").text


def test_sixty_periods_stand_in_one_row(company: Company, enter: Enter) -> None:
    ana = company.person("Ana Ruiz")
    year = {"starts_on": date(2025, 10, 6), "ends_on": date(2026, 12, 13), "every": 1}
    pair = company.pair(company.program(), ana, company.person("Luis Pérez"), **year)
    company.review()
    page = enter(ana).get(f"/pairs/{pair.id}").text
    assert page.count('href="#p-') == 62
    assert page.count('id="p-') == 62


def test_hr_sees_no_word_of_goals(company: Company, duo: Duo, enter: Enter, post: Post, hr: Person) -> None:
    page = f"/pairs/{duo.pair.id}"
    post(enter(duo.mentor), page, f"{page}/goals/new", what="Secret ambition", progress="10")
    company.review()
    assert "Secret ambition" in enter(duo.mentee).get(page).text
    seen = enter(hr).get(page).text
    assert "Secret ambition" not in seen
    assert "Their goals stay between the two of them." in seen


def test_what_no_calendar_reaches_back_to_is_excused_and_said_to_be_unknown(
    company: Company, duo: Duo, read: Read
) -> None:
    with company.ports.store.write() as db:
        for calendar in db.scalars(select(Calendar)):
            calendar.shows_from = company.now - timedelta(days=1)
        touch_pairs(db, [duo.pair.id], company.now)
    page = read(duo.mentee)
    assert "No calendar reaches back so far, so nobody can say whether a session took place." in page
    assert "one of the two was away" not in page
