"""What only the two can tell is asked on the page, and the answer does what it says."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.web.company import Company, Duo, utc
from tracker.models import Copy, Pair, Person, Session, SessionKey, Standing

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]


@pytest.fixture
def page(duo: Duo) -> str:
    return f"/pairs/{duo.pair.id}"


def standing(company: Company, session: Session) -> Standing:
    with company.ports.store.read() as db:
        return db.get_one(Session, session.id).standing


@pytest.fixture
def suggested(company: Company, duo: Duo) -> Session:
    session = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-24"), "confirmed"))
    with company.ports.store.write() as db:
        db.get_one(Session, session.id).standing = Standing.SUGGESTED
    company.review()
    return session


@pytest.mark.parametrize(("answer", "becomes"), [("yes", Standing.COUNTED), ("no", Standing.DISMISSED)])
def test_a_suggested_session_counts_if_they_say_so(
    company: Company, duo: Duo, suggested: Session, page: str, enter: Enter, post: Post,
    answer: str, becomes: Standing,
) -> None:  # fmt: skip
    client = enter(duo.mentee)
    assert "Is your meeting with Ana on Tuesday 24 November a mentoring session?" in client.get(page).text
    _, text = post(client, page, f"{page}/sessions/{suggested.id}/counts", answer=answer)
    assert standing(company, suggested) is becomes
    assert "a mentoring session?" not in text


def test_a_session_that_counts_is_not_answered_away(
    company: Company, duo: Duo, page: str, enter: Enter, post: Post
) -> None:
    session = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    company.review()
    _, text = post(enter(duo.mentee), page, f"{page}/sessions/{session.id}/counts", answer="no")
    assert standing(company, session) is Standing.COUNTED
    assert "This was answered already." in text


@pytest.fixture
def vanished(company: Company, duo: Duo) -> Session:
    """A session of next week whose entry has been gone for three days."""
    session = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-24"), "confirmed"))
    with company.ports.store.write() as db:
        db.execute(update(Copy).values(gone_at=company.now - timedelta(days=3)))
    company.review()
    return session


@pytest.mark.parametrize(
    ("answer", "by", "off"),
    [
        ("me", "mentee", True),
        ("partner", "mentor", True),
        ("unsaid", None, True),
        ("stands", None, False),
    ],
)
def test_they_say_what_became_of_a_vanished_session(
    company: Company, duo: Duo, vanished: Session, page: str, enter: Enter, post: Post,
    answer: str, by: str | None, off: bool,
) -> None:  # fmt: skip
    client = enter(duo.mentee)
    assert "What became of the session on Tuesday 24 November?" in client.get(page).text
    _, text = post(client, page, f"{page}/sessions/{vanished.id}/vanished", answer=answer)
    with company.ports.store.read() as db:
        session = db.get_one(Session, vanished.id)
    assert (session.called_off_at is not None, session.called_off_by) == (off, by)
    assert "What became of" not in text


def test_a_vanished_session_is_the_new_one(
    company: Company, duo: Duo, vanished: Session, page: str, enter: Enter, post: Post
) -> None:
    new = company.meeting(
        duo.pair, duo.calendars, (company.now - timedelta(days=3), utc("11-26"), "confirmed")
    )
    company.review()
    client = enter(duo.mentee)
    assert "It moved to Thursday 26 November, 10:00–10:45" in client.get(page).text
    post(client, page, f"{page}/sessions/{vanished.id}/vanished", answer="moved", to=new.id)
    with company.ports.store.read() as db:
        assert [s.id for s in db.scalars(select(Session))] == [vanished.id]


@pytest.fixture
def entry(company: Company, duo: Duo) -> int:
    """A tagged entry on Ana's calendar that does not say with whom; she has two mentees."""
    other = company.person("Eva Sol")
    company.pair(company.program("Second"), duo.mentor, other)
    session = company.meeting(duo.pair, duo.calendars[:1], (utc("11-01"), utc("11-24"), "confirmed"))
    with company.ports.store.write() as db:
        db.delete(db.get_one(Session, session.id))
        copy = db.scalars(select(Copy)).one()
        copy.asks_pair, copy.people = True, [duo.mentor.id]
    company.review()
    return copy.id


def test_the_owner_says_with_whom_it_is(
    company: Company, duo: Duo, entry: int, page: str, enter: Enter, post: Post
) -> None:
    client = enter(duo.mentor)
    for where in (page, "/pairs"):
        text = client.get(where).text
        assert "With whom is your session on Tuesday 24 November?" in text
        assert "Eva Sol" in text
    status, text = post(client, page, f"/entries/{entry}/pair", pair=duo.pair.id)
    assert status == 200
    assert "With whom" not in text
    with company.ports.store.read() as db:
        assert db.scalars(select(SessionKey.pair_id)).all() == [duo.pair.id]


def test_it_may_be_with_none_of_them(
    company: Company, duo: Duo, entry: int, page: str, enter: Enter, post: Post
) -> None:
    post(enter(duo.mentor), page, f"/entries/{entry}/pair", pair="none")
    with company.ports.store.read() as db:
        assert db.scalars(select(Session)).all() == []
    assert "With whom" not in enter(duo.mentor).get(page).text


@pytest.mark.parametrize("pair", ["", "x", "²", "99999999999", "-1"])
def test_what_is_no_pair_is_refused(
    company: Company, duo: Duo, entry: int, page: str, enter: Enter, post: Post, pair: str
) -> None:
    assert post(enter(duo.mentor), page, f"/entries/{entry}/pair", pair=pair)[0] == 400


def test_a_foreign_pair_is_not_found(
    company: Company, duo: Duo, entry: int, page: str, enter: Enter, post: Post
) -> None:
    foreign = company.duo("Leo Mar", "Pia Luz").pair.id
    assert post(enter(duo.mentor), page, f"/entries/{entry}/pair", pair=foreign)[0] == 404
    with company.ports.store.read() as db:
        assert db.scalars(select(Session).join(Pair).where(Pair.id == foreign)).all() == []
