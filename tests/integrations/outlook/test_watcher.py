"""Subscriptions to an Outlook calendar, against a callback that answers as the site does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from integrations.outlook.watcher import LONGEST, GraphWatcher
from integrations.providers import SettingsWatchers
from tests.fakes.graph.mailbox import Refused
from tests.fakes.serving import serving
from tests.integrations.outlook.conftest import ANA, Reading, event
from tests.integrations.outlook.test_consent import Own
from tracker.errors import BadPayload, ConnectorError
from tracker.ports import Watch

SECRET = "the channel's secret"
NAME = "channel-1"


@dataclass
class Callback:
    """What Graph calls: remembers what it was told. `answers`: whether it knows the handshake."""

    root: str = ""
    answers: bool = True
    heard: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.root}/hooks/outlook/{NAME}"


@pytest.fixture
def callback() -> Iterator[Callback]:
    """A site that listens."""
    found = Callback()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            token = parse_qs(parts.query).get("validationToken", [""])[0]
            assert parts.path == f"/hooks/outlook/{NAME}"
            found.tokens.extend([token] if token else [])
            found.heard.extend(json.loads(body)["value"] if body else [])
            content = token.encode() if found.answers else b"Hello"
            self.send_response(200 if token else 202)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.root = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield found


def watcher(reading: Reading, access: Own | None = None) -> GraphWatcher:
    found = SettingsWatchers(reading.graph.settings()).open("outlook", reading.box.owner, access)
    assert isinstance(found, GraphWatcher)
    return found


def soon(days: float = 2) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


def start(reading: Reading, callback: Callback, until: datetime | None = None) -> Watch:
    return watcher(reading).start(NAME, SECRET, callback.url, until or soon())


def test_channel_opens_once_the_callback_answers(ana: Reading, callback: Callback) -> None:
    until = soon()
    watch = start(ana, callback, until)
    (found,) = ana.graph.push.subscriptions.values()
    assert (watch.provider_name, watch.expires_at) == (found.id, until)
    assert (found.owner, found.wanted.client_state) == (ANA, SECRET)
    assert len(callback.tokens) == 2


def test_channel_does_not_open_for_a_callback_that_answers_otherwise(
    ana: Reading, callback: Callback
) -> None:
    callback.answers = False
    with pytest.raises(ConnectorError) as caught:
        start(ana, callback)
    assert (caught.value.code, SECRET in str(caught.value)) == ("refused", False)


def test_notices_and_all_of_their_life_reach_the_same_callback(ana: Reading, callback: Callback) -> None:
    watch = start(ana, callback)
    assert ana.graph.push.notify(ANA, "AAkA_b-C=") == [202]
    for kind in ("reauthorizationRequired", "missed", "subscriptionRemoved"):
        assert ana.graph.push.tell(ANA, kind) == [202]
    assert {n["clientState"] for n in callback.heard} == {SECRET}
    assert {n["subscriptionId"] for n in callback.heard} == {watch.provider_name}
    assert callback.heard[0]["resourceData"]["id"] == "AAkA_b-C="
    told = [n.get("lifecycleEvent") for n in callback.heard]
    assert told == [None, "reauthorizationRequired", "missed", "subscriptionRemoved"]


def test_notice_holds_no_title(ana: Reading, callback: Callback) -> None:
    ana.box.put(event("a", subject="#mentoring about my salary"))
    start(ana, callback)
    ana.graph.push.notify(ANA)
    assert "salary" not in str(callback.heard)


def test_channel_lasts_no_longer_than_graph_lets_it(ana: Reading, callback: Callback) -> None:
    watch = start(ana, callback, soon(30))
    assert soon() < watch.expires_at <= datetime.now(UTC) + LONGEST


def test_renewed_channel_lasts_longer(ana: Reading, callback: Callback) -> None:
    watch = start(ana, callback)
    madrid = soon(4).astimezone(ZoneInfo("Europe/Madrid"))
    assert watcher(ana).renew(watch, madrid) == Watch(watch.provider_name, madrid)
    assert len(ana.graph.push.subscriptions) == 1


def test_channel_that_is_gone_can_not_be_renewed(ana: Reading, callback: Callback) -> None:
    watch = start(ana, callback)
    ana.graph.push.tell(ANA, "subscriptionRemoved")
    assert watcher(ana).renew(watch, soon(4)) is None


def test_stopped_channel_is_gone(ana: Reading, callback: Callback) -> None:
    watch = start(ana, callback)
    watcher(ana).stop(NAME, watch)
    assert ana.graph.push.subscriptions == {}
    watcher(ana).stop(NAME, watch)


def test_own_consent_watches_the_own_calendar(ana: Reading, callback: Callback) -> None:
    access = Own([ana.graph.desk.let_in(ANA, "Calendars.Read")])
    watch = watcher(ana, access).start(NAME, SECRET, callback.url, soon())
    (found,) = ana.graph.push.subscriptions.values()
    assert (found.owner, found.wanted.resource) == (ANA, "me/events")
    assert watcher(ana, access).renew(watch, soon(3)) is not None


@pytest.mark.parametrize(("rights", "code"), [("User.Read", "no_scope"), (None, "no_right")])
def test_whoever_may_not_read_may_not_listen(
    ana: Reading, callback: Callback, rights: str | None, code: str
) -> None:
    ana.graph.desk.roles = ("Mail.Read",)
    access = Own([ana.graph.desk.let_in(ANA, rights)]) if rights else None
    with pytest.raises(ConnectorError) as caught:
        watcher(ana, access).start(NAME, SECRET, callback.url, soon())
    assert caught.value.code == code


@pytest.mark.parametrize("answer", [
    b"<html>Sign in</html>", b'{"id": "1", "expirationDateTime": "2026-03-02T10:00:00"}',
])  # fmt: skip
def test_answer_that_tells_no_instant_is_no_subscription(
    ana: Reading, callback: Callback, answer: bytes
) -> None:
    watch = start(ana, callback)
    ana.graph.raw = answer
    with pytest.raises(BadPayload):
        watcher(ana).renew(watch, soon(4))


@pytest.mark.parametrize("deed", ["renew", "stop"])
def test_fault_is_no_end(ana: Reading, callback: Callback, waits: list[float], deed: str) -> None:
    watch = start(ana, callback)
    ana.graph.faults.extend([Refused(500, "generalException")] * 4)
    with pytest.raises(ConnectorError) as caught:
        watcher(ana).renew(watch, soon(4)) if deed == "renew" else watcher(ana).stop(NAME, watch)
    assert (caught.value.code, len(waits)) == ("server_error", 3)
