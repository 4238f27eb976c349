"""What the buttons of a letter lead to: no signing in, one press, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.company import Company, Duo, csrf_of
from tracker.models import AuditEntry, Booking, BookingState, Person, Remark, Session, Statement
from tracker.services import links
from tracker.services.audit import Act
from tracker.services.erasing import erase_person
from tracker.services.links import LetterLink, Purpose, letter_link

Press = Callable[..., tuple[int, str]]
DAY = timedelta(days=1)


@dataclass
class Letters:
    """Makes links, and presses their buttons as somebody who is not signed in."""

    company: Company
    client: FlaskClient

    def path(self, link: LetterLink, lasting: timedelta = DAY) -> str:
        settings = self.company.ports.settings
        return letter_link(settings, link, self.company.now + lasting).removeprefix(settings.base_url)

    def press(self, link: LetterLink, **form: str) -> str:
        path = self.path(link)
        token = csrf_of(self.client.get(path).text)
        answer = self.client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)
        assert answer.status_code == 200
        return answer.text


@pytest.fixture
def letters(company: Company, app: Flask) -> Letters:
    return Letters(company, app.test_client())


@pytest.fixture
def session(company: Company, duo: Duo) -> Session:
    """Yesterday's session, which nobody has spoken of."""
    start = company.now - DAY
    session = company.meeting(duo.pair, duo.calendars, (start - 5 * DAY, start, "confirmed"))
    company.review()
    return session


def ask(person: Person, session: Session, start: datetime | None = None) -> LetterLink:
    seconds = int((start or session.starts_at).timestamp())
    return LetterLink(Purpose.CONFIRM, person.id, session.id, (seconds,))


def statements(company: Company) -> list[tuple[str, bool, list[str], str]]:
    with company.ports.store.read() as db:
        rows = db.scalars(select(Statement).order_by(Statement.id)).all()
    return [(row.side, row.held, row.absent, row.via) for row in rows]


def bookings(company: Company) -> list[Booking]:
    with company.ports.store.read() as db:
        return list(db.scalars(select(Booking).order_by(Booking.id)))


def test_looking_changes_nothing(
    company: Company, letters: Letters, duo: Duo, session: Session, app: Flask
) -> None:
    slot = (int((company.now + DAY).timestamp()), int((company.now + DAY).timestamp()) + 2700)
    links = [
        ask(duo.mentee, session),
        LetterLink(Purpose.BOOK, duo.mentee.id, duo.pair.id, slot),
        LetterLink(Purpose.SNOOZE, duo.mentee.id, duo.mentee.id),
    ]
    for link in links:
        page = app.test_client().get(letters.path(link))
        assert page.status_code == 200
        assert page.text.count("btn-primary") == 1
    assert (statements(company), bookings(company)) == ([], [])


def test_one_press_says_that_they_met(company: Company, letters: Letters, duo: Duo, session: Session) -> None:
    page = letters.press(ask(duo.mentee, session), answer="held")
    assert "You said that you met" in page
    assert statements(company) == [("mentee", True, [], "letter")]


def test_who_was_missing_is_named_from_the_readers_side(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    letters.press(ask(duo.mentee, session), answer="partner")
    assert statements(company) == [("mentee", False, ["mentor"], "letter")]


def test_it_can_be_taken_back(company: Company, letters: Letters, duo: Duo, session: Session) -> None:
    letters.press(ask(duo.mentee, session), answer="held")
    page = letters.press(ask(duo.mentee, session), answer="withdraw")
    assert statements(company) == []
    assert "Yes, we met" in page


def test_ones_own_answer_is_ones_own_word(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    letters.press(ask(duo.mentee, session), answer="held")
    page = company.sign_in(letters.client, duo.mentee).get(f"/pairs/{duo.pair.id}").text
    assert "You said that it took place" in page
    assert "written down by" not in page


def test_pressing_twice_is_pressing_once(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    for _ in range(2):
        letters.press(ask(duo.mentee, session), answer="held")
    assert len(statements(company)) == 1


def test_the_other_ones_answer_is_not_shown(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    company.say(session, duo.pair, "mentor", held=False, at=company.now, absent=("mentee",))
    page = letters.client.get(letters.path(ask(duo.mentee, session))).text
    assert "did not" not in page
    assert "Yes, we met" in page


def test_an_answer_never_goes_to_another_date(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    link = ask(duo.mentee, session, session.starts_at - DAY)
    path = letters.path(link)
    page = letters.client.get(path).text
    assert "was moved" in page
    token = csrf_of(letters.client.get(letters.path(ask(duo.mentee, session))).text)
    letters.client.post(path, data={"csrf_token": token, "answer": "held"})
    assert statements(company) == []


def test_a_link_of_somebody_else_shows_nothing(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    stranger = company.person("Eva Stranger")
    assert letters.client.get(letters.path(ask(stranger, session))).status_code == 410


def test_a_forged_link_shows_nothing(letters: Letters, duo: Duo, session: Session) -> None:
    path = letters.path(ask(duo.mentee, session))
    assert letters.client.get(path[:-2]).status_code == 410
    assert letters.client.get("/letter/nonsense").status_code == 410


def test_a_link_runs_out(letters: Letters, duo: Duo, session: Session) -> None:
    path = letters.path(ask(duo.mentee, session), timedelta())
    assert letters.client.get(path).status_code == 410


def test_it_opens_nothing_else(letters: Letters, duo: Duo, session: Session) -> None:
    letters.press(ask(duo.mentee, session), answer="held")
    assert letters.client.get(f"/pairs/{duo.pair.id}").status_code == 302


def test_a_letter_is_read_in_its_readers_language(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentee.id).language = "es"
    assert 'lang="es"' in letters.client.get(letters.path(ask(duo.mentee, session))).text


def test_another_language_can_be_chosen_on_a_letters_page(
    letters: Letters, duo: Duo, session: Session
) -> None:
    path = letters.path(ask(duo.mentee, session))
    token = csrf_of(letters.client.get(path).text)
    letters.client.post("/language", data={"csrf_token": token, "language": "es", "next": path})
    assert 'lang="es"' in letters.client.get(path).text


def test_one_press_takes_a_date(company: Company, letters: Letters, duo: Duo) -> None:
    start = company.now + 2 * DAY
    times = (int(start.timestamp()), int(start.timestamp()) + 2700)
    link = LetterLink(Purpose.BOOK, duo.mentee.id, duo.pair.id, times)
    for _ in range(2):
        letters.press(link, answer="book")
    (booking,) = bookings(company)
    assert (booking.starts_at, booking.asked_by) == (start, duo.mentee.id)


def test_a_date_can_be_called_off(company: Company, letters: Letters, duo: Duo) -> None:
    start = company.now + 2 * DAY
    times = (int(start.timestamp()), int(start.timestamp()) + 2700)
    link = LetterLink(Purpose.BOOK, duo.mentee.id, duo.pair.id, times)
    letters.press(link, answer="book")
    letters.press(link, answer="call_off")
    assert bookings(company)[0].state is BookingState.CANCELLED


def test_a_line_for_hr_is_kept_and_can_be_changed(company: Company, letters: Letters, duo: Duo) -> None:
    company.review()
    first = date(2026, 8, 10)
    link = LetterLink(Purpose.EXPLAIN, duo.mentor.id, duo.pair.agreements[0].id, (first.toordinal(),))
    for text in ("The whole team was  at a fair.", "We were at a fair."):
        page = letters.press(link, text=text)
    assert "We were at a fair." in page
    with company.ports.store.read() as db:
        (remark,) = db.scalars(select(Remark)).all()
    assert (remark.side, remark.starts_on, remark.text) == ("mentor", first, "We were at a fair.")


def test_a_line_can_be_taken_back(company: Company, letters: Letters, duo: Duo) -> None:
    company.review()
    link = LetterLink(
        Purpose.EXPLAIN, duo.mentor.id, duo.pair.agreements[0].id, (date(2026, 8, 10).toordinal(),)
    )
    letters.press(link, text="We were at a fair.")
    letters.press(link, text="  ")
    with company.ports.store.read() as db:
        assert db.scalars(select(Remark)).all() == []


def test_what_nobody_reads_is_on_no_record(company: Company, letters: Letters, duo: Duo) -> None:
    company.review()
    link = LetterLink(
        Purpose.EXPLAIN, duo.mentor.id, duo.pair.agreements[0].id, (date(2026, 8, 10).toordinal(),)
    )
    letters.press(link, text="Private words.")
    with company.ports.store.read() as db:
        entries = db.scalars(select(AuditEntry)).all()
    assert all("Private" not in repr(entry.details) for entry in entries)


def test_a_week_of_peace_and_back(company: Company, letters: Letters, duo: Duo) -> None:
    link = LetterLink(Purpose.SNOOZE, duo.mentor.id, duo.mentor.id)

    def quiet_until() -> datetime | None:
        with company.ports.store.read() as db:
            return db.get_one(Person, duo.mentor.id).snoozed_until

    letters.press(link, answer="snooze")
    assert quiet_until() == company.now + 7 * DAY
    letters.press(link, answer="resume")
    assert quiet_until() is None


FAR = 10**19
ODD: list[tuple[Purpose, int, tuple[int, ...]]] = [
    (Purpose.CONFIRM, 1, (FAR,)),
    (Purpose.CONFIRM, FAR, (1,)),
    (Purpose.CONFIRM, 1, ()),
    (Purpose.BOOK, 1, (FAR, FAR)),
    (Purpose.BOOK, 1, (1,)),
    (Purpose.BOOK, 1, (1, 2, 3)),
    (Purpose.EXPLAIN, 1, (FAR,)),
    (Purpose.EXPLAIN, 1, (0,)),
    (Purpose.EXPLAIN, 1, ()),
    (Purpose.SNOOZE, 1, (1,)),
]


@pytest.mark.parametrize(("purpose", "row", "details"), ODD)
def test_a_link_that_makes_no_sense_is_over(
    letters: Letters, duo: Duo, purpose: Purpose, row: int, details: tuple[int, ...]
) -> None:
    path = letters.path(LetterLink(purpose, duo.mentee.id, row, details))
    assert letters.client.get(path).status_code == 410


@pytest.mark.parametrize(
    "said", [["confirm", "1", 1, 1, 1], ["confirm", 1, True, 1, 2**40], ["snooze", 1, 1, 10**30], 7]
)
def test_a_link_of_other_things_than_numbers_is_over(
    company: Company, letters: Letters, duo: Duo, said: object
) -> None:
    token = links._SIGNER._serializer(company.ports.settings).dumps(said)
    assert letters.client.get(f"/letter/{token}").status_code == 410


def test_links_of_somebody_who_was_erased_open_nothing(
    company: Company, letters: Letters, duo: Duo, session: Session
) -> None:
    slot = (int((company.now + DAY).timestamp()), int((company.now + DAY).timestamp()) + 2700)
    paths = [
        letters.path(link)
        for link in (
            ask(duo.mentee, session),
            LetterLink(Purpose.BOOK, duo.mentee.id, duo.pair.id, slot),
            LetterLink(Purpose.SNOOZE, duo.mentee.id, duo.mentee.id),
        )
    ]
    with company.ports.store.write() as db:
        person = db.get_one(Person, duo.mentee.id)
        erase_person(db, company.ports.vault, person, Act(None, "command", company.now))
    for path in paths:
        page = letters.client.get(path)
        assert page.status_code == 410
        assert duo.mentor.name not in page.text
