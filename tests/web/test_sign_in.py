"""Signing in by a mailed link, and out again."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from integrations.hints import NoHints
from tests.web.company import Company, csrf_of, open_company
from tracker.models import AuditEntry, OutboxMail, Person
from tracker.ports import Hint
from tracker.services.signin import sign_in_link

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]


@pytest.fixture
def ana(company: Company) -> Person:
    return company.person("Ana Ruiz")


def path_of(company: Company, person: Person) -> str:
    link = sign_in_link(company.ports.settings, person, company.now)
    return link.removeprefix(company.ports.settings.base_url)


def sent_link(company: Company) -> str:
    with company.ports.store.read() as db:
        mail = db.scalars(select(OutboxMail)).one()
    text = message_from_bytes(mail.message, policy=policy.default).get_body(("plain",))
    assert text
    words: list[str] = text.get_content().split()
    base = company.ports.settings.base_url
    return next(word for word in words if word.startswith(f"{base}/sign-in/")).removeprefix(base)


def test_a_mailed_link_leads_to_where_one_was_going(
    company: Company, app: Flask, ana: Person, post: Post
) -> None:
    client = app.test_client()
    asked = client.get("/pairs?x=1", follow_redirects=True)
    assert asked.request.path == "/sign-in"
    token = csrf_of(asked.text)
    client.post(
        "/sign-in", data={"csrf_token": token, "email": ana.email, "next": asked.request.args["next"]}
    )
    link = sent_link(company)
    page = client.get(link)
    assert "Sign in as Ana Ruiz" in page.text
    answer = client.post(
        link.partition("?")[0], data={"csrf_token": csrf_of(page.text), "next": "/pairs?x=1"}
    )
    assert (answer.status_code, answer.location) == (303, "/pairs?x=1")


def test_the_answer_is_the_same_for_a_stranger(app: Flask, ana: Person, post: Post) -> None:
    known = post(app.test_client(), "/sign-in", "/sign-in", email=ana.email)
    unknown = post(app.test_client(), "/sign-in", "/sign-in", email="who@example.com")
    assert known[0] == unknown[0] == 200
    assert without_tokens(known[1]) == without_tokens(unknown[1])


def without_tokens(page: str) -> list[str]:
    return [line for line in page.splitlines() if "csrf_token" not in line]


def test_opening_a_link_signs_nobody_in(company: Company, app: Flask, ana: Person) -> None:
    client = app.test_client()
    assert client.get(path_of(company, ana)).status_code == 200
    assert client.get("/pairs").location.startswith("/sign-in")


def test_a_used_link_says_so_and_offers_another(
    company: Company, app: Flask, ana: Person, post: Post
) -> None:
    path = path_of(company, ana)
    post(app.test_client(), path, path)
    page = app.test_client().get(path)
    assert page.status_code == 410
    assert "This link was used before" in page.text
    assert 'action="/sign-in"' in page.text


def test_two_presses_at_once_sign_in_once(company: Company, app: Flask, ana: Person) -> None:
    path, clients = path_of(company, ana), [app.test_client(), app.test_client()]
    tokens = [csrf_of(client.get(path).text) for client in clients]
    answers = [c.post(path, data={"csrf_token": t}).status_code for c, t in zip(clients, tokens, strict=True)]
    assert answers == [303, 410]


def test_an_old_link_says_so(company: Company, app: Flask, ana: Person) -> None:
    path = path_of(company, ana)
    company.clock.instant += timedelta(minutes=31)
    page = app.test_client().get(path)
    assert page.status_code == 410
    assert "This link has run out" in page.text


def test_signing_in_is_audited(company: Company, ana: Person, enter: Enter) -> None:
    enter(ana)
    with company.ports.store.read() as db:
        acts = [(e.act, e.actor_id) for e in db.scalars(select(AuditEntry))]
    assert ("person.signed_in", ana.id) in acts


def test_signing_out_ends_it(ana: Person, enter: Enter, post: Post) -> None:
    client = enter(ana)
    _, page = post(client, "/pairs", "/sign-out")
    assert "You are signed out." in page
    assert client.get("/pairs").status_code == 302


def test_a_person_who_is_gone_is_signed_out(company: Company, ana: Person, enter: Enter) -> None:
    client = enter(ana)
    with company.ports.store.write() as db:
        db.delete(db.get_one(Person, ana.id))
    assert client.get("/pairs").location.startswith("/sign-in")


@pytest.mark.parametrize("email", ["", "ana", "ana@", "a b@example.com"])
def test_what_is_no_address_is_said(app: Flask, email: str, post: Post) -> None:
    _, page = post(app.test_client(), "/sign-in", "/sign-in", email=email)
    assert 'aria-invalid="true"' in page


def test_an_account_is_not_flooded_with_mail(company: Company, app: Flask, ana: Person, post: Post) -> None:
    statuses = [
        post(app.test_client(), "/sign-in", "/sign-in", email=mail)[0]
        for mail in [ana.email, ana.email.upper(), *[ana.email] * 4, "other@example.com"]
    ]
    assert statuses == [200] * 5 + [429, 200]


def ask_often(*apps: Flask) -> list[int]:
    """Ask for a link four times at each of these sites."""
    asked = []
    for client in [app.test_client() for app in apps]:
        data = {"csrf_token": csrf_of(client.get("/sign-in").text), "email": "ana@example.com"}
        asked += [client.post("/sign-in", data=data).status_code for _ in range(4)]
    return asked


def test_processes_that_share_a_redis_count_together(tmp_path: Path, redis_url: str) -> None:
    company = open_company(tmp_path, broker_url=redis_url)
    assert ask_often(company.app(), company.app()) == [303] * 5 + [429] * 3
    company.ports.store.close()


def test_without_its_redis_the_site_counts_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    company = open_company(tmp_path, broker_url="redis://127.0.0.1:1/0")
    app = company.app()
    assert ask_often(app, app) == [303] * 5 + [429] * 3
    assert caplog.text.count("by each process alone") == 1
    company.ports.store.close()


def test_one_address_does_not_try_them_all(app: Flask, post: Post) -> None:
    client = app.test_client()
    token = csrf_of(client.get("/sign-in").text)
    tried = [
        client.post("/sign-in", data={"csrf_token": token, "email": f"{n}@example.com"}).status_code
        for n in range(32)
    ]
    assert tried == [303] * 30 + [429] * 2


def test_whoever_is_signed_in_already_is_not_stopped(ana: Person, enter: Enter) -> None:
    assert enter(ana).get("/sign-in").status_code == 200


def test_whoever_sends_mail_is_told_that_somebody_waits(
    app: Flask, ana: Person, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Hint] = []
    monkeypatch.setattr(NoHints, "send", lambda _, hint: sent.append(hint))
    post(app.test_client(), "/sign-in", "/sign-in", email=ana.email)
    assert sent == [Hint.MAIL]
