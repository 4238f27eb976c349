"""When something is wrong: what happened, that nothing was lost, what to do."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from tests.web.company import Company, Duo, csrf_of
from tracker.models import Person
from web.security import BODY_LIMIT

Enter = Callable[[Person], FlaskClient]


def test_an_address_that_is_none(app: Flask) -> None:
    page = app.test_client().get("/nowhere")
    assert page.status_code == 404
    assert "Nothing was lost." in page.text


def test_an_address_that_only_takes_answers(app: Flask) -> None:
    page = app.test_client().get("/sign-out")
    assert (page.status_code, "POST" in page.headers["Allow"]) == (405, True)
    assert "takes an answer from a button" in page.text


def test_a_form_without_its_token(app: Flask) -> None:
    page = app.test_client().post("/sign-in", data={"email": "ana@example.com"})
    assert page.status_code == 400
    assert "This page was open for too long" in page.text


def test_a_body_that_is_too_long(app: Flask) -> None:
    client = app.test_client()
    token = csrf_of(client.get("/sign-in").text)
    page = client.post("/sign-in", data={"csrf_token": token, "email": "x" * (BODY_LIMIT + 1)})
    assert page.status_code == 413
    assert "Nothing was saved." in page.text


def test_a_database_that_is_gone(
    company: Company, duo: Duo, app: Flask, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(duo.mentor)
    app.testing = False

    def broken() -> None:
        raise OperationalError("select", {}, Exception("the disk is gone"))

    monkeypatch.setattr(company.ports.store.engine, "connect", broken)
    page = client.get(f"/pairs/{duo.pair.id}")
    assert page.status_code == 500
    assert "This is our fault" in page.text
    assert "disk" not in page.text


def test_it_speaks_spanish(app: Flask) -> None:
    page = app.test_client().get("/nowhere", headers={"Accept-Language": "es"})
    assert "No se perdió nada." in page.text


def test_whoever_was_signed_out_meanwhile_is_told(app: Flask, duo: Duo) -> None:
    page = app.test_client().post(f"/pairs/{duo.pair.id}/sessions/1/answer", follow_redirects=True)
    assert page.request.path == "/sign-in"
    assert "You were signed out in the meantime, so this was not saved." in page.text
