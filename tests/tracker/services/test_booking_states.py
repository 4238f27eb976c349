"""Asking, doing, dying and meddling in any order: the calendars and the rows agree in the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from integrations.vault import FernetVault, fresh_key
from tests.tracker.services.booking_world import FIRST, NOW, BookingWorld, shift
from tests.tracker.services.diaries import Killed, Shelf, refused
from tracker.errors import BadInput
from tracker.models import TO_DO, Booking, BookingState
from tracker.services import schema
from tracker.services.bookings import try_again
from tracker.services.carrying import carry_out
from tracker.store import Store

SLOTS = st.integers(0, 5).map(lambda day: shift(FIRST, days=day))
PASSING = st.sampled_from(["unreachable", "server_error", "rate_limited"])
TROUBLE: st.SearchStrategy[Callable[[Shelf], None]] = st.one_of(
    st.just(lambda shelf: shelf.before.append(Killed())),
    st.just(lambda shelf: shelf.after.append(Killed())),
    PASSING.map(lambda code: lambda shelf: shelf.before.append(refused(code))),
    st.just(lambda shelf: shelf.after.append(refused("unreachable"))),
    st.just(lambda shelf: shelf.before.append(refused("no_right"))),
)
QUIET_ENOUGH = timedelta(hours=7)  # longer than any lease and any wait between two tries


@lru_cache
def empty_database() -> bytes:
    """A database with tables; making them takes longer than copying them."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.sqlite"
        store = Store(f"sqlite:///{file}")
        schema.upgrade(store)
        store.close()
        return file.read_bytes()


class Bookings(RuleBasedStateMachine):
    """One pair, two calendars, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        file = self.folder / "cadencia.sqlite"
        file.write_bytes(empty_database())
        store = Store(f"sqlite:///{file}")
        self.world = BookingWorld(store, FernetVault([fresh_key()]))
        self.now = NOW
        self.edited: set[str] = set()

    def teardown(self) -> None:
        self.settle()
        self.world.store.close()
        shutil.rmtree(self.folder)

    @rule(slot=SLOTS)
    def ask(self, slot: object) -> None:
        with suppress(BadInput):
            self.world.book(slot, at=self.now)  # type: ignore[arg-type]

    @rule(slot=SLOTS, which=st.integers(0, 5))
    def ask_for_another(self, slot: object, which: int) -> None:
        if booking := self._some(which):
            with suppress(BadInput):
                self.world.move(booking.id, slot, at=self.now)  # type: ignore[arg-type]

    @rule(which=st.integers(0, 5))
    def call_off(self, which: int) -> None:
        if booking := self._some(which):
            self.world.call_off(booking.id, at=self.now)

    @rule(which=st.integers(0, 5))
    def press_again(self, which: int) -> None:
        if booking := self._some(which):
            with self.world.store.write() as db:
                try_again(db, booking.id, self.world.act(self.now))

    @rule(trouble=TROUBLE, own=st.booleans())
    def trouble(self, trouble: Callable[[Shelf], None], *, own: bool) -> None:
        trouble(self.world.own if own else self.world.other)

    @rule(minutes=st.sampled_from([0, 1, 11, 70]))
    def carry(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        with suppress(Killed):
            carry_out(self.world, self.now)

    @precondition(lambda self: self.world.diaries.standing)
    @rule(which=st.integers(0, 5), hours=st.integers(-2, 2), off=st.booleans())
    def meddle(self, which: int, hours: int, *, off: bool) -> None:
        standing = self.world.diaries.standing
        entry = standing[which % len(standing)]
        shelf = next(s for s in self.world.diaries.shelves.values() if entry.provider_event_id in s.entries)
        by = timedelta(hours=hours)
        times = {"starts_at": entry.starts_at + by, "ends_at": entry.ends_at + by}
        shelf.edit(entry.provider_event_id, **({"is_cancelled": True} if off else times))
        self.edited.add(entry.provider_event_id)

    @invariant()
    def no_reference_is_in_two_places(self) -> None:
        references = [entry.provider_event_id for entry in self.world.diaries.standing]
        mailed = [booking.reference for booking in self._rows() if booking.by_mail]
        assert len(references) == len(set(references))
        assert not set(mailed) & set(references)

    def settle(self) -> None:
        """Let everything come to rest, and compare."""
        for shelf in self.world.diaries.shelves.values():
            shelf.before.clear()
            shelf.after.clear()
        for _ in range(3):
            self.now += QUIET_ENOUGH
            carry_out(self.world, self.now)
        standing = {entry.provider_event_id: entry for entry in self.world.diaries.standing}
        for booking in self._rows():
            entry = standing.pop(booking.reference, None)
            self._compare(booking, entry)
        assert standing == {}, "an entry that no booking knows"

    def _compare(self, booking: Booking, entry: object) -> None:
        if booking.is_stuck:
            return
        assert booking.state not in TO_DO
        if booking.state is BookingState.CANCELLED:
            assert entry is None
        elif not booking.by_mail and booking.reference not in self.edited:
            assert entry is not None
            assert (entry.starts_at, entry.ends_at) == (booking.starts_at, booking.ends_at)  # type: ignore[attr-defined]

    def _rows(self) -> list[Booking]:
        with self.world.store.read() as db:
            return list(db.scalars(select(Booking).order_by(Booking.id)))

    def _some(self, which: int) -> Booking | None:
        rows = self._rows()
        return rows[which % len(rows)] if rows else None


TestBookings = Bookings.TestCase
TestBookings.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
