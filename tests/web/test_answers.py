"""Answering, changing one's mind, and telling of a session that no calendar shows."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.company import Company, Duo, utc
from tracker.models import LedgerRow, Person, Session, Statement
from tracker.services.overview import cards_of

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]


@pytest.fixture
def session(company: Company, duo: Duo) -> Session:
    """Yesterday's session."""
    made = company.meeting(duo.pair, duo.calendars, (utc("08-10"), utc("11-17"), "confirmed"))
    company.review()
    return made


@pytest.fixture
def page(duo: Duo) -> str:
    return f"/pairs/{duo.pair.id}"


def said(company: Company) -> list[tuple[str, bool, list[str], int | None]]:
    with company.ports.store.read() as db:
        rows = db.scalars(select(Statement).order_by(Statement.id))
        return [(row.side, row.held, row.absent, row.entered_by) for row in rows]


@pytest.mark.parametrize(
    ("answer", "held", "absent"),
    [
        ("held", True, []),
        ("me", False, ["mentee"]),
        ("partner", False, ["mentor"]),
        ("both", False, ["mentee", "mentor"]),
        ("unsaid", False, []),
    ],
)
def test_one_press_is_one_answer(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post,
    answer: str, held: bool, absent: list[str],
) -> None:  # fmt: skip
    client = enter(duo.mentee)
    status, text = post(client, page, f"{page}/sessions/{session.id}/answer", answer=answer)
    assert (status, "Thank you, noted." in text) == (200, True)
    assert said(company) == [("mentee", held, absent, duo.mentee.id)]


def test_the_next_page_shows_the_new_verdict(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    address = f"{page}/sessions/{session.id}/answer"
    post(enter(duo.mentee), page, address, answer="held")
    _, text = post(enter(duo.mentor), page, address, answer="held")
    assert 'aria-label="2–15 November: Met"' in text
    with company.ports.store.read() as db:
        (card,) = cards_of(db, duo.mentor, company.now)
        assert db.scalars(select(LedgerRow.met)).one() == 1
    assert card.ledger


def test_an_answer_can_be_changed_and_taken_back(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    client, address = enter(duo.mentee), f"{page}/sessions/{session.id}"
    post(client, page, f"{address}/answer", answer="held")
    post(client, page, f"{address}/answer", answer="unsaid")
    assert [held for _, held, _, _ in said(company)] == [True, False]
    post(client, page, f"{address}/withdraw")
    post(client, page, f"{address}/withdraw")
    _, text = post(client, page, f"{address}/withdraw")
    assert said(company) == []
    assert "Did you and Ana meet yesterday?" in text


def test_an_answer_that_is_none_is_refused(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    status, _ = post(enter(duo.mentee), page, f"{page}/sessions/{session.id}/answer", answer="maybe")
    assert (status, said(company)) == (400, [])


def test_a_session_to_come_is_explained_and_left(
    company: Company, duo: Duo, page: str, enter: Enter, post: Post
) -> None:
    later = company.meeting(duo.pair, duo.calendars, (utc("08-10"), utc("11-24"), "confirmed"))
    company.review()
    _, text = post(enter(duo.mentee), page, f"{page}/sessions/{later.id}/answer", answer="held")
    assert "This session has not begun yet." in text
    assert said(company) == []


def test_two_see_it_differently_and_hear_of_it(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    address = f"{page}/sessions/{session.id}/answer"
    post(enter(duo.mentee), page, address, answer="held")
    _, text = post(enter(duo.mentor), page, address, answer="partner")
    assert "Luis sees it differently. Talk it over" in text


def test_hr_writes_down_what_was_said_on_the_phone(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    hr = company.person("Marta Gil", is_hr=True)
    client, address = enter(hr), f"/hr{page}/sessions/{session.id}/record"
    _, text = post(client, page, address, side="mentee", answer="partner")
    assert "Written down, in the name of Luis Pérez." in text
    assert said(company) == [("mentee", False, ["mentor"], hr.id)]
    assert "written down by Marta Gil" in enter(duo.mentee).get(page).text


def test_hr_takes_back_what_hr_wrote(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    client = enter(company.person("Marta Gil", is_hr=True))
    address = f"/hr{page}/sessions/{session.id}"
    post(client, page, f"{address}/record", side="mentor", answer="held")
    post(client, page, f"{address}/take-back", side="mentor")
    assert said(company) == []


def test_a_namesake_is_offered_nothing_that_somebody_else_wrote_down(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    writer = enter(company.person("Marta Gil", is_hr=True))
    post(writer, page, f"/hr{page}/sessions/{session.id}/record", side="mentor", answer="held")
    other = enter(company.person("Marta Gil", email="marta.gil2@example.com", is_hr=True))
    assert "Take back what you wrote down" in writer.get(page).text
    assert "Take back what you wrote down" not in other.get(page).text


@pytest.mark.parametrize("data", [{"side": "both", "answer": "held"}, {"answer": "held"}, {"side": "mentor"}])
def test_hr_says_who_said_what(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post, data: dict[str, str]
) -> None:
    client = enter(company.person("Marta Gil", is_hr=True))
    status, _ = post(client, page, f"/hr{page}/sessions/{session.id}/record", **data)
    assert (status, said(company)) == (400, [])


def tell(client: FlaskClient, post: Post, page: str, **changes: str) -> tuple[int, str]:
    told = {"day": "2026-11-10", "time": "09:30", "minutes": "30", "present": "both", **changes}
    return post(client, f"{page}/tell", f"{page}/tell", **told)


def test_a_session_without_an_entry_is_told_on_ones_own_clock(
    company: Company, duo: Duo, page: str, enter: Enter, post: Post
) -> None:
    status, text = tell(enter(duo.mentee), post, page)
    assert (status, "the session is noted" in text) == (200, True)
    with company.ports.store.read() as db:
        session = db.scalars(select(Session)).one()
    assert (session.starts_at, session.told_by) == (utc("11-10", 14, 30), duo.mentee.id)
    assert "You told us of it. It is on no calendar." in text


def test_the_other_one_is_asked_about_it(
    company: Company, duo: Duo, page: str, enter: Enter, post: Post
) -> None:
    tell(enter(duo.mentee), post, page)
    assert "Did you and Luis meet on Tuesday 10 November?" in enter(duo.mentor).get(page).text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"day": "2026-11-19"}, "still to come"),
        ({"day": "2026-08-01"}, "outside the time"),
        ({"day": "not a day"}, "aria-invalid"),
        ({"time": ""}, "Please write when it began."),
        ({"minutes": "0"}, "between 5 minutes and 8 hours"),
        ({"minutes": "many"}, "aria-invalid"),
        ({"present": "nobody"}, "Who was there?"),
    ],
)
def test_what_can_not_be_is_explained(
    company: Company, duo: Duo, page: str, enter: Enter, post: Post, changes: dict[str, str], says: str
) -> None:
    status, text = tell(enter(duo.mentee), post, page, **changes)
    assert (status, says in text) == (422, True)
    with company.ports.store.read() as db:
        assert db.scalars(select(Session)).all() == []


def test_a_twin_is_offered(
    company: Company, duo: Duo, session: Session, page: str, enter: Enter, post: Post
) -> None:
    status, text = tell(enter(duo.mentee), post, page, day="2026-11-17", time="10:15")
    assert status == 422
    assert "There is already a session at that time." in text
    assert "Answer for that one" in text
