"""A date that a pair asks for, from the row to the provider and back to the ledger: Google and Outlook alike.

The connectors are the real ones, the providers our own. Processes die after the provider did its part and
before we could write that down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from integrations.outlook import close_connections
from integrations.providers import SettingsDiaries
from tests.contract.company import ANA, BEN, Company, GoogleConnector
from tests.contract.outlook import OutlookConnector
from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import ALL_THAT_WE_USE
from tests.fakes.graph import FakeGraph, running_graph
from tests.tracker.services.diaries import Killed
from tests.tracker.world import instant
from tracker.events import TagRule, Window
from tracker.models import Booking, BookingState, Calendar, Copy, Person
from tracker.ports import Access, Diary, Entry, Meeting
from tracker.services.audit import Act
from tracker.services.bookings import book, call_off, list_booked, move_booking
from tracker.services.carrying import LEASE, carry_out
from tracker.services.freetime import Wish, find_slots
from tracker.services.sync import sync_calendar
from tracker.store import Store

KEYS = ("a key that is long enough to be one",)
NOW = instant("2026-03-02 09:00")
FIRST = Window(instant("2026-03-05 10:00"), instant("2026-03-05 10:45"))
SECOND = Window(instant("2026-03-06 15:00"), instant("2026-03-06 15:45"))
THIRD = Window(instant("2026-03-09 11:00"), instant("2026-03-09 11:45"))


@dataclass
class Mortal:
    """A diary whose process dies right after the provider did what it was asked."""

    diary: Diary
    owner: Mortals

    def free_busy(self, people: list[str], window: Window) -> object:
        return self.diary.free_busy(people, window)

    def create(self, meeting: Meeting) -> Entry:
        return self._done(self.diary.create(meeting))

    def look(self, provider_event_id: str) -> Entry | None:
        return self.diary.look(provider_event_id)

    def move(self, entry: Entry, starts_at: datetime, ends_at: datetime) -> Entry:
        return self._done(self.diary.move(entry, starts_at, ends_at))

    def cancel(self, entry: Entry) -> None:
        self.diary.cancel(entry)
        self._done(entry)

    def _done(self, entry: Entry) -> Entry:
        if self.owner.deaths:
            self.owner.deaths -= 1
            raise Killed
        return entry


@dataclass
class Mortals:
    """Opens the connectors' own diaries; so many writings to come end their process."""

    diaries: SettingsDiaries
    deaths: int = 0

    def open(self, provider: str, address: str, access: Access | None = None) -> Diary:
        return Mortal(self.diaries.open(provider, address, access), self)  # type: ignore[return-value]


@dataclass
class Desk:
    """The company, and the shortcuts of a pair that looks for a date."""

    company: Company
    entry_ids: Callable[[], list[str]]
    now: datetime = NOW
    mortals: Mortals = field(init=False)

    def __post_init__(self) -> None:
        self.company.settings = replace(self.company.settings, secret_keys=KEYS)
        self.mortals = Mortals(SettingsDiaries(self.company.settings))
        self.company.diaries = self.mortals  # type: ignore[attr-defined]
        self.company.clock.instant = NOW
        self.hers = self.mortals.diaries.open(self.company.connector.provider, ANA)
        with self.company.store.read() as db:
            self.ana = db.scalars(select(Person.id).where(Person.email == ANA)).one()

    @property
    def act(self) -> Act:
        return Act(self.ana, "site", self.now)

    def book(self) -> int:
        with self.company.store.write() as db:
            return book(db, KEYS, self.company.pair, FIRST, self.act).id

    def move(self, booking: int, slot: Window = SECOND) -> None:
        with self.company.store.write() as db:
            move_booking(db, booking, slot, self.act)

    def call_off(self, booking: int) -> None:
        with self.company.store.write() as db:
            call_off(db, booking, self.act)

    def carry(self) -> None:
        carry_out(self.company, self.now)  # type: ignore[arg-type]

    def die_and_try_again(self) -> None:
        self.mortals.deaths = 1
        with pytest.raises(Killed):
            self.carry()
        self.now += LEASE + timedelta(minutes=1)
        self.carry()

    def row(self, booking: int) -> Booking:
        with self.company.store.read() as db:
            return db.get_one(Booking, booking)

    def standing(self) -> list[datetime]:
        """Where the entries of Ana's calendar stand, as the provider tells it."""
        entries = [self.hers.look(entry_id) for entry_id in self.entry_ids()]
        return sorted(e.starts_at for e in entries if e is not None and not e.is_cancelled)

    def sync(self) -> None:
        with self.company.store.read() as db:
            ids = db.scalars(select(Calendar.id).join(Person).where(Person.email == ANA)).all()
        for calendar_id in ids:
            sync_calendar(self.company, calendar_id, self.now + timedelta(minutes=1))


@pytest.fixture(params=["google", "outlook"])
def desk(request: pytest.FixtureRequest, google: FakeGoogle, store: Store, tmp_path: Path) -> Iterator[Desk]:
    google.office.now = NOW
    if request.param == "google":
        google.desk.delegated = set(ALL_THAT_WE_USE)
        company = Company(store, GoogleConnector(google), google)
        yield Desk(company, lambda: list(google.office.calendars[ANA].items))
        return
    graph = FakeGraph()
    with running_graph(graph, tmp_path):
        company = Company(store, OutlookConnector(graph, google.office), google)
        box = graph.mailboxes[ANA]
        yield Desk(company, lambda: [k.event.id for k in box.items.values() if k.folder is None])
        close_connections()
    assert graph.defects == []


def test_a_date_reaches_the_calendar_and_comes_back_as_a_session(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    assert desk.standing() == [FIRST.start]
    desk.sync()
    with desk.company.store.read() as db:
        copy = db.scalars(select(Copy)).one()
        (booked,) = list_booked(db, desk.company.pair, desk.now)
    assert (copy.tag_rule, copy.reference) == (TagRule.CADENCIA, desk.row(booking).reference)
    assert booked.session_id is not None
    assert desk.company.standing() == [FIRST.start]


def test_a_process_that_dies_leaves_one_entry(desk: Desk) -> None:
    booking = desk.book()
    desk.die_and_try_again()
    assert desk.standing() == [FIRST.start]
    assert desk.row(booking).state is BookingState.WRITTEN


def test_a_date_moves_once_whoever_dies(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    desk.move(booking)
    desk.die_and_try_again()
    row = desk.row(booking)
    assert (desk.standing(), row.state, row.problem) == ([SECOND.start], BookingState.WRITTEN, None)
    desk.sync()
    assert desk.company.standing() == [SECOND.start]


def test_what_was_moved_in_the_calendar_meanwhile_holds(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    entry = desk.hers.look(desk.row(booking).provider_event_id or "")
    assert entry is not None
    desk.hers.move(entry, THIRD.start, THIRD.end)
    desk.move(booking)
    desk.carry()
    row = desk.row(booking)
    assert desk.standing() == [THIRD.start]
    assert (row.state, row.problem, row.starts_at) == (BookingState.WRITTEN, "moved_there", THIRD.start)


def test_once_it_was_read_the_new_time_is_no_surprise(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    entry = desk.hers.look(desk.row(booking).provider_event_id or "")
    assert entry is not None
    desk.hers.move(entry, THIRD.start, THIRD.end)
    desk.sync()
    desk.move(booking)
    desk.carry()
    assert (desk.standing(), desk.row(booking).problem) == ([SECOND.start], None)


def test_who_asks_twice_before_it_was_read_gets_the_second_date(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    desk.sync()
    for slot in (SECOND, THIRD):
        desk.move(booking, slot)
        desk.carry()
    assert (desk.standing(), desk.row(booking).problem) == ([THIRD.start], None)


def test_what_was_just_moved_can_be_called_off(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    desk.sync()
    desk.move(booking)
    desk.carry()
    desk.call_off(booking)
    desk.carry()
    assert (desk.standing(), desk.row(booking).problem) == ([], None)


def test_calling_off_reaches_the_ledger(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    desk.sync()
    desk.call_off(booking)
    desk.die_and_try_again()
    assert desk.row(booking).state is BookingState.CANCELLED
    assert desk.standing() == []
    desk.sync()
    assert desk.company.standing() == []


def test_what_was_called_off_in_the_calendar_stays_off(desk: Desk) -> None:
    booking = desk.book()
    desk.carry()
    entry = desk.hers.look(desk.row(booking).provider_event_id or "")
    assert entry is not None
    desk.hers.cancel(entry)
    desk.move(booking)
    desk.carry()
    row = desk.row(booking)
    assert (row.state, row.problem) == (BookingState.CANCELLED, "cancelled_there")
    assert desk.standing() == []


def test_a_session_that_stands_is_no_free_time(desk: Desk) -> None:
    desk.book()
    desk.carry()
    around = Window(FIRST.start - timedelta(hours=1), FIRST.end + timedelta(minutes=45))
    wish = Wish(around, desk.ana, timedelta(minutes=45), most=9)
    slots = find_slots(desk.company, desk.company.pair, wish, desk.now)  # type: ignore[arg-type]
    assert slots.unseen == frozenset()
    assert all(slot.end <= FIRST.start or slot.start >= FIRST.end for slot in slots.offers)
    assert slots.offers


def test_ben_is_invited_too(desk: Desk) -> None:
    desk.book()
    desk.carry()
    his = desk.mortals.diaries.open(desk.company.connector.provider, BEN)
    assert his.free_busy([BEN], FIRST)[BEN] == (FIRST,)
