"""Names and words that mean harm are shown as what they are: text."""

import csv
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.web.company import Company, utc
from tracker.cells import neutralise
from tracker.models import Person

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]

TAG = "<script>alert(1)</script>"
QUOTES = "\"'><img src=x onerror=alert(1)>"
TEMPLATE = "{{ 7*7 }}{% raw %}"
PERCENT = "%(name)s %s %d 100%"


@pytest.mark.parametrize("evil", [TAG, QUOTES, TEMPLATE, PERCENT, "\u202elive", "\x07bell"])
def test_a_hostile_name_is_text_on_every_page(company: Company, enter: Enter, post: Post, evil: str) -> None:
    program = company.program(f"Program {evil}")
    ana = company.person(f"Ana{evil} Ruiz", email="ana@example.com")
    luis = company.person(f"{evil} Pérez", email="luis@example.com")
    pair = company.pair(program, ana, luis)
    calendars = [company.calendar(ana), company.calendar(luis)]
    for day in ("09-29", "11-17"):
        session = company.meeting(pair, calendars, (utc("08-10"), utc(day), "confirmed"))
        company.say(session, pair, "mentor", held=False, absent=("mentee",), at=utc(day, 18))
    company.review()
    page = f"/pairs/{pair.id}"
    member, hr = enter(ana), enter(company.person(f"Marta {evil}", email="hr@example.com", is_hr=True))
    post(member, page, f"{page}/goals/new", what=f"Goal {evil}", why=f"Why {evil}", progress="1")
    texts = [
        member.get(p).text
        for p in (page, "/pairs", f"{page}/tell", f"{page}/goals/1", f"{page}/goals/1/delete")
    ]
    texts += [hr.get(p).text for p in (page, "/hr", f"/hr?q={evil}")]
    for text in texts:
        assert TAG not in text
        assert "<img src=x" not in text
        assert "Goal 49" not in text
        assert "Ana49" not in text
    if evil in (TEMPLATE, PERCENT):
        assert evil.partition(" ")[0] in texts[0]


@pytest.mark.parametrize("query", [TAG, QUOTES])
def test_a_hostile_question_is_text_in_the_answer(company: Company, enter: Enter, query: str) -> None:
    company.duo()
    hr = enter(company.person("Marta Gil", is_hr=True))
    text = hr.get("/hr", query_string={"q": query, "health": query, "program": query}).text
    assert query not in text


def test_a_hostile_next_is_text_in_the_form(company: Company, enter: Enter) -> None:
    page = enter(company.person("Ana Ruiz")).get("/sign-in", query_string={"next": QUOTES}).text
    assert "<img" not in page.partition("<main")[2].replace('<img src="/static', "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_computes_nothing_in_a_spreadsheet(company: Company, enter: Enter, start: str) -> None:
    evil = f'{start}HYPERLINK("http://evil.example")'
    pair = company.pair(company.program(), company.person(evil, email="a@example.com"), company.person("B"))
    hr = enter(company.person("Marta Gil", is_hr=True))
    text = hr.get("/hr/pairs.csv").text.removeprefix("\ufeff")
    (row,) = csv.DictReader(text.splitlines(keepends=True))
    # A bare carriage return would end the row for some readers: it is written as a line feed.
    assert row["mentor"] == f"'{evil}".replace("\r", "\n")
    assert row["pair"] == pair.key


def test_numbers_stay_numbers() -> None:
    assert [neutralise(cell) for cell in (-1, -0.5, "a-1", "-1", None)] == [-1, -0.5, "a-1", "'-1", None]
