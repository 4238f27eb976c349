"""A company as the site's tests have it, on both databases; tests of a plainer world make their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.company import Company, Duo, open_company


@pytest.fixture
def company(tmp_path: Path, database_url: str) -> Iterator[Company]:
    """An empty company, on SQLite and on PostgreSQL."""
    made = open_company(tmp_path, database_url=database_url)
    yield made
    made.ports.store.close()


@pytest.fixture
def duo(company: Company) -> Duo:
    """Two who are a pair."""
    return company.duo()
