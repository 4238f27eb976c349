"""The company, once for every connector and every database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.google import close_connections
from tests.contract.company import Company, Connector, FileConnector, GoogleConnector
from tests.fakes.google import FakeGoogle, running_google
from tests.tracker.conftest import postgres_template, sqlite_template, store
from tracker.store import Store

__all__ = ["postgres_template", "sqlite_template", "store"]


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """A Google on loopback; at the end, all its answers must have been as the API's description says."""
    with running_google(FakeGoogle()) as google:
        yield google
        close_connections()
    assert google.defects == []


@pytest.fixture(params=["google", "ical"])
def connector(request: pytest.FixtureRequest, google: FakeGoogle, tmp_path: Path) -> Connector:
    """Each way to read the calendars."""
    return GoogleConnector(google) if request.param == "google" else FileConnector(google, tmp_path)


@pytest.fixture
def company(connector: Connector, google: FakeGoogle, store: Store) -> Company:
    """Ana and Ben, paired, with nothing in their calendars."""
    return Company(store, connector, google)
