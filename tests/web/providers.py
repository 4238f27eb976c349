"""Companies whose people can connect accounts at our own providers, and the way there and back."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from integrations import google as google_connector
from integrations import outlook as outlook_connector
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.graph import FakeGraph, running_graph
from tests.web.company import Company, csrf_of, open_company
from tracker.models import Person
from tracker.settings import GoogleClient

PAGE = "/calendars"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """Our own Google, which knows our client."""
    with running_google(FakeGoogle()) as running:
        running.desk.clients["client"] = "secret"
        yield running
    google_connector.close_connections()


@pytest.fixture
def at_google(tmp_path: Path, google: FakeGoogle) -> Iterator[Company]:
    """A company whose people can connect there."""
    company = open_company(
        tmp_path,
        google_client=GoogleClient("client", "secret"),
        google_api_root=google.root,
        google_auth_root=google.root,
        google_token_root=google.root,
    )
    yield company
    company.ports.store.close()


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[FakeGraph]:
    """Our own Microsoft 365."""
    with running_graph(FakeGraph(), tmp_path) as running:
        yield running
    outlook_connector.close_connections()


@pytest.fixture
def at_outlook(tmp_path: Path, graph: FakeGraph) -> Iterator[Company]:
    """A company whose people can connect there."""
    about = graph.settings()
    company = open_company(
        tmp_path, microsoft=about.microsoft, graph_root=graph.root, ca_bundle=about.ca_bundle
    )
    yield company
    company.ports.store.close()


def leave(company: Company, provider: str) -> tuple[FlaskClient, Person, str]:
    """Press the button; return the browser, who it is, and where the link leads."""
    app = company.app()
    app.testing = True
    person = company.person("Ana Ruiz")
    client = company.sign_in(app.test_client(), person)
    token = csrf_of(client.get(PAGE).text)
    text = client.post(f"{PAGE}/{provider}/connect", data={"csrf_token": token}).text
    return client, person, link_of(text)


def link_of(text: str) -> str:
    """Return where the page leads on to."""
    return unescape(text.partition('class="btn btn-primary" href="')[2].partition('"')[0])


def come_back(client: FlaskClient, provider: str, answer: dict[str, str]) -> str:
    """Open the address that the provider sends people back to."""
    return client.get(f"{PAGE}/{provider}/back?{urlencode(answer)}", follow_redirects=True).text
