"""A small company on SQLite, its site, and browsers that are signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.company import Company, Duo, csrf_of, open_company
from tests.web.providers import at_google, at_outlook, google, graph
from tracker.models import Person

__all__ = ["at_google", "at_outlook", "google", "graph"]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """An empty company."""
    made = open_company(tmp_path)
    yield made
    made.ports.store.close()


@pytest.fixture
def duo(company: Company) -> Duo:
    """Ana, the mentor, and Luis, the mentee."""
    return company.duo()


@pytest.fixture
def app(company: Company) -> Flask:
    """The site."""
    app = company.app()
    app.testing = True
    return app


@pytest.fixture
def enter(company: Company, app: Flask) -> Callable[[Person], FlaskClient]:
    """Opens a browser in which that person is signed in."""
    return lambda person: company.sign_in(app.test_client(), person)


@pytest.fixture
def post() -> Callable[..., tuple[int, str]]:
    """Presses a button on `page`: posts with its token, follows, and returns status and text."""

    def press(client: FlaskClient, page: str, to: str, /, **data: object) -> tuple[int, str]:
        token = csrf_of(client.get(page).text)
        answer = client.post(to, data={"csrf_token": token, **data}, follow_redirects=True)
        return answer.status_code, answer.text

    return press
