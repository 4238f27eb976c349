"""The database: one engine, and two ways in. A transaction never waits for the network."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.pool import StaticPool

from tracker.errors import BadSettings, TrackerError
from tracker.letters import bare_letters

T = TypeVar("T")

BUSY_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
# A path that is dead (a firewall that forgot us, a machine that lost its power) says nothing: without these
# a process would wait for hours for an answer that never comes. Asked after half a minute of silence, three
# times; and what we sent ourselves is answered within a minute, or the connection is over.
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# Where the path is fine and the server stuck (a lock, a sick disk). No statement of ours takes more than
# seconds, were it of a hundred thousand pairs; a task has ten minutes. Migrations have no such limit, and
# `pg_dump` and `psql` make connections of their own.
STATEMENT_TIMEOUT_S = 300
MEMORY = "sqlite://"  # a database of this process alone, gone with it

# What a driver says, and what that means: something to set up, or something that passes.
_SET_UP = (
    ("readonly database", "The database can not be written: check who owns the file and its folder."),
    (
        "unable to open database",
        "The database file can not be opened: check its folder and who may enter it.",
    ),
    ("not a database", "The database file is not SQLite's. Restore a backup: `cadencia restore FILE`."),
    ("no such table", "The database has no tables yet. Run `cadencia init` first."),
    ("no such column", "The database is of another version. Run `cadencia doctor`."),
    (
        "password authentication failed",
        "PostgreSQL refused the user or the password in CADENCIA_DATABASE_URL.",
    ),
    ("no password supplied", "PostgreSQL wants a password: add it to CADENCIA_DATABASE_URL."),
    ("does not exist", "PostgreSQL knows no such database, user or table: check CADENCIA_DATABASE_URL."),
    (
        "connection refused",
        "PostgreSQL does not answer at the address in CADENCIA_DATABASE_URL. Is it running?",
    ),
    ("timeout expired", "PostgreSQL does not answer at the address in CADENCIA_DATABASE_URL. Is it running?"),
    ("not known", "The host in CADENCIA_DATABASE_URL is not known."),
    ("translate host", "The host in CADENCIA_DATABASE_URL is not known."),
    ("resolve host", "The host in CADENCIA_DATABASE_URL is not known."),
    ("connection failed", "PostgreSQL can not be reached at the address in CADENCIA_DATABASE_URL."),
)
_PASSES = (
    ("database is locked", "The database is busy: another program kept it locked for long. Try again."),
    ("table is locked", "The database is busy: another program kept it locked for long. Try again."),
    ("disk is full", "The disk of the database is full: nothing was changed. Make room and try again."),
    ("no space left", "The disk of the database is full: nothing was changed. Make room and try again."),
    ("malformed", "The database file is damaged. Restore a backup: `cadencia restore FILE`."),
    ("disk i/o error", "The disk failed while the database was read or written. Is it full?"),
    ("too many clients", "PostgreSQL takes no more connections now. Try again, or raise max_connections."),
    (
        "statement timeout",
        "PostgreSQL took too long over one statement: nothing was changed. Try again; see its log.",
    ),
    ("server closed the connection", "PostgreSQL closed the connection: nothing was changed. Try again."),
)


class Store:
    """Opens sessions on the database at `url`. Safe to share between threads; not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = open_engine(url)

    @contextmanager
    def read(self) -> Iterator[OrmSession]:
        """Give a session that reads one consistent state and is rolled back at the end."""
        with OrmSession(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def write(self) -> Iterator[OrmSession]:
        """Give a session whose changes are committed together at the end, or not at all."""
        with OrmSession(self.engine, expire_on_commit=False) as session:
            # On SQLite this takes the write lock now: a transaction that reads first and writes later fails
            # at once when another wrote in between, however long the busy timeout.
            session.connection(execution_options={"cadencia_writes": True})
            yield session
            session.commit()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_engine(url: str) -> Engine:
    """Return an engine for SQLite (WAL, foreign keys enforced) or PostgreSQL."""
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S, **KEEPALIVES},
        )
        event.listen(engine, "connect", _prepare_postgres)
        return engine
    if url == MEMORY:
        # One connection, which all threads share: they take turns.
        engine = create_engine(
            url, hide_parameters=True, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def sqlite_file(url: str) -> Path | None:
    """Return the file that the database at `url` lives in; None where it lives elsewhere."""
    parts: URL = make_url(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def portions(things: Iterable[T], size: int = 10_000) -> Iterator[list[T]]:
    """Yield `things` in lists that fit into one statement: SQLite takes at most 32,766 parameters."""
    left = iter(things)
    while portion := list(islice(left, size)):
        yield portion


def explain(error: SQLAlchemyError) -> TrackerError:
    """Return what went wrong with the database and what to do; never shows a row or a password.

    BadSettings is for what somebody has to set up, another TrackerError for what may pass.
    """
    origin = getattr(error, "orig", None) or error
    said = str(origin).lower()
    for sign, meaning in _PASSES:
        if sign in said:
            return TrackerError(meaning)
    for sign, meaning in _SET_UP:
        if sign in said:
            return BadSettings(meaning)
    return TrackerError(f"The database refused ({type(origin).__name__}). Run `cadencia doctor`.")


def _prepare_postgres(connection: Any, _record: Any) -> None:
    # Not an option of the connection's start: a pooler between us and the server may refuse such.
    connection.autocommit = True
    connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
    connection.autocommit = False


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling begins late and commits early; we say BEGIN ourselves.
    connection.isolation_level = None
    connection.create_function("bare_letters", 1, bare_letters, deterministic=True)
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get("cadencia_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
