"""The page of one's own calendars: everything about them, to their owner alone, one button for each thing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.fakes.google import FakeGoogle
from tests.fakes.graph import FakeGraph
from tests.web.company import Company, Duo, open_company, utc
from tests.web.providers import come_back, leave
from tracker.models import (
    Calendar,
    CalendarStatus,
    Credential,
    CredentialStatus,
    OutboxMail,
    Person,
    Provider,
)
from tracker.services.credentials import access_of
from tracker.services.sync import sync_all

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]
PAGE = "/calendars"


def row(company: Company, calendar: Calendar) -> Calendar:
    with company.ports.store.read() as db:
        return db.get_one(Calendar, calendar.id)


def change(company: Company, calendar: Calendar, **columns: object) -> None:
    with company.ports.store.write() as db:
        db.execute(update(Calendar).where(Calendar.id == calendar.id).values(columns))


def test_its_owner_sees_when_it_was_read_and_what_was_kept(company: Company, duo: Duo, enter: Enter) -> None:
    change(company, duo.calendars[0], looked_at=214, kept=1, next_read_at=company.now + timedelta(minutes=7))
    company.meeting(duo.pair, [duo.calendars[0]], (utc("11-01"), utc("11-24"), "confirmed"))
    text = enter(duo.mentor).get(PAGE).text
    for words in ("Today at 09:00", "214 entries", "1 session", "Today about 10:07", "with Luis Pérez"):
        assert words in text
    assert "Tuesday 24 November, 10:00" in text


@pytest.mark.parametrize("role", ["mentee", "hr", "admin"])
def test_nobody_else_sees_any_of_it(company: Company, duo: Duo, enter: Enter, role: str) -> None:
    change(company, duo.calendars[0], looked_at=214)
    other = duo.mentee if role == "mentee" else company.person("Eva Gil", **{f"is_{role}": True})
    client = enter(other)
    assert "214" not in client.get(PAGE).text
    for place in ("address", "disconnect"):
        assert client.get(f"{PAGE}/{duo.calendars[0].id}/{place}").status_code == 404


@pytest.mark.parametrize("deed", ["days-away", "accept-removals", "disconnect", "address"])
def test_nobody_else_changes_any_of_it(
    company: Company, duo: Duo, enter: Enter, post: Post, deed: str
) -> None:
    status, _ = post(enter(duo.mentee), PAGE, f"{PAGE}/{duo.calendars[0].id}/{deed}", reads="yes")
    assert status == 404
    kept = row(company, duo.calendars[0])
    assert (kept.status, kept.reads_absences) == (CalendarStatus.CONNECTED, False)


def test_the_address_of_a_feed_is_on_no_page(company: Company, duo: Duo, enter: Enter) -> None:
    client = enter(duo.mentor)
    own = duo.calendars[0].id
    for page in (PAGE, f"{PAGE}/{own}/address", f"{PAGE}/{own}/disconnect"):
        text = client.get(page).text
        assert f"/{duo.mentor.id}.ics" not in text
    assert "feeds.example" in client.get(PAGE).text


@pytest.mark.parametrize(
    ("language", "words", "when"),
    [
        ("en", "because you are in no running pair", "Once you are in a running pair"),
        ("es", "porque no estás en ninguna pareja en curso", "En cuanto estés en una pareja en curso"),
    ],
)
def test_who_is_in_no_pair_is_told_that_nothing_is_read(
    company: Company, enter: Enter, language: str, words: str, when: str
) -> None:
    marta = company.person("Marta Gil", is_hr=True, language=language)
    calendar = company.calendar(marta)
    change(company, calendar, last_read_at=None)
    text = enter(marta).get(PAGE).text
    assert words in text
    assert when in text
    for promise in ("Just connected", "Recién conectado", "minute or two", "minuto o dos"):
        assert promise not in text


def test_whose_pair_ended_long_ago_is_told_that_nothing_is_read(
    company: Company, duo: Duo, enter: Enter
) -> None:
    assert "in no running pair" not in enter(duo.mentor).get(PAGE).text
    company.clock.instant += timedelta(days=600)
    assert "in no running pair" in enter(duo.mentor).get(PAGE).text


def test_who_connects_without_a_pair_is_promised_no_reading(
    company: Company, enter: Enter, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    marta = company.person("Marta Gil", is_hr=True)
    monkeypatch.setattr("web.calendars.connect_feed", lambda *_, **__: company.calendar(marta))
    _, text = post(enter(marta), f"{PAGE}/feed", f"{PAGE}/feed", address="https://x.example/a.ics")
    assert "It is read once you are in a running pair." in text


def test_a_problem_is_told_with_the_one_button_that_mends_it(
    company: Company, duo: Duo, enter: Enter
) -> None:
    change(company, duo.calendars[0], problem="not_a_calendar")
    text = enter(duo.mentor).get(PAGE).text
    assert "often it is a sign-in page" in text
    assert f"{PAGE}/{duo.calendars[0].id}/address" in text
    assert "Connect it again" not in text


def test_a_feed_that_refuses_us_asks_for_its_new_address(company: Company, duo: Duo, enter: Enter) -> None:
    change(company, duo.calendars[0], problem="reconnect")
    text = enter(duo.mentor).get(PAGE).text
    assert f"{PAGE}/{duo.calendars[0].id}/address" in text
    assert "Needs you" in text


@pytest.mark.parametrize("problem", ["reconnect", "no_right", "no_account"])
def test_nobody_is_asked_for_a_step_that_is_not_offered_here(
    company: Company, duo: Duo, enter: Enter, problem: str
) -> None:
    change(company, duo.calendars[0], provider=Provider.OUTLOOK, problem=problem)
    text = enter(duo.mentor).get(PAGE).text
    assert "there is nothing you need to do" in text
    assert "Needs you" not in text


def test_what_only_an_administrator_mends_asks_nothing_of_its_owner(
    company: Company, duo: Duo, enter: Enter
) -> None:
    change(company, duo.calendars[0], problem="secret_expired")
    text = enter(duo.mentor).get(PAGE).text
    assert "there is nothing you need to do" in text
    assert "Needs you" not in text
    assert "docs/" not in text


def test_the_page_of_the_pair_says_why_to_its_owner_alone(company: Company, duo: Duo, enter: Enter) -> None:
    company.review()
    change(company, duo.calendars[0], problem="reconnect")
    page, why = f"/pairs/{duo.pair.id}", "no longer lets us read it"
    assert why in enter(duo.mentor).get(page).text
    assert why not in enter(duo.mentee).get(page).text
    assert why not in enter(company.person("Eva Gil", is_hr=True)).get(page).text
    assert "has to connect it again" in enter(company.person("Ada Min", is_admin=True)).get(page).text


def test_many_removals_wait_for_their_owners_word(
    company: Company, duo: Duo, enter: Enter, post: Post
) -> None:
    change(company, duo.calendars[0], problem="mass_removal", removals_held=9)
    client = enter(duo.mentor)
    assert "9 sessions would disappear: is that right?" in client.get(PAGE).text
    _, text = post(client, PAGE, f"{PAGE}/{duo.calendars[0].id}/accept-removals")
    assert "Thank you" in text
    kept = row(company, duo.calendars[0])
    assert (kept.removals_accepted, kept.next_read_at) == (9, company.now)


def test_days_away_are_a_switch(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    client, to = enter(duo.mentor), f"{PAGE}/{duo.calendars[0].id}/days-away"
    assert 'aria-checked="false"' in client.get(PAGE).text
    post(client, PAGE, to, reads="yes")
    assert row(company, duo.calendars[0]).reads_absences
    assert 'aria-checked="true"' in client.get(PAGE).text
    post(client, PAGE, to, reads="no")
    assert not row(company, duo.calendars[0]).reads_absences


def test_opening_the_page_about_disconnecting_changes_nothing(
    company: Company, duo: Duo, enter: Enter, post: Post
) -> None:
    client, to = enter(duo.mentor), f"{PAGE}/{duo.calendars[0].id}/disconnect"
    text = client.get(to).text
    assert "None of them counts as missed because of this" in text
    assert "Days away that are still to come, if it told of any, are forgotten" in text
    assert row(company, duo.calendars[0]).status is CalendarStatus.CONNECTED
    post(client, to, to)
    assert row(company, duo.calendars[0]).status is CalendarStatus.DISCONNECTED
    assert client.get(to).status_code == 302


def test_a_calendar_that_does_not_tell_all_its_past_says_so(company: Company, duo: Duo, enter: Enter) -> None:
    assert "It reaches back to" not in enter(duo.mentor).get(PAGE).text
    with company.ports.store.write() as db:
        db.execute(update(Calendar).values(shows_from=utc("03-10")))
    assert "It reaches back to 10 March 2026." in enter(duo.mentor).get(PAGE).text


def test_without_a_calendar_the_page_says_what_to_do(company: Company, enter: Enter) -> None:
    text = enter(company.person("Eva Gil")).get(PAGE).text
    assert "No calendar of yours is connected" in text
    assert "nothing counts against you" in text


def test_only_what_is_set_up_is_offered(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    client = enter(duo.mentor)
    text = client.get(PAGE).text
    assert "Give an address" in text
    for words in ("/google/connect", "/outlook/connect", "Use invitations"):
        assert words not in text
    assert "nothing you need to do" in post(client, PAGE, f"{PAGE}/google/connect")[1]
    assert post(client, PAGE, f"{PAGE}/mailbox")[0] == 404


def test_invitations_are_offered_where_a_mailbox_is_read(tmp_path: Path, post: Post) -> None:
    company = open_company(
        tmp_path, mailbox_url="imap://u:p@127.0.0.1/INBOX", program_address="mentoring@example.com"
    )
    app = company.app()
    app.testing = True
    duo = company.duo()
    client = company.sign_in(app.test_client(), duo.mentor)
    assert "mentoring@example.com" in client.get(PAGE).text
    _, text = post(client, PAGE, f"{PAGE}/mailbox")
    assert "Use invitations" not in text
    with company.ports.store.read() as db:
        assert Provider.MAILBOX in {c.provider for c in db.scalars(select(Calendar))}
    company.ports.store.close()


# --- a feed's address ---


@pytest.mark.parametrize("address", ["/etc/passwd", "google", "file:///etc/passwd", "ftp://x/y", "x"])
def test_what_is_no_address_is_told_and_not_shown_back(
    duo: Duo, enter: Enter, post: Post, address: str
) -> None:
    status, text = post(enter(duo.mentor), f"{PAGE}/feed", f"{PAGE}/feed", address=address)
    assert status == 422
    assert "This is no address of a calendar" in text
    assert f'value="{address}"' not in text


@pytest.mark.parametrize("address", ["https://127.0.0.1/x.ics", "https://10.0.0.1/x", "http://x.example/y"])
def test_addresses_inside_are_told_apart_from_nothing(
    company: Company, duo: Duo, enter: Enter, post: Post, address: str
) -> None:
    status, text = post(enter(duo.mentor), f"{PAGE}/feed", f"{PAGE}/feed", address=address)
    assert status == 422
    assert "canary" not in text
    with company.ports.store.read() as db:
        assert len(db.scalars(select(Calendar)).all()) == 2


def test_trying_addresses_has_an_end(duo: Duo, enter: Enter, post: Post) -> None:
    client = enter(duo.mentor)
    statuses = [post(client, f"{PAGE}/feed", f"{PAGE}/feed", address="/etc/passwd")[0] for _ in range(11)]
    assert statuses == [422] * 10 + [429]


# --- the way to a provider and back ---


def test_a_code_is_passed_on_to_nobody_who_is_signed_out(company: Company) -> None:
    app = company.app()
    app.testing = True
    answer = app.test_client().get(f"{PAGE}/google/back?state=s&code=canary-code")
    assert answer.location.startswith("/sign-in")
    assert "canary" not in answer.location


@pytest.mark.parametrize("query", ["", "?state=x&code=y", "?error=access_denied", "?state=" + "x" * 3000])
def test_an_answer_that_was_made_up_is_refused_in_words(duo: Duo, enter: Enter, query: str) -> None:
    answer = enter(duo.mentor).get(f"{PAGE}/google/back{query}", follow_redirects=True)
    assert answer.status_code == 200
    assert "Nothing was changed" in answer.text


def test_an_answer_that_is_loaded_twice_connects_once(at_google: Company, google: FakeGoogle) -> None:
    client, person, address = leave(at_google, "google")
    google.office.hire(person.email)
    answer = google.visit(address, person.email)
    assert "Connected" in come_back(client, "google", answer)
    assert "was used before" in come_back(client, "google", answer)
    with at_google.ports.store.read() as db:
        assert len(db.scalars(select(Credential)).all()) == 1


def test_outlook_is_connected_read_refused_and_told_once(at_outlook: Company, graph: FakeGraph) -> None:
    client, person, address = leave(at_outlook, "outlook")
    graph.hire(person.email)
    partner = at_outlook.person("Luis Pérez")
    at_outlook.pair(at_outlook.program(), person, partner)
    assert "Connected" in come_back(client, "outlook", graph.desk.page.visit(address, person.email))
    assert [r.problem for r in sync_all(at_outlook.ports, at_outlook.now)] == [None]
    graph.desk.page.over[person.email] = 50173
    at_outlook.clock.instant += timedelta(hours=3)
    graph.desk.kill_tokens()
    for _ in range(2):
        assert [r.problem for r in sync_all(at_outlook.ports, at_outlook.now)] == ["reconnect"]
    with at_outlook.ports.store.read() as db:
        assert db.scalars(select(Credential)).one().status is CredentialStatus.REFUSED
        assert [m.kind for m in db.scalars(select(OutboxMail))] == ["reconnect"]


def test_fifty_readings_at_once_ask_google_once(at_google: Company, google: FakeGoogle) -> None:
    client, person, address = leave(at_google, "google")
    google.office.hire(person.email)
    come_back(client, "google", google.visit(address, person.email))
    at_google.clock.instant += timedelta(hours=2)
    google.latency_s, before = 0.3, google.desk.requests
    with at_google.ports.store.read() as db:
        calendar = db.scalars(select(Calendar)).one()

    def want(_number: int) -> str:
        access = access_of(at_google.ports, calendar)
        assert access is not None
        return access.token()

    with ThreadPoolExecutor(50) as pool:
        tokens = set(pool.map(want, range(50)))
    assert (len(tokens), google.desk.requests - before) == (1, 1)
