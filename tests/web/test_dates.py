"""Finding a date: two presses, both clocks, and what the pair's page says of it at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.tracker.services.diaries import FakeDiaries, refused
from tests.web.bookable import calendar_of, carry, make_bookable, set_provider
from tests.web.company import Company, Duo, csrf_of, utc
from tracker.ledger import Side
from tracker.models import Booking, BookingState, Copy, OutboxMail, Person, Provider
from tracker.ports import Entry
from tracker.services.bookings import Booked
from tracker.wording import Reader
from web.words.dates import DateWords
from web.words.people import Eyes

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]


@pytest.fixture
def diaries(company: Company, duo: Duo) -> FakeDiaries:
    return make_bookable(company, duo)


@pytest.fixture
def app(company: Company, diaries: FakeDiaries) -> Flask:
    app = company.app()
    app.testing = True
    return app


def bookings(company: Company) -> list[Booking]:
    with company.ports.store.read() as db:
        return list(db.scalars(select(Booking).order_by(Booking.id)))


def slots(page: str) -> list[str]:
    return [unescape(value) for value in re.findall(r'name="at" value="([^"]+)"', page)]


def path(duo: Duo, rest: str = "") -> str:
    return f"/pairs/{duo.pair.id}{rest}"


def take(client: FlaskClient, duo: Duo, page: str = "/new-date", number: int = 0) -> str:
    text = client.get(path(duo, page)).text
    data = {"csrf_token": csrf_of(text), "at": slots(text)[number], "minutes": "45"}
    answer = client.post(path(duo, page), data=data, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def test_two_presses_put_a_date_into_the_calendar(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter
) -> None:
    client = enter(duo.mentor)
    assert f'href="{path(duo, "/new-date")}"' in client.get(path(duo)).text
    page = take(client, duo)
    assert "Noted. Both of you get it in your calendars." in page
    assert "On its way to your calendars." in page
    carry(company)
    assert "In your calendars." in client.get(path(duo)).text
    (entry,) = diaries.standing
    assert entry.starts_at == bookings(company)[0].starts_at


def test_three_slots_are_offered_and_one_of_them_stands_out(duo: Duo, enter: Enter) -> None:
    page = enter(duo.mentor).get(path(duo, "/new-date")).text
    assert len(slots(page)) == 3
    assert page.count("btn btn-primary") == 1


def test_looking_books_nothing(company: Company, duo: Duo, enter: Enter) -> None:
    enter(duo.mentor).get(path(duo, "/new-date"))
    assert bookings(company) == []


@pytest.mark.parametrize(
    ("language", "words"), [("en", "A short break, please"), ("es", "Una pausa breve, por favor")]
)
def test_looking_for_times_has_an_end(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter, language: str, words: str
) -> None:
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentor.id).language = language
    client = enter(duo.mentor)
    pages = [client.get(path(duo, f"/new-date?later={n % 8}")) for n in range(42)]
    assert [page.status_code for page in pages] == [200] * 40 + [429] * 2
    assert words in pages[-1].text
    assert enter(duo.mentee).get(path(duo, "/new-date")).status_code == 200


def test_a_date_that_was_found_can_be_taken_after_many_looks(
    company: Company, duo: Duo, enter: Enter
) -> None:
    client = enter(duo.mentor)
    text = [client.get(path(duo, "/new-date")).text for _ in range(40)][-1]
    data = {"csrf_token": csrf_of(text), "at": slots(text)[0], "minutes": "45"}
    assert client.post(path(duo, "/new-date"), data=data).status_code == 303
    assert len(bookings(company)) == 1


def test_a_double_press_is_one_date(company: Company, duo: Duo, enter: Enter) -> None:
    client = enter(duo.mentor)
    text = client.get(path(duo, "/new-date")).text
    data = {"csrf_token": csrf_of(text), "at": slots(text)[0], "minutes": "45"}
    for _ in range(2):
        client.post(path(duo, "/new-date"), data=data)
    assert len(bookings(company)) == 1


@pytest.mark.parametrize(
    "data", [{"at": "soon"}, {"at": "2026-11-24T10:00"}, {"at": ""}, {"at": "9999-12-31T23:59:59+00:00"}]
)
def test_what_no_button_says_is_refused(
    company: Company, duo: Duo, enter: Enter, data: dict[str, str]
) -> None:
    client = enter(duo.mentor)
    token = csrf_of(client.get(path(duo, "/new-date")).text)
    answer = client.post(path(duo, "/new-date"), data={"csrf_token": token, "minutes": "45", **data})
    assert answer.status_code in (400, 422)
    assert bookings(company) == []


@pytest.mark.parametrize(
    ("day", "time", "minutes", "words"),
    [
        ("2026-11-17", "10:00", "45", "That moment has passed"),
        ("2027-11-24", "10:00", "45", "outside the time"),
        ("2026-11-24", "10:00", "3", "between 5 minutes and 8 hours"),
        ("", "10:00", "45", "Please choose the day"),
        ("2026-11-24", "", "45", "Please write when it begins"),
    ],
)
def test_a_date_by_hand_is_checked(
    company: Company, duo: Duo, enter: Enter, post: Post, day: str, time: str, minutes: str, words: str
) -> None:
    here = path(duo, "/new-date")
    status, page = post(enter(duo.mentor), here, here, day=day, time=time, minutes=minutes)
    assert (status, words in page) == (422, True)
    assert bookings(company) == []


def test_a_date_by_hand_is_on_the_readers_clock(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    here = path(duo, "/new-date")
    post(enter(duo.mentor), here, here, day="2026-11-24", time="10:00", minutes="30")
    (booking,) = bookings(company)
    assert (booking.starts_at, booking.ends_at) == (utc("11-24", 15), utc("11-24", 15, 30))


def test_an_hour_that_the_clocks_leave_out_is_refused_kindly(
    company: Company, duo: Duo, enter: Enter, post: Post
) -> None:
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentor.id).timezone = "Europe/Madrid"
    company.clock.instant = datetime.fromisoformat("2026-10-01T10:00:00+00:00")
    here = path(duo, "/new-date")
    status, page = post(enter(duo.mentor), here, here, day="2027-03-28", time="02:30", minutes="45")
    assert status == 422
    assert "that hour does not exist on that day" in page


def test_both_clocks_are_shown_where_they_differ(company: Company, duo: Duo, enter: Enter) -> None:
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentee.id).timezone = "Europe/Madrid"
    page = enter(duo.mentor).get(path(duo, "/new-date")).text
    assert "for Luis (Madrid time)" in page


def test_one_clock_is_enough_where_they_agree(duo: Duo, enter: Enter) -> None:
    assert "for Luis" not in enter(duo.mentor).get(path(duo, "/new-date")).text


def test_whose_time_could_not_be_seen_is_said(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter
) -> None:
    set_provider(company, duo, duo.mentee, Provider.ICAL)
    calendar_of(diaries, duo.mentor).busy[duo.mentee.email] = None
    page = enter(duo.mentor).get(path(duo, "/new-date")).text
    assert "We could not see when Luis is busy" in page
    assert len(slots(page)) == 3


def test_later_times_are_one_press_away(duo: Duo, enter: Enter) -> None:
    client = enter(duo.mentor)
    first, then = (slots(client.get(path(duo, f"/new-date{more}")).text) for more in ("", "?later=2"))
    assert min(then) > max(first)


@pytest.mark.parametrize("later", ["-1", "99", "x", "1e9"])
def test_no_number_in_the_address_breaks_the_page(duo: Duo, enter: Enter, later: str) -> None:
    assert enter(duo.mentor).get(path(duo, f"/new-date?later={later}")).status_code == 200


def test_people_with_feeds_alone_are_told_of_the_mail(company: Company, duo: Duo, enter: Enter) -> None:
    for person in (duo.mentor, duo.mentee):
        set_provider(company, duo, person, Provider.ICAL)
    client = enter(duo.mentee)
    take(client, duo)
    carry(company)
    assert "Sent to both of you by mail." in client.get(path(duo)).text
    with company.ports.store.read() as db:
        assert len(db.scalars(select(OutboxMail)).all()) == 2


def test_what_was_accepted_from_the_mail_is_in_the_calendars(duo: Duo) -> None:
    eyes = Eyes(Reader("en", "America/Bogota"), duo.pair, Side.MENTOR)
    sent = Booked(1, utc("11-24"), utc("11-24", 16), BookingState.WRITTEN, True, None, False, True, False)
    accepted = replace(sent, session_id=7)
    assert [DateWords(eyes).state(each).split(".")[0] for each in (sent, accepted)] == [
        "Sent to both of you by mail",
        "In your calendars",
    ]


def test_a_booking_moves(company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter) -> None:
    client = enter(duo.mentor)
    take(client, duo)
    carry(company)
    (booking,) = bookings(company)
    page = client.get(path(duo, f"/bookings/{booking.id}/new-date")).text
    assert "It stays there until you choose." in page
    take(client, duo, f"/bookings/{booking.id}/new-date", 1)
    carry(company)
    (entry,) = diaries.standing
    assert entry.starts_at != booking.starts_at


def test_calling_off_asks_first(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter, post: Post
) -> None:
    client = enter(duo.mentor)
    take(client, duo)
    carry(company)
    here = path(duo, f"/bookings/{bookings(company)[0].id}/call-off")
    assert "Call this session off?" in client.get(here).text
    assert len(diaries.standing) == 1
    post(client, here, here)
    carry(company)
    assert diaries.standing == []
    assert "No session is on the calendar." in client.get(path(duo)).text


def test_a_session_of_ones_own_calendar_moves(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter
) -> None:
    starts_at = utc("11-24", 15)
    session = company.meeting(duo.pair, duo.calendars, (utc("11-10"), starts_at, "confirmed"))
    company.review()
    shelf = calendar_of(diaries, duo.mentor)
    shelf.entries["slot-1"] = Entry("slot-1", "1", starts_at, starts_at + timedelta(minutes=45))
    client = enter(duo.mentee)
    assert f'href="{path(duo, f"/sessions/{session.id}/new-date")}"' in client.get(path(duo)).text
    take(client, duo, f"/sessions/{session.id}/new-date")
    assert "The new time is on its way to your calendars." in client.get(path(duo)).text
    carry(company)
    assert shelf.entries["slot-1"].starts_at != starts_at


@pytest.mark.parametrize("what", ["new-date", "call-off"])
def test_a_session_on_a_feed_is_moved_by_its_people(
    company: Company, duo: Duo, enter: Enter, post: Post, what: str
) -> None:
    for person in (duo.mentor, duo.mentee):
        set_provider(company, duo, person, Provider.ICAL)
    session = company.meeting(duo.pair, duo.calendars, (utc("11-10"), utc("11-24"), "confirmed"))
    here = path(duo, f"/sessions/{session.id}/{what}")
    client = enter(duo.mentor)
    assert "in a calendar that we may only read" in client.get(here).text
    _, page = post(client, path(duo, "/new-date"), here)
    assert "in a calendar that we may only read" in page
    assert bookings(company) == []


def test_what_failed_says_so_and_can_be_tried_again(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter, post: Post
) -> None:
    client = enter(duo.mentor)
    take(client, duo)
    shelf = calendar_of(diaries, duo.mentor)
    shelf.before.append(refused("unreachable"))
    carry(company)
    assert "We keep trying." in client.get(path(duo)).text
    shelf.closed = refused("no_right")
    company.clock.instant += timedelta(hours=2)
    carry(company)
    page = client.get(path(duo)).text
    assert "could not be put into your calendars. We may not write into that calendar." in page
    here = path(duo, f"/bookings/{bookings(company)[0].id}/again")
    post(client, path(duo), here, how="mail")
    carry(company)
    assert bookings(company)[0].by_mail


def test_what_failed_can_be_let_be(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter, post: Post
) -> None:
    client = enter(duo.mentor)
    take(client, duo)
    carry(company)
    (booking,) = bookings(company)
    calendar_of(diaries, duo.mentor).closed = refused("no_right")
    take(client, duo, f"/bookings/{booking.id}/new-date", 2)
    carry(company)
    assert "You can do it in the calendar itself: we will see it." in client.get(path(duo)).text
    _, page = post(client, path(duo), path(duo, f"/bookings/{booking.id}/again"), how="forget")
    assert "Left as it is." in page
    assert bookings(company)[0].starts_at == booking.starts_at


def test_what_was_moved_in_the_calendar_meanwhile_is_told(
    company: Company, duo: Duo, diaries: FakeDiaries, enter: Enter
) -> None:
    client = enter(duo.mentor)
    take(client, duo)
    carry(company)
    (booking,) = bookings(company)
    by = timedelta(hours=1)
    calendar_of(diaries, duo.mentor).edit(
        booking.reference, starts_at=booking.starts_at + by, ends_at=booking.ends_at + by
    )
    take(client, duo, f"/bookings/{booking.id}/new-date", 2)
    carry(company)
    assert "It was moved in the calendar in the meantime." in client.get(path(duo)).text


def test_once_the_calendar_shows_it_it_is_told_once(company: Company, duo: Duo, enter: Enter) -> None:
    client = enter(duo.mentor)
    take(client, duo)
    carry(company)
    (booking,) = bookings(company)
    company.meeting(duo.pair, duo.calendars, (company.now, booking.starts_at, "confirmed"))
    with company.ports.store.write() as db:
        for copy in db.scalars(select(Copy)):
            copy.reference = booking.reference
    company.review()
    page = client.get(path(duo)).text
    assert page.count("In your calendars.") == 1
    assert 'class="booked"' not in page


def test_what_is_sooner_stands_first(company: Company, duo: Duo, enter: Enter) -> None:
    shown = utc("12-01")
    company.meeting(duo.pair, duo.calendars, (utc("11-10"), shown, "confirmed"))
    company.review()
    client = enter(duo.mentor)
    for start in (shown - timedelta(days=5), shown + timedelta(days=5)):
        data = {"csrf_token": csrf_of(client.get(path(duo, "/new-date")).text), "at": start.isoformat()}
        client.post(path(duo, "/new-date"), data={**data, "minutes": "45"})
    page = client.get(path(duo)).text.partition('id="next-h"')[2]
    places = [page.index(day) for day in ("26 November", "1 December", "6 December")]
    assert places == sorted(places)


def test_hr_sees_no_buttons_for_dates(company: Company, duo: Duo, enter: Enter) -> None:
    page = enter(company.person("Marta Gil", is_hr=True)).get(path(duo)).text
    assert "/new-date" not in page
    assert "/away" not in page


def test_nothing_is_offered_for_what_is_over(company: Company, duo: Duo, enter: Enter) -> None:
    company.clock.instant += timedelta(days=400)
    company.review()
    assert "/new-date" not in enter(duo.mentor).get(path(duo)).text


def test_a_stranger_can_not_touch_a_booking(company: Company, duo: Duo, enter: Enter) -> None:
    take(enter(duo.mentor), duo)
    other = company.duo("Leo Mar", "Pia Luz")
    (booking,) = bookings(company)
    client = enter(other.mentor)
    for place in (path(duo), f"/pairs/{other.pair.id}"):
        assert client.get(f"{place}/bookings/{booking.id}/new-date").status_code == 404
    assert bookings(company)[0].state is BookingState.CREATE
