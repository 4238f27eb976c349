"""A Google on loopback, and a calendar on it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from integrations import google as connector
from integrations.google import Place
from integrations.google import open as opening
from integrations.google.client import GoogleApi, MeetApi
from integrations.google.source import GoogleSource
from tests.fakes.google import FakeGoogle, running_google
from tracker.events import Pull, Window
from tracker.ports import Access
from tracker.tags import TagRules

ANA, BEN, EVE = "ana@example.com", "ben@example.com", "eve@example.com"
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass
class Calendar:
    """Somebody's calendar, read again and again."""

    google: FakeGoogle
    owner: str
    rules: TagRules = field(default_factory=TagRules)
    cursor: str | None = None

    def open(self, key: str | Access | None = None) -> GoogleSource:
        """Open the calendar as the registry does."""
        return connector.open_calendar(self.owner, key or self.google.key, place_of(self.google))

    def pull(self, window: Window = WINDOW) -> Pull:
        """Read what is new, and keep the cursor."""
        pull = self.open().pull(self.cursor, window, self.rules)
        self.cursor = pull.cursor
        return pull


def place_of(google: FakeGoogle) -> Place:
    """Return where that Google is."""
    return Place(**google.place)  # type: ignore[arg-type]


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """A Google with two people, whose answers must be as the API's description says."""
    with running_google(FakeGoogle()) as google:
        google.office.hire(ANA)
        google.office.hire(BEN)
        yield google
        connector.close_connections()
    assert google.defects == []


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be waited; nobody waits for real."""
    waited: list[float] = []
    for api in (GoogleApi, MeetApi):
        monkeypatch.setattr(opening, api.__name__, functools.partial(api, sleep=waited.append))
    return waited


@pytest.fixture
def ana(google: FakeGoogle) -> Calendar:
    """Ana's calendar."""
    return Calendar(google, ANA)


@pytest.fixture
def ben(google: FakeGoogle) -> Calendar:
    """Ben's calendar."""
    return Calendar(google, BEN)
