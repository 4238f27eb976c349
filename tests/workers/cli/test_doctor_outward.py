"""The doctor on what we send to, and on what proves who we are: tried, and nothing sent or changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.graph import FakeGraph, running_graph
from tests.fakes.serving import serving
from tests.tracker.world import World, instant
from tracker.clock import FixedClock, SystemClock
from tracker.models import Endpoint, EndpointKind, OutboxMail, OutboxState
from tracker.services import schema
from tracker.settings import GoogleClient, Settings
from tracker.store import Store
from workers.cli.doctoring import outward, post, providers
from workers.cli.doctoring.finding import Findings

NOW = instant("2026-03-01 09:00")
CLOSED = "http://127.0.0.1:9/hook/very-secret"


class Receiver(HTTPServer):
    """A host of endpoints and monitors; it keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/very-secret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_HEAD(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(404)
        self.end_headers()

    do_GET = do_POST = do_HEAD

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    with serving(server):
        yield server


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with tables."""
    url = f"sqlite:///{tmp_path / 'cadencia.sqlite'}"
    store = Store(url)
    schema.upgrade(store)
    store.close()
    return url


def _ports(settings: Settings, database: str) -> Ports:
    return open_ports(replace(settings, database_url=database, secret_keys=(fresh_key(),)), FixedClock(NOW))


def _lines(findings: Findings, ports: Ports) -> list[str]:
    lines = [f"{'ok' if f.is_fine else 'problem'} {f.text}" for f in findings]
    ports.store.close()
    return lines


def _endpoint(ports: Ports, name: str, url: str) -> int:
    program = World(ports.store, ports.vault).program(name)
    with ports.store.write() as db:
        row = Endpoint(program_id=program, name=name, kind=EndpointKind.WEBHOOK, url="", created_at=NOW)
        row.told_until = NOW
        row.url = ports.vault.seal(url, row.binding)
        db.add(row)
        db.flush()
        return row.id


def test_the_monitor_is_reached_and_told_nothing(receiver: Receiver, database: str) -> None:
    ports = _ports(Settings(monitor_url=receiver.url), database)
    assert _lines(outward.check_monitor(ports), ports) == ["ok monitor: its server can be reached"]
    assert receiver.asked == ["HEAD /"]


def test_a_monitor_that_is_away_is_told_without_its_address(database: str) -> None:
    ports = _ports(Settings(monitor_url=CLOSED), database)
    (line,) = _lines(outward.check_monitor(ports), ports)
    assert line.startswith("problem monitor: it could not be reached")
    assert "very-secret" not in line


def test_without_monitor_and_endpoints_there_is_nothing_to_tell(database: str) -> None:
    ports = _ports(Settings(), database)
    assert [*outward.check_monitor(ports), *outward.check_endpoints(ports)] == []
    ports.store.close()


def test_endpoints_are_reached_and_told_nothing(receiver: Receiver, database: str) -> None:
    ports = _ports(Settings(feed_hosts=frozenset({"127.0.0.1"})), database)
    _endpoint(ports, "hr system", receiver.url)
    _endpoint(ports, "away", CLOSED)
    lines = _lines(outward.check_endpoints(ports), ports)
    assert lines[0].startswith("problem endpoint away: it could not be reached")
    assert lines[1].startswith("ok endpoints: 1 of 2 can be reached")
    assert receiver.asked == ["HEAD /"]
    assert "very-secret" not in "".join(lines)


def test_an_endpoint_inside_is_not_knocked_at(receiver: Receiver, database: str) -> None:
    ports = _ports(Settings(), database)
    _endpoint(ports, "hr system", receiver.url)
    (line,) = _lines(outward.check_endpoints(ports), ports)
    assert line.startswith("problem endpoint hr system: ")
    assert receiver.asked == []


def test_an_event_that_was_given_up_is_no_mail(database: str) -> None:
    ports = _ports(Settings(), database)
    endpoint = _endpoint(ports, "hr system", CLOSED)
    with ports.store.write() as db:
        row = OutboxMail(dedupe_key="k", kind="event", sender="", recipient="webhook hr system")
        row.message_id, row.message, row.endpoint_id = "<1@x>", b"", endpoint
        row.state, row.last_error, row.created_at, row.due_at = OutboxState.FAILED, "No.", NOW, NOW
        db.add(row)
    lines = _lines(post.check_outbox(ports), ports)
    assert lines[0] == "problem outbox: an event to webhook hr system was given up: No."


@pytest.mark.parametrize(("secret", "told"), [
    ("secret", "ok Google: the client id and secret for people's consents are accepted"),
    ("old", "problem Google: Google refuses our client id or secret"),
])  # fmt: skip
def test_googles_client_is_tried(database: str, secret: str, told: str) -> None:
    with running_google(FakeGoogle()) as google:
        google.desk.clients["client"] = "secret"
        client = GoogleClient("client", secret)
        ports = _ports(Settings(google_client=client, google_token_root=google.root), database)
        (line,) = _lines(providers.check_client(ports), ports)
    assert line.startswith(told)


@pytest.mark.parametrize(("secret", "told"), [
    (None, "ok Outlook: no calendar of the tenant is open to us"),
    ("old", "problem Outlook: Microsoft refuses our client secret or certificate"),
])  # fmt: skip
def test_outlook_by_consent_alone_is_tried_as_well(
    tmp_path: Path, database: str, secret: str | None, told: str
) -> None:
    with running_graph(FakeGraph(), tmp_path) as graph:
        graph.desk.roles = ()
        settings = graph.settings(client_secret=secret or graph.desk.secret)
        ports = replace(_ports(settings, database), clock=SystemClock())
        line, *_ = _lines(providers.check_providers(ports), ports)
    assert line.startswith(told)
