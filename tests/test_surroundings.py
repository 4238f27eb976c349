"""Tests reach nothing beyond this machine, and see none of its habits."""

from __future__ import annotations

import os
import socket
import time
import warnings

import pytest

# 192.0.2.0/24 is set aside for documentation (RFC 5737), `.invalid` for names that never are (RFC 2606).
OUTSIDE = ("192.0.2.1", 80)


def test_nothing_outside_is_reached() -> None:
    with pytest.raises((RuntimeError, UserWarning), match=r"192\.0\.2\.1"), socket.socket() as probe:
        probe.connect(OUTSIDE)


@pytest.mark.parametrize("name", ["calendar.invalid", b"calendar.invalid"])
def test_no_name_is_looked_up(name: str | bytes) -> None:
    with pytest.raises(RuntimeError, match=r"calendar\.invalid"):
        socket.getaddrinfo(name, 443)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port), timeout=5) as client:
            assert client.getpeername() == ("127.0.0.1", port)


def test_no_setting_and_no_zone_of_this_machine_is_seen() -> None:
    seen = [
        name for name in os.environ if name.startswith("CADENCIA_") and name != "CADENCIA_REQUIRE_BROWSER"
    ]
    assert seen == []
    assert time.tzname[0] not in ("UTC", "GMT")


def test_a_warning_is_an_error() -> None:
    with pytest.raises(DeprecationWarning):
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)
