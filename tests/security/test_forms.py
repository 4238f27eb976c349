"""No form works without its token, and nobody is sent to another site."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.company import Company, Duo, csrf_of, utc
from tracker.models import Person, Statement
from tracker.services.signin import sign_in_link
from web.paths import own_path

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]

ELSEWHERE = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example",
    "/\t/evil.example", "\t//evil.example", "/\n/evil.example", "javascript:alert(1)", "evil.example",
    "http:evil.example", " /pairs", "/pairs\r\nX: y", "//", "/\x00", "x" * 600, "/" + "x" * 600,
]  # fmt: skip


def test_every_post_asks_for_its_token(app: Flask) -> None:
    enabled = app.config["WTF_CSRF_ENABLED"], app.config["WTF_CSRF_CHECK_DEFAULT"]
    assert enabled == (True, True)
    # A mail program's button has neither cookie nor page (RFC 8058); the signed address is what it has.
    assert app.extensions["csrf"]._exempt_views == {"web.unsubscribe.stop"}
    # Providers come without cookies; each of their notices carries the mark of its channel.
    assert app.extensions["csrf"]._exempt_blueprints == {app.blueprints["hooks"]}


def test_an_answer_without_its_token_is_not_taken(company: Company, duo: Duo, enter: Enter) -> None:
    session = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    client = enter(duo.mentor)
    address = f"/pairs/{duo.pair.id}/sessions/{session.id}/answer"
    for token in ({}, {"csrf_token": "x"}):
        assert client.post(address, data={"answer": "held", **token}).status_code == 400
    with company.ports.store.read() as db:
        assert db.scalars(select(Statement)).all() == []


def test_a_token_of_another_session_is_not_taken(company: Company, duo: Duo, enter: Enter) -> None:
    company.review()
    session = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    page = f"/pairs/{duo.pair.id}"
    foreign = csrf_of(enter(duo.mentee).get(page).text)
    answer = enter(duo.mentor).post(
        f"{page}/sessions/{session.id}/answer", data={"answer": "held", "csrf_token": foreign}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("target", ELSEWHERE)
def test_another_site_is_no_path_of_ours(target: str) -> None:
    assert own_path(target) is None


@pytest.mark.parametrize("target", ["/", "/pairs", "/pairs/3?x=1#goals", "/hr?q=a%20b"])
def test_a_page_of_ours_is_one(target: str) -> None:
    assert own_path(target) == target


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_nowhere_else(company: Company, app: Flask, target: str) -> None:
    person = company.person("Ana Ruiz")
    path = sign_in_link(company.ports.settings, person, company.now).removeprefix(
        company.ports.settings.base_url
    )
    client = app.test_client()
    token = csrf_of(client.get(path, query_string={"next": target}).text)
    answer = client.post(path, data={"csrf_token": token, "next": target})
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_choosing_a_language_leads_nowhere_else(app: Flask, target: str) -> None:
    client = app.test_client()
    token = csrf_of(client.get("/sign-in").text)
    answer = client.post("/language", data={"csrf_token": token, "language": "es", "next": target})
    assert answer.location == "/"


def test_what_was_before_signing_in_does_not_last(company: Company, app: Flask) -> None:
    person = company.person("Ana Ruiz")
    client = app.test_client()
    client.get("/sign-in")
    with client.session_transaction() as planted:
        planted["planted"] = "by somebody else"
        before = planted["csrf_token"]
    company.sign_in(client, person)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != before
        assert session["person"] == person.id


def test_a_cookie_made_up_by_somebody_opens_nothing(company: Company, duo: Duo, app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("cadencia", "eyJwZXJzb24iOjF9.aRtXYA.not-a-signature")
    assert client.get("/pairs").location.startswith("/sign-in")


def test_answers_from_another_origin_bring_no_cookie(company: Company, duo: Duo, enter: Enter) -> None:
    client = enter(duo.mentor)
    cookie = client.get_cookie("cadencia")
    assert cookie
    assert (cookie.same_site, cookie.http_only) == ("Lax", True)
