"""What every answer carries, and how the cookie is kept."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.company import Company, Duo, csrf_of, open_company
from tracker.models import Person
from tracker.services.signin import sign_in_link
from web.security import HEADERS

Enter = Callable[[Person], FlaskClient]

PLACES = (
    "/", "/sign-in", "/sign-in/sent", "/sign-in/x.y", "/live", "/favicon.ico", "/pairs", "/pairs/1", "/hr",
    "/hr/pairs.csv", "/nowhere", "/sign-out", "/static/cadencia.css",
    "/bootstrap/static/css/bootstrap.min.css",
)  # fmt: skip


@pytest.fixture
def clients(company: Company, duo: Duo, app: Flask, enter: Enter) -> list[FlaskClient]:
    company.review()
    return [app.test_client(), enter(duo.mentor), enter(company.person("Marta Gil", is_hr=True))]


@pytest.mark.parametrize("place", PLACES)
def test_every_answer_carries_the_headers(clients: list[FlaskClient], place: str) -> None:
    for client in clients:
        with client.get(place) as answer:
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("place", PLACES)
def test_pages_are_kept_by_nobody(clients: list[FlaskClient], place: str) -> None:
    for client in clients:
        with client.get(place) as answer:
            kept = answer.headers["Cache-Control"]
            assert ("no-store" in kept) != ("/static/" in place)


@pytest.mark.parametrize("place", [place for place in PLACES if "/static/" in place])
def test_files_carry_nobodys_cookie(clients: list[FlaskClient], place: str) -> None:
    for client in clients:
        with client.get(place) as answer:
            assert "Set-Cookie" not in answer.headers


def test_the_policy_allows_no_script_and_no_other_place() -> None:
    parts = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert parts["default-src"] == parts["base-uri"] == parts["frame-ancestors"] == "'none'"
    assert parts["form-action"] == parts["style-src"] == "'self'"
    assert "script-src" not in parts
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "http" not in HEADERS["Content-Security-Policy"]


def test_pages_need_no_inline_style_and_load_nothing_from_elsewhere(clients: list[FlaskClient]) -> None:
    for client in clients:
        for place in ("/sign-in", "/pairs", "/pairs/1", "/hr", "/pairs/1/tell", "/pairs/1/goals/new"):
            text = client.get(place).text
            assert "style=" not in text
            assert "<style" not in text
            assert "<script" not in text
            assert " onclick" not in text
            assert 'src="http' not in text
            assert 'href="http' not in text


def cookie_of(company: Company, base: str) -> str:
    app = company.app()
    app.testing = True
    client = app.test_client()
    person = company.person("Ana Ruiz")
    path = sign_in_link(company.ports.settings, person, company.now).removeprefix(base)
    token = csrf_of(client.get(path, base_url=base).text)
    return client.post(path, data={"csrf_token": token}, base_url=base).headers["Set-Cookie"]


def test_the_cookie_is_bound_to_the_host_over_tls(tmp_path: Path) -> None:
    base = "https://cadencia.example.com"
    company = open_company(tmp_path, base_url=base)
    cookie = cookie_of(company, base)
    company.ports.store.close()
    assert cookie.startswith("__Host-cadencia=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert f"; {attribute}" in cookie
    assert "Domain" not in cookie


def test_the_cookie_works_on_a_machine_of_ones_own(company: Company) -> None:
    cookie = cookie_of(company, company.ports.settings.base_url)
    assert cookie.startswith("cadencia=")
    assert "; Secure" not in cookie
    assert "; HttpOnly" in cookie
    assert "; SameSite=Lax" in cookie


def test_tls_is_insisted_on_where_the_site_has_it(tmp_path: Path) -> None:
    company = open_company(tmp_path, base_url="https://cadencia.example.com")
    told = company.app().test_client().get("/live").headers
    company.ports.store.close()
    assert told["Strict-Transport-Security"] == "max-age=31536000"


def test_tls_is_not_insisted_on_elsewhere(app: Flask) -> None:
    assert "Strict-Transport-Security" not in app.test_client().get("/live").headers


@pytest.mark.parametrize(("proxies", "last"), [(0, 429), (1, 303)])
def test_forwarded_addresses_are_believed_only_from_our_own_proxies(
    tmp_path: Path, proxies: int, last: int
) -> None:
    company = open_company(tmp_path, proxies=proxies)
    app = company.app()
    app.testing = True
    client = app.test_client()
    token = csrf_of(client.get("/sign-in").text)
    statuses = [
        client.post(
            "/sign-in",
            data={"csrf_token": token, "email": f"{n}@example.com"},
            headers={"X-Forwarded-For": f"10.0.0.{n}"},
        ).status_code
        for n in range(31)
    ]
    company.ports.store.close()
    assert statuses[-1] == last
