"""Random edits, random syncs: after each sync, what we hold of a calendar is what it shows."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from integrations.google import close_connections
from tests.contract.company import (
    ANA,
    BEN,
    DAY,
    EVE,
    HOUR,
    MONDAY,
    Company,
    Connector,
    FileConnector,
    GoogleConnector,
)
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.google.calendar import Resource, instant, read_time, slots
from tracker.services import schema
from tracker.services.sync import Outcome
from tracker.store import Store

STARTS = st.integers(0, 60).map(lambda n: MONDAY + n * DAY + (n % 5) * HOUR)
SHIFTS = st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=-1), timedelta(days=3)])
PEOPLE = st.sampled_from([ANA, BEN])
GUESTS = st.sampled_from([(BEN,), (BEN, EVE)])
PICKS = st.integers(0, 1000)


class Edits(RuleBasedStateMachine):
    """Ana makes and changes meetings, Ben answers; both calendars are read in between."""

    make_connector: Callable[[FakeGoogle, Path], Connector]

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.google = self.stack.enter_context(running_google(FakeGoogle()))
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        store = Store(f"sqlite:///{folder / 'cadencia.sqlite'}")
        self.stack.callback(close_connections)
        self.stack.callback(store.close)
        schema.upgrade(store)
        self.company = Company(store, type(self).make_connector(self.google, folder), self.google)
        self.office = self.company.office

    def teardown(self) -> None:
        """Read both once more, and look at all answers of the server's."""
        with self.stack:
            for person in (ANA, BEN):
                self.read(person)
        assert self.google.defects == []

    @initialize(size=st.sampled_from([1, 2, 2500]), empty=st.booleans())
    def turn_pages(self, size: int, empty: bool) -> None:
        """Let listings come in many pages."""
        for calendar in self.office.calendars.values():
            calendar.page_size, calendar.empty_pages = size, empty

    # What is there to be changed

    def entries(self) -> list[Resource]:
        """Return what stands on Ana's calendar, series by themselves."""
        items = self.office.calendars[ANA].items.values()
        return [i for i in items if i["status"] != "cancelled" and "recurringEventId" not in i]

    def entry(self, pick: int) -> Resource:
        """Return one of them."""
        found = self.entries()
        return found[pick % len(found)]

    def series(self, pick: int) -> tuple[Resource, list[datetime]] | None:
        """Return a series, and its slots that are still as they were made."""
        item = self.entry(pick)
        if "recurrence" not in item:
            return None
        known = self.office.calendars[ANA].items
        fresh = [instant(s) for s in slots(item) if f"{item['id']}_{instant(s):%Y%m%dT%H%M%SZ}" not in known]
        return (item, fresh) if fresh else None

    # Deeds

    @rule(start=STARTS, guests=GUESTS)
    def make_meeting(self, start: datetime, guests: tuple[str, ...]) -> None:
        self.office.meet(ANA, guests, start)
        self.pass_time()

    @rule(start=STARTS, guests=GUESTS, count=st.integers(2, 4))
    def make_series(self, start: datetime, guests: tuple[str, ...], count: int) -> None:
        self.office.repeat(ANA, guests, start, f"FREQ=WEEKLY;COUNT={count}")
        self.pass_time()

    @rule(start=STARTS)
    def make_something_else(self, start: datetime) -> None:
        self.office.meet(ANA, (EVE, "fay@example.com"), start, summary="Lunch")
        self.pass_time()

    @precondition(lambda self: self.entries())
    @rule(pick=PICKS, shift=SHIFTS)
    def move(self, pick: int, shift: timedelta) -> None:
        item = self.entry(pick)
        self.office.move(item["id"], instant(read_time(item["start"])) + shift)
        self.pass_time()

    @precondition(lambda self: self.entries())
    @rule(pick=PICKS)
    def delete(self, pick: int) -> None:
        self.office.cancel(self.entry(pick)["id"])
        self.pass_time()

    @precondition(lambda self: self.entries())
    @rule(pick=PICKS, tagged=st.booleans())
    def rename(self, pick: int, tagged: bool) -> None:
        self.office.change(self.entry(pick)["id"], summary="#mentoring" if tagged else "Lunch")
        self.pass_time()

    @precondition(lambda self: self.entries())
    @rule(pick=PICKS, response=st.sampled_from(["accepted", "declined", "tentative"]))
    def answer(self, pick: int, response: str) -> None:
        self.office.answer(BEN, self.entry(pick)["id"], response)
        self.pass_time()

    @precondition(lambda self: self.entries())
    @rule(pick=PICKS, at=PICKS, shift=SHIFTS)
    def move_instance(self, pick: int, at: int, shift: timedelta) -> None:
        if found := self.series(pick):
            slot = found[1][at % len(found[1])]
            self.office.move_instance(found[0]["id"], slot, slot + shift)
            self.pass_time()

    @precondition(lambda self: self.entries())
    @rule(pick=PICKS, at=PICKS)
    def cancel_instance(self, pick: int, at: int) -> None:
        if found := self.series(pick):
            self.office.cancel_instance(found[0]["id"], found[1][at % len(found[1])])
            self.pass_time()

    @precondition(lambda self: self.entries())
    @rule(pick=PICKS, at=PICKS, shift=st.sampled_from([timedelta(0), timedelta(hours=2), timedelta(days=1)]))
    def split(self, pick: int, at: int, shift: timedelta) -> None:
        if (found := self.series(pick)) and "_R" not in found[0]["id"]:
            every = [instant(s) for s in slots(found[0])][1:]
            if every:
                slot = every[at % len(every)]
                self.office.split(found[0]["id"], slot, slot + shift)
                self.pass_time()

    @rule(person=PEOPLE)
    def forget_cursors(self, person: str) -> None:
        self.company.connector.forget_cursors()

    @rule()
    def deliver_again(self) -> None:
        self.company.connector.repeat_everything()

    @rule(person=PEOPLE)
    def read(self, person: str) -> None:
        """Read a calendar: what we hold of it is the truth."""
        result = self.company.sync_surely(person)
        assert result.outcome in (Outcome.READ, Outcome.UNCHANGED), result.problem
        assert self.company.shown(person) == self.company.truth(person)

    @rule(person=PEOPLE)
    def read_twice(self, person: str) -> None:
        """A second reading brings nothing new."""
        self.read(person)
        before = self.company.sessions()
        self.read(person)
        assert self.company.sessions() == before

    def pass_time(self) -> None:
        """Let some time pass, so that stamps differ."""
        self.office.now += timedelta(minutes=7)


def _google(google: FakeGoogle, _folder: Path) -> Connector:
    return GoogleConnector(google)


@pytest.mark.parametrize("make", [_google, FileConnector], ids=["google", "ical"])
def test_what_we_hold_is_what_the_calendars_show(make: Callable[[FakeGoogle, Path], Connector]) -> None:
    machine = type("EditsOf", (Edits,), {"make_connector": staticmethod(make)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
