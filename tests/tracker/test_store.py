"""The database opens as it should, and says in words what went wrong with it."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from tracker.errors import BadSettings, TrackerError
from tracker.models import Program
from tracker.services import schema
from tracker.services.backup import postgres
from tracker.store import KEEPALIVES, MEMORY, Store, explain, portions, sqlite_file

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _count(store: Store) -> int:
    with store.read() as db:
        return db.scalar(select(func.count()).select_from(Program)) or 0


def test_what_is_written_is_there_and_what_failed_is_not(store: Store) -> None:
    with store.write() as db:
        db.add(Program(name="A", created_at=NOW))
    with pytest.raises(RuntimeError):
        _write_and_fail(store)
    assert _count(store) == 1


def _write_and_fail(store: Store) -> None:
    with store.write() as db:
        db.add(Program(name="B", created_at=NOW))
        db.flush()
        raise RuntimeError


def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    with store.read() as db:
        before = db.scalar(select(func.count()).select_from(Program))
        with store.write() as other:
            other.add(Program(name="A", created_at=NOW))
        assert db.scalar(select(func.count()).select_from(Program)) == before
    assert _count(store) == 1


def test_two_who_read_and_then_write_take_turns(store: Store) -> None:
    """On SQLite a transaction that begins as a reader could not become a writer."""
    failures: list[Exception] = []

    def write(name: str) -> None:
        try:
            for number in range(20):
                with store.write() as db:
                    db.scalar(select(func.count()).select_from(Program))
                    db.add(Program(name=f"{name}{number}", created_at=NOW))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _count(store) == 60


def test_a_database_in_memory_is_shared_by_threads() -> None:
    store = Store(MEMORY)
    schema.create_in_memory(store)
    counts: list[int] = []
    with store.write() as db:
        db.add(Program(name="A", created_at=NOW))
    thread = threading.Thread(target=lambda: counts.append(_count(store)))
    thread.start()
    thread.join()
    assert counts == [1]
    store.close()


def test_the_file_of_a_database_is_told() -> None:
    assert sqlite_file("sqlite:///x/y.sqlite") == Path("x/y.sqlite")
    assert sqlite_file(MEMORY) is None
    assert sqlite_file("postgresql+psycopg://h/x") is None


def test_portions_are_whole_and_in_order() -> None:
    assert list(portions(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(portions([], 2)) == []


def _failure(url: str, statement: str) -> SQLAlchemyError:
    store = Store(url)
    try:
        with pytest.raises(SQLAlchemyError) as caught, store.engine.begin() as connection:
            connection.execute(text(statement), {"secret": "s3cret"} if ":secret" in statement else {})
    finally:
        store.close()
    return caught.value


def test_a_database_without_tables_is_told_to_be_initialised(database_url: str) -> None:
    error = explain(_failure(database_url, "SELECT * FROM people"))
    assert isinstance(error, BadSettings)
    assert "cadencia" in str(error) or "CADENCIA_DATABASE_URL" in str(error)


def test_values_of_a_statement_are_in_no_message(database_url: str) -> None:
    failure = _failure(database_url, "SELECT :secret FROM nowhere")
    assert "s3cret" not in str(failure)
    assert "s3cret" not in str(explain(failure))


def test_a_lock_that_lasts_is_something_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.store.BUSY_TIMEOUT_S", 0.05)
    file = tmp_path / "x.sqlite"
    store = Store(f"sqlite:///{file}")
    schema.upgrade(store)
    blocking = sqlite3.connect(file, isolation_level=None)
    blocking.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError) as caught, store.write() as db:
        db.add(Program(name="A", created_at=NOW))
    blocking.close()
    store.close()
    error = explain(caught.value)
    assert "busy" in str(error)
    assert not isinstance(error, BadSettings)


def test_what_is_no_database_says_so(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    file.write_text("these are not the rows you are looking for" * 100)
    assert "not SQLite's" in str(explain(_failure(f"sqlite:///{file}", "SELECT 1")))


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert "can not be opened" in str(explain(_failure(f"sqlite:///{tmp_path}/no/x.sqlite", "SELECT 1")))


def test_a_server_that_is_not_there_says_so() -> None:
    error = explain(_failure("postgresql+psycopg://u:s3cret@127.0.0.1:1/x", "SELECT 1"))
    assert isinstance(error, BadSettings)
    assert "CADENCIA_DATABASE_URL" in str(error)
    assert "s3cret" not in str(error)


def test_a_database_that_does_not_exist_says_so(fresh_database: str) -> None:
    error = explain(_failure(fresh_database + "_not", "SELECT 1"))
    assert "knows no such database" in str(error)


@pytest.mark.parametrize(
    "said", ["database or disk is full", "could not extend file: No space left on device"]
)
def test_a_full_disk_says_so(said: str) -> None:
    error = explain(OperationalError("INSERT", {}, sqlite3.OperationalError(said)))
    assert "disk" in str(error)
    assert type(error) is TrackerError


def _timeout(connection: Connection) -> str:
    return str(connection.execute(text("SHOW statement_timeout")).scalar_one())


def test_a_connection_to_postgresql_notices_that_its_path_is_dead(fresh_database: str) -> None:
    store = Store(fresh_database)
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        given = driver.info.get_parameters()
        assert {name: given[name] for name in KEEPALIVES} == {k: str(v) for k, v in KEEPALIVES.items()}
    store.close()


def test_no_statement_lasts_for_ever_also_on_a_connection_that_is_used_again(fresh_database: str) -> None:
    store = Store(fresh_database)
    for _ in range(2):
        with store.engine.connect() as connection:
            assert _timeout(connection) == "5min"
            connection.rollback()
    store.close()


def test_a_statement_that_lasts_too_long_is_something_that_passes(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.store.STATEMENT_TIMEOUT_S", 0.05)
    error = explain(_failure(fresh_database, "SELECT pg_sleep(5)"))
    assert "too long" in str(error)
    assert not isinstance(error, BadSettings)


def test_migrations_take_as_long_as_they_need(fresh_database: str) -> None:
    store = Store(fresh_database)
    with schema._migrating(store) as connection:
        assert _timeout(connection) == "0"
    with store.engine.connect() as connection:
        assert _timeout(connection) == "5min"
    store.close()


def test_backups_take_as_long_as_they_need(fresh_database: str) -> None:
    store = Store(fresh_database)
    told = postgres._run(store, "psql", ["-tAc", "SHOW statement_timeout", postgres._conninfo(store)])
    assert told.strip() == "0"
    store.close()
