"""The sign of life to an outside monitor."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from integrations.monitor import ping_monitor
from tests.fakes.serving import serving
from tracker.errors import ConnectorError
from tracker.settings import Settings


class Monitor(HTTPServer):
    """Keeps which of its addresses were asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Monitor

    def do_GET(self) -> None:
        """Take the ping."""
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    server = Monitor()
    with serving(server):
        yield server


def settings_of(monitor: Monitor) -> Settings:
    return Settings(monitor_url=f"http://127.0.0.1:{monitor.server_port}/ping/very-secret")


def test_it_tells_whether_all_is_well(monitor: Monitor) -> None:
    for is_well in (True, False):
        ping_monitor(settings_of(monitor), is_well=is_well)
    assert monitor.asked == ["/ping/very-secret", "/ping/very-secret/fail"]


def test_a_monitor_that_does_not_know_us_is_told_without_its_address(monitor: Monitor) -> None:
    monitor.status = 404
    with pytest.raises(ConnectorError, match="answered 404") as caught:
        ping_monitor(settings_of(monitor), is_well=True)
    assert "secret" not in str(caught.value)


def test_without_a_monitor_nobody_is_asked() -> None:
    ping_monitor(Settings(), is_well=True)
