"""What tests of the domain share: a database with its tables, and a vault."""

from collections.abc import Iterator

import pytest

from integrations.vault import FernetVault, fresh_key
from tracker.services import schema
from tracker.store import Store


@pytest.fixture
def empty_store(database_url: str) -> Iterator[Store]:
    """A database without tables, on SQLite and on PostgreSQL."""
    store = Store(database_url)
    yield store
    store.close()


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A database with the tables of this version, on SQLite and on PostgreSQL."""
    schema.upgrade(empty_store)
    return empty_store


@pytest.fixture
def vault() -> FernetVault:
    """A vault with a key of its own."""
    return FernetVault([fresh_key()])
