"""What tests of the domain share: a database with its tables, and a vault."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.vault import FernetVault, fresh_key
from tests.servers import PostgresServer
from tracker.services import schema
from tracker.store import Store

SQLITE, POSTGRESQL = "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture
def empty_store(database_url: str) -> Iterator[Store]:
    """A database without tables, on SQLite and on PostgreSQL."""
    store = Store(database_url)
    yield store
    store.close()


# Migrating takes longer than most tests: it is done once, and each test gets a copy.


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the tables of this version."""
    file = tmp_path_factory.mktemp("template") / "template.sqlite"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a PostgreSQL database with the tables of this version."""
    name = postgres_server.create_database()
    _migrate(postgres_server.url(name))
    return name


def _migrate(url: str) -> None:
    store = Store(url)
    schema.upgrade(store)
    store.close()


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database with the tables of this version, on SQLite and on PostgreSQL."""
    if request.param == SQLITE:
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "cadencia.sqlite")
        yield from _opened(f"sqlite:///{tmp_path / 'cadencia.sqlite'}")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database(template=request.getfixturevalue("postgres_template"))
    yield from _opened(server.url(name))
    server.drop_database(name)


def _opened(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def vault() -> FernetVault:
    """A vault with a key of its own."""
    return FernetVault([fresh_key()])
