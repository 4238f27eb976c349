"""A Microsoft 365 on loopback, and a mailbox on it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integrations import outlook as connector
from integrations.outlook import open as opening
from integrations.outlook.client import GraphApi
from integrations.providers import open_calendar
from tests.fakes.graph import FakeGraph, Mailbox, running_graph
from tests.fakes.graph.mailbox import write_time
from tests.fakes.graph.mirror import exchange_uid, graph_id
from tests.fakes.graph.shapes import Attendee, EmailAddress, Event, Recipient
from tracker.events import CalendarEvent, EventStatus, Pull, Window
from tracker.ports import CalendarSource
from tracker.settings import Settings
from tracker.tags import TagRules

ANA, BEN, EVE = "ana@example.com", "ben@example.com", "eve@example.com"
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
LENGTH = timedelta(minutes=45)


def event(name: str, start: datetime = MONDAY, /, **about: Any) -> Event:
    """Return a meeting of Ana's with Ben, 45 minutes long; `about` overrides the resource's fields."""
    return Event(**{
        "id": graph_id(name),
        "ical_uid": exchange_uid(name),
        "start": write_time(start),
        "end": write_time(start + LENGTH),
        "organizer": Recipient(email_address=EmailAddress(address=ANA)),
        "attendees": [Attendee(email_address=EmailAddress(address=BEN))],
        **about,
    })  # fmt: skip


def series(name: str, starts: list[datetime], **about: Any) -> tuple[Event, list[Event]]:
    """Return a series and its occurrences."""
    master = event(name, starts[0], type="seriesMaster", **about)
    return master, [occurrence(master, name, start) for start in starts]


def occurrence(master: Event, name: str, slot: datetime, **about: Any) -> Event:
    """Return the occurrence at a slot; with `about`, an exception."""
    kind = (
        {"type": "exception", "original_start": f"{slot:%Y-%m-%dT%H:%M:%SZ}"}
        if about
        else {"type": "occurrence"}
    )
    return msgspec.structs.replace(master, **{
        "id": graph_id(f"{name} {slot:%Y%m%d}"),
        "series_master_id": master.id,
        "ical_uid": exchange_uid(name, slot),
        "start": write_time(slot),
        "end": write_time(slot + LENGTH),
        "cancelled_occurrences": [],
        **kind,
        **about,
    })  # fmt: skip


@dataclass
class Reading:
    """Somebody's calendar, read again and again."""

    graph: FakeGraph
    box: Mailbox
    rules: TagRules = field(default_factory=TagRules)
    cursor: str | None = None

    def open(self, settings: Settings | None = None) -> CalendarSource:
        """Open the calendar as the registry does."""
        return open_calendar("outlook", self.box.owner, "UTC", settings or self.graph.settings())

    def pull(self, window: Window = WINDOW) -> Pull:
        """Read what is new, and keep the cursor."""
        pull = self.open().pull(self.cursor, window, self.rules)
        self.cursor = pull.cursor
        return pull


def standing(pull: Pull) -> list[datetime]:
    """Return where the events of a pull stand, less those that were called off."""
    return sorted(_at(e) for e in pull.events if e.status is not EventStatus.CANCELLED)


def called_off(pull: Pull) -> list[datetime]:
    """Return where the events of a pull stood that were called off."""
    return sorted(_at(e) for e in pull.events if e.status is EventStatus.CANCELLED)


def _at(event: CalendarEvent) -> datetime:
    assert isinstance(event.start, datetime)
    return event.start


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[FakeGraph]:
    """A Microsoft 365; all that was asked of it must have been as it wants it."""
    with running_graph(FakeGraph(), tmp_path) as graph:
        yield graph
        connector.close_connections()
    assert graph.defects == []


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be waited; nobody waits for real."""
    waited: list[float] = []
    monkeypatch.setattr(opening, "GraphApi", functools.partial(GraphApi, sleep=waited.append))
    return waited


@pytest.fixture
def ana(graph: FakeGraph) -> Reading:
    """Ana's calendar."""
    return Reading(graph, graph.hire(ANA))


@pytest.fixture
def ben(graph: FakeGraph) -> Reading:
    """Ben's calendar."""
    return Reading(graph, graph.hire(BEN), TagRules(owner=frozenset({BEN})))
