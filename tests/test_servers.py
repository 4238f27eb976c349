"""The test servers themselves work, and go away."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from playwright.sync_api import Browser

from tests.servers import PostgresServer, RedisServer

ROOT = Path(__file__).parent.parent


def test_an_empty_database_takes_a_table(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    try:
        assert sa.inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE pair (id INTEGER PRIMARY KEY, name TEXT)"))
            connection.execute(sa.text("INSERT INTO pair VALUES (1, 'Ñandú')"))
            assert connection.execute(sa.text("SELECT name FROM pair")).scalar_one() == "Ñandú"
    finally:
        engine.dispose()


def test_postgres_listens_on_loopback_alone_and_leans_on_no_zone(postgres_server: PostgresServer) -> None:
    engine = sa.create_engine(postgres_server.url("postgres"))
    try:
        with engine.connect() as connection:
            assert connection.execute(sa.text("SHOW listen_addresses")).scalar_one() == "127.0.0.1"
            assert connection.execute(sa.text("SHOW timezone")).scalar_one() != "UTC"
    finally:
        engine.dispose()


def test_each_test_gets_a_database_of_its_own(postgres_server: PostgresServer) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    assert first != second
    postgres_server.drop_database(first)
    postgres_server.drop_database(second)


def test_redis_sets_and_gets(redis_server: RedisServer, redis_url: str) -> None:
    assert redis_url.startswith("redis://127.0.0.1:")
    assert redis_server.command("DBSIZE") == ":0"
    assert redis_server.command("SET greeting hello") == "+OK"
    assert redis_server.reply("GET greeting") == "$5\r\nhello\r\n"


KILLED_RUN = """
import os, signal
from tests.servers import running_postgres, running_redis
with running_postgres() as postgres, running_redis() as redis:
    print(postgres.folder, postgres.port, redis.folder, redis.port, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_test_run_leaves_no_server_and_no_folder() -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED_RUN], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    postgres_folder, postgres_port, redis_folder, redis_port = run.stdout.split()
    folders = [Path(postgres_folder), Path(redis_folder)]

    deadline = time.monotonic() + 30
    while any(folder.exists() for folder in folders) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert not any(folder.exists() for folder in folders)
    assert not any(_listens(int(port)) for port in (postgres_port, redis_port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_browser_shows_a_page(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content("<h1>Cadencia</h1>")
        assert page.get_by_role("heading").inner_text() == "Cadencia"
