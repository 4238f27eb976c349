"""The database: one engine, and two ways in. A transaction never waits for the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session as OrmSession

BUSY_TIMEOUT_S = 30


class Store:
    """Opens sessions on the database at `url`. Safe to share between threads; not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = open_engine(url)

    @contextmanager
    def read(self) -> Iterator[OrmSession]:
        """Give a session that reads one consistent state and is rolled back at the end."""
        with OrmSession(self.engine, expire_on_commit=False) as session:
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
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling begins late and commits early; we say BEGIN ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get("cadencia_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
