"""Where everybody belongs, and in which language."""

from collections.abc import Callable
from contextlib import closing

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.company import Company, Duo, csrf_of
from tracker.models import Person

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]


def test_a_stranger_is_asked_to_sign_in(app: Flask) -> None:
    page = app.test_client().get("/", follow_redirects=True)
    assert (page.request.path, page.status_code) == ("/sign-in", 200)
    assert "look after the conversation" in page.text


def test_one_of_one_pair_comes_to_its_page(duo: Duo, enter: Enter) -> None:
    assert enter(duo.mentee).get("/").location == f"/pairs/{duo.pair.id}"


def test_one_of_several_pairs_comes_to_the_list(company: Company, duo: Duo, enter: Enter) -> None:
    other = company.person("Eva Sol")
    company.pair(company.program("Second"), duo.mentor, other)
    company.review()
    client = enter(duo.mentor)
    assert client.get("/").location == "/pairs"
    page = client.get("/pairs").text
    assert "You and Luis Pérez" in page
    assert "You and Eva Sol" in page


def test_one_of_no_pair_is_told_what_will_happen(company: Company, enter: Enter) -> None:
    page = enter(company.person("New Here")).get("/", follow_redirects=True).text
    assert "You are not in a pair yet" in page


@pytest.mark.parametrize("role", ["is_hr", "is_admin"])
def test_hr_comes_to_the_board(company: Company, enter: Enter, role: str) -> None:
    assert enter(company.person("Marta Gil", **{role: True})).get("/").location == "/hr"


def test_hr_who_is_in_a_pair_finds_it(company: Company, duo: Duo, enter: Enter) -> None:
    hr = company.person("Marta Gil", is_hr=True)
    client = enter(hr)
    assert "My pairs" not in client.get("/hr").text
    company.pair(company.program("Second"), hr, duo.mentee)
    assert "My pairs" in client.get("/hr").text


def test_the_process_says_that_it_lives(app: Flask) -> None:
    answer = app.test_client().get("/live")
    assert (answer.status_code, answer.json) == (200, {"live": True})


def test_the_mark_is_there_for_browsers_that_ask(app: Flask) -> None:
    with closing(app.test_client().get("/favicon.ico")) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    ("accepts", "language"), [("es-CO,es;q=0.9,en;q=0.8", "es"), ("de,fr", "en"), ("", "en")]
)
def test_a_stranger_is_spoken_to_as_the_browser_says(app: Flask, accepts: str, language: str) -> None:
    page = app.test_client().get("/sign-in", headers={"Accept-Language": accepts}).text
    assert f'<html lang="{language}">' in page


def test_a_stranger_chooses_the_language(app: Flask, post: Post) -> None:
    client = app.test_client()
    _, page = post(client, "/sign-in", "/language", language="es", next="/sign-in")
    assert "Dos personas, un mismo ritmo" in page
    assert "Dos personas" in client.get("/sign-in").text


def test_a_person_chooses_for_good(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    company.review()
    page = f"/pairs/{duo.pair.id}"
    _, text = post(enter(duo.mentor), page, "/language", language="es", next=page)
    assert "Tú y Luis Pérez" in text
    assert '<html lang="es">' in enter(duo.mentor).get(page).text


def test_a_language_that_we_do_not_speak_is_refused(app: Flask) -> None:
    client = app.test_client()
    token = csrf_of(client.get("/sign-in").text)
    assert client.post("/language", data={"csrf_token": token, "language": "xx"}).status_code == 400
