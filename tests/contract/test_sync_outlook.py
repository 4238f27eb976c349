"""What every connector owes, owed by Outlook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.outlook import close_connections
from tests.contract.company import ANA, BEN, DAY, MONDAY, Company
from tests.contract.outlook import OutlookConnector
from tests.contract.test_sync import *  # noqa: F403
from tests.contract.test_sync import (
    FOUR,
    WEEKLY,
    test_split_moves_what_follows,
    test_split_without_a_new_time_changes_nothing,
)
from tests.fakes.google import FakeGoogle
from tests.fakes.graph import FakeGraph, running_graph


@pytest.fixture
def connector(google: FakeGoogle, tmp_path: Path) -> Iterator[OutlookConnector]:
    """Mailboxes that follow the office; all that was asked of them must have been as Graph wants it."""
    with running_graph(FakeGraph(), tmp_path) as graph:
        yield OutlookConnector(graph, google.office)
        close_connections()
    assert graph.defects == []


# Outlook makes two series of one that is split, with nothing in common that anybody could tell.
del test_split_moves_what_follows, test_split_without_a_new_time_changes_nothing


def test_split_without_a_new_time_calls_nothing_off(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.split(series, FOUR[2])
    company.sync(ANA)
    assert company.shown(ANA) == FOUR
    assert company.cancelled() == []


def test_split_shows_what_follows_at_its_new_time(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.split(series, FOUR[2], FOUR[2] + DAY)
    company.sync(ANA)
    assert company.shown(ANA) == [*FOUR[:2], FOUR[2] + DAY, FOUR[3] + DAY]
    assert company.cancelled() == []
