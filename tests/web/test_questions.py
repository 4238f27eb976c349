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


@pytest.fixture
def twins(company: Company, duo: Duo) -> list[Session]:
    """Ana and Luis each noted the same hour of next week down."""
    found = [
        company.meeting(duo.pair, [calendar], (utc("11-01"), utc("11-24"), "confirmed"))
        for calendar in duo.calendars
    ]
    company.review()
    return found


def session_ids(company: Company) -> list[int]:
    with company.ports.store.read() as db:
        return list(db.scalars(select(Session.id).order_by(Session.id)))


def test_twins_are_shown_with_their_time_and_whose_calendar_they_are_on(
    duo: Duo, twins: list[Session], page: str, enter: Enter
) -> None:
    text = enter(duo.mentee).get(page).text
    assert "Are these the same meeting?" in text
    when = "<b>Tuesday 24 November, 10:00–10:45</b>"
    assert f"{when} · <span>Ana&#39;s calendar</span>" in text
    assert f"{when} · <span>your calendar</span>" in text


def test_a_session_that_was_told_and_its_entry_that_came_later_are_asked_about(
    company: Company, duo: Duo, page: str, enter: Enter, post: Post
) -> None:
    client = enter(duo.mentee)
    told = {"day": "2026-11-16", "time": "10:00", "minutes": "45", "present": "both"}
    post(client, f"{page}/tell", f"{page}/tell", **told)
    company.meeting(duo.pair, duo.calendars[:1], (utc("11-17"), utc("11-16"), "confirmed"))
    company.review()
    text = client.get(page).text
    when = "<b>Monday 16 November, 10:00–10:45</b>"
    assert f"{when} · <span>on no calendar</span>" in text
    assert f"{when} · <span>Ana&#39;s calendar</span>" in text


def test_twins_are_counted_among_the_questions_of_the_list(
    duo: Duo, twins: list[Session], enter: Enter
) -> None:
    assert "1 question for you" in enter(duo.mentee).get("/pairs").text


@pytest.mark.parametrize(("answer", "left"), [("yes", 1), ("no", 2)])
def test_they_say_whether_twins_are_one_meeting(
    company: Company, duo: Duo, twins: list[Session], page: str, enter: Enter, post: Post,
    answer: str, left: int,
) -> None:  # fmt: skip
    one, other = twins
    client = enter(duo.mentee)
    _, text = post(client, page, f"{page}/sessions/{one.id}/twin", answer=answer, other=other.id)
    assert session_ids(company) == [one.id, other.id][:left]
    assert "Thank you" in text
    assert "Are these the same meeting?" not in text


def test_two_series_are_one_question_and_one_answer(
    company: Company, duo: Duo, twins: list[Session], page: str, enter: Enter, post: Post
) -> None:
    for calendar in duo.calendars:
        company.meeting(duo.pair, [calendar], (utc("11-01"), utc("12-08"), "confirmed"))
    with company.ports.store.write() as db:
        for calendar in duo.calendars:
            of_one = update(Copy).where(Copy.calendar_id == calendar.id)
            db.execute(of_one.values(lineage=f"series-{calendar.id}"))
    client, (one, other) = enter(duo.mentee), twins
    text = client.get(page).text
    assert text.count("Are these the same meeting?") == 1
    assert "Both repeat; 2 dates are the same." in text
    post(client, page, f"{page}/sessions/{one.id}/twin", answer="yes", other=other.id)
    assert len(session_ids(company)) == 2


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_twins_that_were_answered_for_are_not_answered_again(
    company: Company, duo: Duo, twins: list[Session], page: str, enter: Enter, post: Post, answer: str
) -> None:
    one, other = twins
    client, to = enter(duo.mentee), f"{page}/sessions/{one.id}/twin"
    post(client, page, to, answer="no", other=other.id)
    _, text = post(client, page, to, answer=answer, other=other.id)
    assert "This was answered already." in text
    assert "Thank you" not in text
    assert session_ids(company) == [one.id, other.id]


@pytest.mark.parametrize("other", ["", "x", "-1", "99999999999999999999"])
def test_sessions_that_are_no_twins_are_not_made_one(
    company: Company, duo: Duo, twins: list[Session], page: str, enter: Enter, post: Post, other: str
) -> None:
    to = f"{page}/sessions/{twins[0].id}/twin"
    assert "This was answered already." in post(enter(duo.mentee), page, to, answer="yes", other=other)[1]
    assert len(session_ids(company)) == 2


def test_twins_want_one_of_the_two_answers(
    duo: Duo, twins: list[Session], page: str, enter: Enter, post: Post
) -> None:
    one, other = twins
    to = f"{page}/sessions/{one.id}/twin"
    assert post(enter(duo.mentee), page, to, answer="perhaps", other=other.id)[0] == 400


def test_the_answer_on_twins_needs_its_token(
    company: Company, duo: Duo, twins: list[Session], page: str, enter: Enter
) -> None:
    one, other = twins
    data = {"answer": "yes", "other": other.id}
    assert enter(duo.mentee).post(f"{page}/sessions/{one.id}/twin", data=data).status_code == 400
    assert len(session_ids(company)) == 2


def make_all_kinds(company: Company, duo: Duo) -> None:
    """One question of every kind; what comes last on the page comes first on the calendar."""
    for calendar in duo.calendars:
        company.meeting(duo.pair, [calendar], (utc("11-01"), utc("11-20"), "confirmed"))
    days = ("11-23", "11-24", "11-25")
    suggested, entry, gone = (
        company.meeting(duo.pair, duo.calendars[:1], (utc("11-01"), utc(day), "confirmed")) for day in days
    )
    company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    company.pair(company.program("Second"), duo.mentor, company.person("Eva Sol"))
    with company.ports.store.write() as db:
        db.get_one(Session, suggested.id).standing = Standing.SUGGESTED
        slots = {key.session_id: key.slot for key in db.scalars(select(SessionKey))}
        db.delete(db.get_one(Session, entry.id))
        asks = update(Copy).where(Copy.slot == slots[entry.id])
        db.execute(asks.values(asks_pair=True, people=[duo.mentor.id]))
        gone_at = company.now - timedelta(days=3)
        db.execute(update(Copy).where(Copy.slot == slots[gone.id]).values(gone_at=gone_at))
    company.review()


def test_what_took_place_is_asked_first_and_has_the_one_main_button(
    company: Company, duo: Duo, page: str, enter: Enter
) -> None:
    make_all_kinds(company, duo)
    text = enter(duo.mentor).get(page).text
    starts = ["Did you and Luis", "What became of", "With whom is", "Is your meeting with", "Are these the"]
    places = [text.index(start) for start in starts]
    assert places == sorted(places)
    assert (text.count("btn btn-primary"), text.count("ask-main")) == (1, 1)
    assert places[0] < text.index("btn btn-primary") < places[1]


def test_the_first_question_has_the_main_button_where_no_session_waits(
    duo: Duo, twins: list[Session], page: str, enter: Enter
) -> None:
    text = enter(duo.mentee).get(page).text
    assert text.count("btn btn-primary") == 1
    assert '<button class="btn btn-primary" name="answer" value="yes">Yes, one meeting' in text
