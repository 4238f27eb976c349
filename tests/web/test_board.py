"""HR's board: everybody at a glance, in words as in pictures."""

import csv
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests.web.company import Company, Duo, utc
from tracker.models import Person
from tracker.services import overview

Enter = Callable[[Person], FlaskClient]


@pytest.fixture
def hr(company: Company, enter: Enter) -> FlaskClient:
    return enter(company.person("Marta Gil", is_hr=True))


def text_of(client: FlaskClient, address: str = "/hr") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(unescape(answer.text).split())


def rows_of(client: FlaskClient, address: str = "/hr/pairs.csv") -> list[dict[str, str]]:
    lines = client.get(address).text.removeprefix("\ufeff").splitlines()
    return list(csv.DictReader(lines))


def test_an_empty_board_says_how_to_fill_it(hr: FlaskClient) -> None:
    text = text_of(hr)
    assert "Your pairs will appear here" in text
    assert "cadencia pairs import pairs.csv" in text


def test_it_counts_and_names(company: Company, duo: Duo, hr: FlaskClient) -> None:
    company.review()
    text = text_of(hr)
    assert "1 pair could use a hand." in text
    assert "<b>1</b><span>Off track</span>" in text
    assert "Ana Ruiz and Luis Pérez" in text
    assert "Missed 6 times in a row." in text


def test_nobody_is_named_without_evidence(company: Company, duo: Duo, hr: FlaskClient) -> None:
    company.review()
    assert "without" not in text_of(hr)


def test_the_side_that_misses_is_named(company: Company, duo: Duo, hr: FlaskClient) -> None:
    for day in ("10-06", "10-20"):
        session = company.meeting(duo.pair, duo.calendars, (utc("08-10"), utc(day), "confirmed"))
        company.say(session, duo.pair, "mentor", held=False, absent=("mentor",), at=utc(day, 18))
    company.review()
    assert "2 of 6 missed without Ana." in text_of(hr)


def test_a_search_that_finds_nobody_says_so(company: Company, duo: Duo, hr: FlaskClient) -> None:
    company.review()
    text = text_of(hr, "/hr?q=nobody")
    assert "No pair fits" in text
    assert "Your pairs will appear here" not in text


def test_filters_are_kept_while_paging(
    company: Company, hr: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "PAGE_SIZE", 1)
    company.duo("Ana Uno", "Luis Uno")
    company.duo("Ana Dos", "Luis Dos")
    text = text_of(hr, "/hr?q=ana")
    assert "Page 1 of 2" in text
    assert "/hr?page=2&q=ana" in text


@pytest.mark.parametrize("query", ["page=x", "page=0", "program=x", "health=nonsense", "q=%00", "program=99"])
def test_odd_questions_get_an_answer(company: Company, duo: Duo, hr: FlaskClient, query: str) -> None:
    text_of(hr, f"/hr?{query}")


def test_a_download_has_a_row_a_pair(company: Company, duo: Duo, hr: FlaskClient) -> None:
    company.meeting(duo.pair, duo.calendars, (utc("08-10"), utc("11-24"), "confirmed"))
    company.review()
    (row,) = rows_of(hr)
    assert row["mentor"] == "Ana Ruiz"
    assert (row["health"], row["due"], row["met"]) == ("off_track", "6", "0")
    assert (row["current_period"], row["next_session"]) == ("planned", "2026-11-24T15:00:00Z")


def test_a_download_heeds_the_filters(company: Company, duo: Duo, hr: FlaskClient) -> None:
    company.review()
    assert rows_of(hr, "/hr/pairs.csv?health=ended") == []
    assert len(rows_of(hr, "/hr/pairs.csv?q=luis")) == 1


def test_a_pair_not_judged_yet_is_in_the_download(company: Company, duo: Duo, hr: FlaskClient) -> None:
    (row,) = rows_of(hr)
    assert (row["health"], row["due"]) == ("not_judged", "")
    assert None not in row


def test_it_speaks_spanish(company: Company, duo: Duo, enter: Enter) -> None:
    company.review()
    client = enter(company.person("Marta Gil", is_hr=True, language="es"))
    text = text_of(client)
    assert "A 1 pareja le vendría bien una mano." in text
    assert "Fuera de ritmo" in text
