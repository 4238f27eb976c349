"""What the two say of a miss: on the pair's page, for HR and for whoever wrote it, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.company import Company, Duo
from tracker.models import Person, Remark

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]

MISSED = "2026-08-10"
WORDS = "My daughter's first day at school."


@pytest.fixture(autouse=True)
def judged(company: Company, duo: Duo) -> None:
    company.review()  # nothing was on a calendar, so the first fortnight was missed


def page_of(client: FlaskClient, duo: Duo) -> str:
    return unescape(client.get(f"/pairs/{duo.pair.id}").text)


def write(post: Post, client: FlaskClient, duo: Duo, text: str = WORDS, starts_on: str = MISSED) -> str:
    to = f"/pairs/{duo.pair.id}/agreements/{duo.pair.agreements[0].id}/remark"
    status, page = post(client, f"/pairs/{duo.pair.id}", to, starts_on=starts_on, text=text)
    return unescape(page) if status == 200 else str(status)


def remarks(company: Company) -> list[tuple[str, str, str]]:
    with company.ports.store.read() as db:
        return [(r.side, r.starts_on.isoformat(), r.text) for r in db.scalars(select(Remark))]


def test_hr_reads_who_said_what(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    write(post, enter(duo.mentor), duo)
    write(post, enter(duo.mentee), duo, "I was ill.")
    page = page_of(enter(company.person("Marta Gil", is_hr=True)), duo)
    assert f"Ana wrote: {WORDS}" in page
    assert "Luis wrote: I was ill." in page
    assert page.count("With a note of theirs") == 1
    assert "Save this line" not in page


def test_the_author_reads_and_changes_it(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    client = enter(duo.mentor)
    assert "Say what came between" in page_of(client, duo)
    page = write(post, client, duo)
    assert f"You wrote: {WORDS}" in page
    assert "Change what you wrote" in page
    write(post, client, duo, "Other words.")
    assert remarks(company) == [("mentor", MISSED, "Other words.")]


def test_an_empty_line_takes_it_back(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    client = enter(duo.mentor)
    write(post, client, duo)
    assert "Your line is taken back" in write(post, client, duo, "  ")
    assert remarks(company) == []


def test_the_partner_does_not_see_it(duo: Duo, enter: Enter, post: Post) -> None:
    before = page_of(enter(duo.mentee), duo)
    write(post, enter(duo.mentor), duo)
    assert WORDS not in page_of(enter(duo.mentee), duo)
    assert len(page_of(enter(duo.mentee), duo)) == len(before)


def test_a_partner_of_hr_does_not_see_it_either(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentee.id).is_hr = True
    write(post, enter(duo.mentor), duo)
    assert WORDS not in page_of(enter(duo.mentee), duo)


def test_whoever_runs_the_machine_does_not_see_it(
    company: Company, duo: Duo, enter: Enter, post: Post
) -> None:
    write(post, enter(duo.mentor), duo)
    assert WORDS not in page_of(enter(company.person("Ada Min", is_admin=True)), duo)


def test_it_is_asked_only_where_something_was_missed(duo: Duo, enter: Enter) -> None:
    page = page_of(enter(duo.mentor), duo)
    assert page.count("Say what came between") == page.count('class="chapter chapter-missed"') > 0


@pytest.mark.parametrize("starts_on", ["2026-08-11", "2019-01-01"])
def test_a_period_that_is_not_there_is_refused(
    company: Company, duo: Duo, enter: Enter, post: Post, starts_on: str
) -> None:
    assert write(post, enter(duo.mentor), duo, starts_on=starts_on) == "404"
    assert remarks(company) == []


@pytest.mark.parametrize("starts_on", ["", "yesterday"])
def test_a_day_that_is_none_is_refused(
    company: Company, duo: Duo, enter: Enter, post: Post, starts_on: str
) -> None:
    assert write(post, enter(duo.mentor), duo, starts_on=starts_on) == "400"
    assert remarks(company) == []


def test_too_many_words_are_not_kept(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    assert "in fewer words" in write(post, enter(duo.mentor), duo, "x" * 281)
    assert remarks(company) == []
