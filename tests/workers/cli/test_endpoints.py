"""`cadencia endpoints`, by hand: a secret that is shown once, an address that is never shown."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.fakes.serving import serving
from tests.workers.cli.shell import Shell

ADDRESS = "https://hooks.example.com/services/very-secret"
ADD = ("endpoints", "add", "hr system", "--program", "Líderes", "--kind", "webhook")


class Receiver(HTTPServer):
    """A program that takes events."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take the event."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    server = Receiver()
    monkeypatch.setenv("CADENCIA_FEED_HOSTS", f"127.0.0.1:{server.server_port}")
    with serving(server):
        yield server


def test_an_endpoint_is_added_tried_and_removed(office: Shell, receiver: Receiver) -> None:
    address = f"http://127.0.0.1:{receiver.server_port}/hook"
    secret = office.run(*ADD, stdin=address + "\n").stdout.strip()
    assert secret.startswith("whsec_")
    office.run("endpoints", "test", "hr system", "--program", "Líderes")
    ((headers, body),) = receiver.got
    assert json.loads(body)["type"] == "test"
    assert headers["webhook-signature"].startswith("v1,")
    listed = office.run("endpoints", "list").output
    assert "Líderes: hr system (webhook; verdict.changed, digest.ready): ready" in listed
    assert secret not in listed
    assert "127.0.0.1" not in listed
    office.run("endpoints", "remove", "hr system", "--program", "Líderes")
    assert office.run("endpoints", "list").output == ""


def test_an_address_inside_is_refused_unless_somebody_allowed_it(office: Shell) -> None:
    for address in ("http://127.0.0.1/x", "https://user@example.com/x", "ftp://example.com", ""):
        office.run(*ADD, stdin=address + "\n", status=1)
    assert office.run("endpoints", "list").output == ""


def test_a_name_that_resolves_inside_is_refused_when_it_is_used(office: Shell) -> None:
    office.run(*ADD, stdin="https://localhost:9443/x\n")
    said = office.run("endpoints", "test", "hr system", "--program", "Líderes", status=1).output
    assert "does not answer" in said
    assert "localhost" not in said
    assert "waits until" in office.run("endpoints", "list", status=1).output


def test_a_secret_can_be_changed(office: Shell) -> None:
    first = office.run(*ADD, stdin=ADDRESS + "\n").stdout
    second = office.run("endpoints", "rotate", "hr system", "--program", "Líderes").stdout
    assert first != second


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "x", "--program", "Nope", "--kind", "slack"), "no program Nope"),
        (
            ("add", "x", "--program", "Líderes", "--kind", "slack", "--event", "verdict.changed"),
            "digest.ready",
        ),
        (("remove", "x", "--program", "Líderes"), "no endpoint x"),
        (("rotate", "x", "--program", "Líderes"), "no endpoint x"),
    ],
)
def test_what_makes_no_sense_is_said(office: Shell, arguments: tuple[str, ...], said: str) -> None:
    assert said in office.run("endpoints", *arguments, stdin=ADDRESS + "\n", status=1).output


def test_two_endpoints_of_a_program_have_two_names(office: Shell) -> None:
    office.run(*ADD, stdin=ADDRESS + "\n")
    assert "another name" in office.run(*ADD, stdin=ADDRESS + "\n", status=1).output
