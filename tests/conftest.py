"""What every test stands on: real servers, empty databases, a browser, and no way out to the network.

Only browser tests may skip, and only where no Chromium is found; with CADENCIA_REQUIRE_BROWSER=1 (CI) they
fail instead.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from tests.servers import PostgresServer, RedisServer, running_postgres, running_redis

REQUIRE_BROWSER: Final = "CADENCIA_REQUIRE_BROWSER"
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)


def _forget_surroundings() -> None:
    # A developer's own settings, database habits and proxies have no say in tests. The zone is one that
    # neither the sample data nor PostgreSQL uses, so that whatever leans on the machine's zone shows.
    for name in list(os.environ):
        meddles = name.startswith(("CADENCIA_", "PG")) or name.lower().endswith("_proxy")
        if meddles and name != REQUIRE_BROWSER:
            del os.environ[name]
    os.environ["TZ"] = "Pacific/Chatham"
    time.tzset()
    # Run in the background of a script we would ignore Ctrl-C, and so would commands that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_forget_surroundings()

# The machine may be slow and shared, so no example has a deadline; failures print how to run them again. Here
# examples vary from run to run; CI, where nobody can try again, has the same ones each time.
settings.register_profile("cadencia", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
settings.load_profile("cadencia")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser or PostgreSQL, so that `-m "not browser"` works without marking by hand."""
    for item in items:
        fixtures: tuple[str, ...] = tuple(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
        if "fresh_database" in fixtures or "postgres_server" in fixtures:
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    # Commands that serve set logging up for their whole process, which here is that of the next tests, too.
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:  # pytest's own are of kinds derived from it
            root.removeHandler(handler)


# --- the network: pytest-socket guards connections (pyproject.toml), this guards looking names up ---


@pytest.fixture(autouse=True)
def _no_name_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def guarded(host: bytes | str | None, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in (None, "", "localhost") or _is_address(name):
            return real(host, *args, **kwargs)
        raise RuntimeError(f"a test tried to look up {name!r}; only loopback is open, so give it a fake")

    monkeypatch.setattr(socket, "getaddrinfo", guarded)


def _is_address(name: str | None) -> bool:
    try:
        ipaddress.ip_address((name or "").partition("%")[0])
    except ValueError:
        return False
    return True


# --- databases ---


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL server; each xdist worker has its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def fresh_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of an empty database: a test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cadencia.sqlite'}"
    url: str = request.getfixturevalue("fresh_database")
    return url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A real Redis server; each xdist worker has its own."""
    with running_redis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty Redis server."""
    redis_server.command("FLUSHALL")
    return redis_server.url


# --- the browser ---


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that reaches nothing but loopback; make a new context in each test."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        reason = f"no Chromium found (looked for {', '.join(CHROMIUM_NAMES)})"
        if os.environ.get(REQUIRE_BROWSER) == "1":
            pytest.fail(f"{reason}, and {REQUIRE_BROWSER}=1", pytrace=False)
        pytest.skip(f"{reason}: install the package `chromium`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()
