"""Channels: how they are opened and ended, and what goes out over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from integrations.google import open_watcher
from integrations.google.watcher import GoogleWatcher
from tests.fakes.google import FakeGoogle
from tests.fakes.google.description import Refused
from tests.fakes.google.office import JANUARY
from tests.fakes.serving import serving
from tests.integrations.google.conftest import ANA, BEN, DAY, MONDAY, place_of
from tracker.errors import AuthRevoked, ConnectorError
from tracker.ports import Watch

CALLBACK = "https://cadencia.example.com/hooks/google"
WEEK = JANUARY + timedelta(days=7)


@dataclass
class Listener:
    """Whoever is told of changes: the headers of all notices."""

    address: str = ""
    heard: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen for notices on loopback."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            listener.heard.append({name.lower(): text for name, text in self.headers.items()})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    listener.address = f"http://127.0.0.1:{server.server_address[1]}/hooks/google"
    with serving(server):
        yield listener


@pytest.fixture
def watcher(google: FakeGoogle, waits: list[float]) -> GoogleWatcher:
    """What watches Ana's calendar."""
    return open_watcher(ANA, google.key, place_of(google))


def problem(watcher: GoogleWatcher, name: str = "one", callback: str = CALLBACK) -> ConnectorError:
    """Return what opening a channel raises."""
    with pytest.raises(ConnectorError) as caught:
        watcher.start(name, "secret", callback, WEEK)
    return caught.value


def test_notices_come_when_the_calendar_changes(google: FakeGoogle, watcher: GoogleWatcher) -> None:
    with listening() as listener:
        watch = watcher.start("one", "a secret", listener.address, WEEK)
        assert google.push.deliver() == [("sync", 200)]
        assert google.push.deliver() == []
        google.office.meet(ANA, (BEN,), MONDAY)
        assert google.push.deliver() == [("exists", 200)]
    assert [heard["x-goog-resource-state"] for heard in listener.heard] == ["sync", "exists"]
    assert {heard["x-goog-channel-id"] for heard in listener.heard} == {"one"}
    assert {heard["x-goog-channel-token"] for heard in listener.heard} == {"a secret"}
    assert {heard["x-goog-resource-id"] for heard in listener.heard} == {watch.provider_name}


def test_watching_needs_no_more_than_reading(google: FakeGoogle, watcher: GoogleWatcher) -> None:
    watcher.start("one", "secret", CALLBACK, WEEK)
    assert len(google.desk.delegated) == 1


def test_channel_ends_when_it_was_asked_to(watcher: GoogleWatcher) -> None:
    assert watcher.start("one", "secret", CALLBACK, JANUARY + DAY).expires_at == JANUARY + DAY


def test_google_may_end_it_earlier(google: FakeGoogle, watcher: GoogleWatcher) -> None:
    google.push.longest = timedelta(hours=1)
    watch = watcher.start("one", "secret", CALLBACK, WEEK)
    assert watch.expires_at == JANUARY + timedelta(hours=1)


def test_no_channel_lasts_longer_than_it_was_made_for(watcher: GoogleWatcher) -> None:
    watch = watcher.start("one", "secret", CALLBACK, WEEK)
    assert watcher.renew(watch, WEEK + 7 * DAY) is None


def test_channel_is_ended(google: FakeGoogle, watcher: GoogleWatcher) -> None:
    watch = watcher.start("one", "secret", CALLBACK, WEEK)
    watcher.stop("one", watch)
    google.office.meet(ANA, (BEN,), MONDAY)
    assert google.push.deliver() == []


def test_channel_that_is_gone_can_be_ended(watcher: GoogleWatcher) -> None:
    watcher.stop("one", Watch("resource", WEEK))


def test_name_that_was_used_is_refused(watcher: GoogleWatcher) -> None:
    watch = watcher.start("one", "secret", CALLBACK, WEEK)
    watcher.stop("one", watch)
    assert problem(watcher).code == "refused"


def test_address_that_google_does_not_take_is_no_revoked_consent(watcher: GoogleWatcher) -> None:
    """Google says 401 to it, as to a dead token."""
    refused = problem(watcher, callback="http://cadencia.example.com/hooks/google")
    assert refused.code == "push_refused"
    assert not isinstance(refused, AuthRevoked)


@pytest.mark.parametrize("status", [500, 503])
def test_opening_is_not_repeated_where_it_may_have_worked(
    google: FakeGoogle, watcher: GoogleWatcher, waits: list[float], status: int
) -> None:
    google.losses.append(Refused(status, "backendError"))
    assert problem(watcher).code == "server_error"
    assert (google.methods(), waits) == (["events.watch"], [])


def test_opening_is_repeated_where_google_did_nothing(
    google: FakeGoogle, watcher: GoogleWatcher, waits: list[float]
) -> None:
    google.faults.append(Refused(429, "rateLimitExceeded", {"Retry-After": "5"}))
    watcher.start("one", "secret", CALLBACK, WEEK)
    assert [wait >= 5 for wait in waits] == [True]


def test_ending_is_repeated(google: FakeGoogle, watcher: GoogleWatcher, waits: list[float]) -> None:
    watch = watcher.start("one", "secret", CALLBACK, WEEK)
    google.losses.append(Refused(503, "backendError"))
    watcher.stop("one", watch)
    assert google.push.channels == {}
    assert len(waits) == 1
