"""The tables: what the migrations make is what the models say, up, down and up again."""

import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect, text

from tracker.errors import BadSettings
from tracker.models import Base
from tracker.services import schema
from tracker.store import MEMORY, Store


def _tables(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names())


def _checks(store: Store) -> dict[str, set[str | None]]:
    seen = inspect(store.engine)
    return {t: {c["name"] for c in seen.get_check_constraints(t)} for t in seen.get_table_names()}


def test_the_migrations_make_what_the_models_say(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_migrations_make_the_checks_too(store: Store) -> None:
    # Alembic compares no check constraints.
    wanted = {
        table.name: {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
        for table in Base.metadata.sorted_tables
    }
    made = _checks(store)
    assert {name: made[name] for name in wanted} == wanted


def test_the_migrations_go_up_down_and_up(empty_store: Store) -> None:
    schema.upgrade(empty_store)
    made = _tables(empty_store)
    schema.downgrade(empty_store, "base")
    assert _tables(empty_store) == {"alembic_version"}
    schema.upgrade(empty_store)
    assert _tables(empty_store) == made


def test_a_second_upgrade_changes_nothing(store: Store) -> None:
    before = _tables(store)
    schema.upgrade(store)
    assert _tables(store) == before
    schema.require_current(store)


def test_two_upgrades_at_once_take_turns(database_url: str) -> None:
    failures: list[Exception] = []

    def run() -> None:
        own = Store(database_url)
        try:
            schema.upgrade(own)
        except Exception as error:
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_migration_that_fails_leaves_nothing_behind(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = command.upgrade

    def fails_at_the_end(config: Config, revision: str) -> None:
        real(config, revision)
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr(command, "upgrade", fails_at_the_end)
    with pytest.raises(RuntimeError):
        schema.upgrade(empty_store)
    assert _tables(empty_store) == set()


def test_an_empty_database_is_told_apart_from_a_newer_one(empty_store: Store) -> None:
    with pytest.raises(BadSettings, match="cadencia init"):
        schema.require_current(empty_store)
    schema.upgrade(empty_store)
    with empty_store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadSettings, match="newer"):
        schema.require_current(empty_store)


def test_foreign_keys_are_enforced_after_an_upgrade(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    schema.upgrade(store)
    with store.engine.connect() as connection:
        assert _foreign_keys(connection) == 1
    store.close()


def _foreign_keys(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one())


def test_a_database_in_memory_has_the_same_tables(store: Store) -> None:
    memory = Store(MEMORY)
    schema.create_in_memory(memory)
    assert _tables(memory) == _tables(store) - {"alembic_version"}
    memory.close()


def test_an_older_database_is_told_from_a_newer_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = schema.newest()
    assert not schema.is_older(store)
    monkeypatch.setattr(schema, "_known", lambda: frozenset({newest, "9000"}))
    assert schema.is_older(store)
    with pytest.raises(BadSettings, match="older version"):
        schema.require_current(store)
    monkeypatch.setattr(schema, "_known", lambda: frozenset({"0000"}))
    assert not schema.is_older(store)
