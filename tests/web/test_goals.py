"""Goals on the page of the two."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.company import Company, Duo
from tracker.models import Goal, Milestone, Person

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]


@pytest.fixture
def page(company: Company, duo: Duo) -> str:
    company.review()
    return f"/pairs/{duo.pair.id}"


@pytest.fixture
def goal(company: Company, duo: Duo, page: str, enter: Enter, post: Post) -> int:
    words = {"what": "Lead a retrospective", "why": "For the team", "progress": "20"}
    post(enter(duo.mentor), page, f"{page}/goals/new", **words)
    with company.ports.store.read() as db:
        return db.scalars(select(Goal.id)).one()


def test_both_read_it(duo: Duo, page: str, goal: int, enter: Enter) -> None:
    text = enter(duo.mentee).get(page).text
    assert "Lead a retrospective" in text
    assert "20 %" in text


def test_the_other_one_changes_it(duo: Duo, page: str, goal: int, enter: Enter, post: Post) -> None:
    client = enter(duo.mentee)
    assert "For the team" in client.get(f"{page}/goals/{goal}").text
    _, text = post(client, page, f"{page}/goals/{goal}", what="Lead two", why="", progress="60")
    assert "Lead two" in text
    assert "Lead a retrospective" not in text


@pytest.mark.parametrize("words", [{"what": " "}, {"what": "x", "progress": "101"}, {"what": "y" * 201}])
def test_what_does_not_fit_is_said(
    company: Company, duo: Duo, page: str, enter: Enter, post: Post, words: dict[str, str]
) -> None:
    _, text = post(enter(duo.mentee), page, f"{page}/goals/new", **{"progress": "0", **words})
    assert 'aria-invalid="true"' in text
    with company.ports.store.read() as db:
        assert db.scalars(select(Goal)).all() == []


def test_deleting_asks_first(
    company: Company, duo: Duo, page: str, goal: int, enter: Enter, post: Post
) -> None:
    client = enter(duo.mentee)
    assert "Delete this goal?" in client.get(f"{page}/goals/{goal}/delete").text
    with company.ports.store.read() as db:
        assert db.get(Goal, goal)
    post(client, page, f"{page}/goals/{goal}/delete")
    with company.ports.store.read() as db:
        assert db.get(Goal, goal) is None


@pytest.fixture
def step(company: Company, duo: Duo, page: str, goal: int, enter: Enter, post: Post) -> int:
    words = {"what": "Read the book", "due_on": "2026-11-10"}
    post(enter(duo.mentee), page, f"{page}/goals/{goal}/steps", **words)
    with company.ports.store.read() as db:
        return db.scalars(select(Milestone.id)).one()


def test_a_step_has_its_date(duo: Duo, page: str, step: int, enter: Enter) -> None:
    assert "by 10 Nov" in enter(duo.mentor).get(page).text


def test_a_step_is_ticked_and_unticked(
    duo: Duo, page: str, goal: int, step: int, enter: Enter, post: Post
) -> None:
    client, address = enter(duo.mentor), f"{page}/goals/{goal}/steps/{step}"
    assert "done 18 Nov" in post(client, page, address, done="yes")[1]
    assert "by 10 Nov" in post(client, page, address, done="no")[1]
    assert post(client, page, address, done="perhaps")[0] == 400


def test_a_step_is_removed(duo: Duo, page: str, goal: int, step: int, enter: Enter, post: Post) -> None:
    _, text = post(enter(duo.mentor), page, f"{page}/goals/{goal}/steps/{step}/delete")
    assert "Read the book" not in text


def test_an_empty_step_is_explained(duo: Duo, page: str, goal: int, enter: Enter, post: Post) -> None:
    _, text = post(enter(duo.mentor), page, f"{page}/goals/{goal}/steps", what=" ")
    assert "Please write a few words." in text
