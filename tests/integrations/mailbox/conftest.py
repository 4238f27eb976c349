"""Ana mentors Ben, both have nothing but the mailbox, and the mailbox is on a server that runs here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.vault import fresh_key
from tests.fakes.imap import FakeImap
from tests.integrations.mailbox.office import Office
from tests.tracker.conftest import postgres_template, sqlite_template, store
from tracker.store import Store

__all__ = ["postgres_template", "sqlite_template", "store"]


@pytest.fixture
def imap() -> Iterator[FakeImap]:
    """A mail server."""
    server = FakeImap()
    yield server
    server.stop()


@pytest.fixture
def office(store: Store, imap: FakeImap) -> Iterator[Office]:
    """The company."""
    office = Office(store, imap, fresh_key())
    yield office
    office.close()
