"""Events as chats and programs get them, over a real line on loopback."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from integrations.hooks_out import HttpCourier
from integrations.hooks_out.client import sign
from tests.fakes.serving import serving
from tracker.errors import BadInput, ConnectorError
from tracker.ports import Delivery

NOW = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
SECRET, OLD = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"n", b"o"))
DATA = {"program": "P", "text": "P, 16–22 November: <all> is well & fine", "link": "https://c.example.com/hr"}
BODY = json.dumps({"type": "test", "id": "evt_1", "data": DATA}).encode()


class Receiver(HTTPServer):
    """Keeps what it gets, and answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.headers_back: dict[str, str] = {}
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take the event."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers_back.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    with serving(server):
        yield server


def deliver(receiver: Receiver, kind: str = "webhook", *secrets: str, body: bytes = BODY) -> None:
    courier = HttpCourier(frozenset({receiver.host}))
    courier.deliver(Delivery("evt_1", kind, f"http://{receiver.host}/hook", secrets, body), NOW)


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What docs/webhooks.md tells receivers to do, less the clock."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mark = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [part.removeprefix("v1,") for part in headers["webhook-signature"].split()]
    return any(hmac.compare_digest(mark, each) for each in given)


def test_a_program_gets_the_very_bytes_signed(receiver: Receiver) -> None:
    deliver(receiver, "webhook", SECRET)
    ((headers, body),) = receiver.got
    assert body == BODY
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("evt_1", str(int(NOW.timestamp())))
    assert is_genuine(SECRET, headers, body)
    assert not is_genuine(OLD, headers, body)
    assert not is_genuine(SECRET, headers, body + b" ")
    assert not is_genuine(SECRET, {**headers, "webhook-timestamp": "1"}, body)


def test_the_signature_is_that_of_the_standard() -> None:
    # A known answer, from the documentation of Svix, whose scheme became Standard Webhooks.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    event = Delivery("msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook", "", (secret,), b'{"test": 2432232314}')
    signed = sign(event, datetime.fromtimestamp(1614265330, UTC))
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_both_secrets_sign_while_one_is_being_changed(receiver: Receiver) -> None:
    deliver(receiver, "webhook", SECRET, OLD)
    assert all(is_genuine(secret, *receiver.got[0]) for secret in (SECRET, OLD))


def test_slack_gets_a_message_that_calls_nobody(receiver: Receiver) -> None:
    deliver(receiver, "slack")
    ((headers, body),) = receiver.got
    assert "webhook-signature" not in headers
    text = json.loads(body)["text"]
    assert text == "P, 16–22 November: &lt;all&gt; is well &amp; fine\n<https://c.example.com/hr>"


def test_teams_gets_an_adaptive_card(receiver: Receiver) -> None:
    receiver.status = 202
    deliver(receiver, "teams")
    message = json.loads(receiver.got[0][1])
    (attachment,) = message["attachments"]
    assert (message["type"], attachment["contentType"]) == (
        "message",
        "application/vnd.microsoft.card.adaptive",
    )
    assert attachment["content"]["body"][0]["text"] == DATA["text"]
    assert attachment["content"]["actions"][0]["url"] == DATA["link"]


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        (500, "unreachable", True),
        (429, "unreachable", True),
        (408, "unreachable", True),
        (404, "reconnect", True),
        (410, "reconnect", True),
        (302, "reconnect", True),
        (400, "refused", False),
        (422, "refused", False),
    ],
)
def test_the_answer_says_whom_to_blame(receiver: Receiver, status: int, code: str, again: bool) -> None:
    receiver.status = status
    receiver.headers_back = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
    with pytest.raises(ConnectorError) as caught:
        deliver(receiver)
    assert (caught.value.code, bool(caught.value.retry_after_s)) == (code, again)


def test_it_waits_as_long_as_it_is_asked_to(receiver: Receiver) -> None:
    receiver.status, receiver.headers_back = 429, {"Retry-After": "600"}
    with pytest.raises(ConnectorError) as caught:
        deliver(receiver)
    assert caught.value.retry_after_s == 600


def test_it_does_not_reach_inside(receiver: Receiver) -> None:
    for url in (f"https://{receiver.host}/hook", "https://localhost:8443/", "https://[::1]:8443/"):
        with pytest.raises(ConnectorError) as caught:
            HttpCourier().deliver(Delivery("evt_1", "webhook", url, (SECRET,), BODY), NOW)
        assert caught.value.code == "unreachable"
        assert "127" not in str(caught.value)
    assert receiver.got == []


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "https://a:b@example.com/", "file:///etc/passwd", ""]
)
def test_an_address_that_we_would_not_post_to_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="https://"):
        HttpCourier().check(url)


def test_neither_address_nor_secret_shows(receiver: Receiver) -> None:
    shown = repr(Delivery("evt_1", "webhook", "https://x.example.com/secret", (SECRET,), BODY))
    assert "secret" not in shown.replace("secrets", "")
    assert SECRET not in shown
