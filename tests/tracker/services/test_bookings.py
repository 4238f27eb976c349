"""Asking for dates: what is refused, what is one and the same, and what the rows say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from integrations.vault import FernetVault
from tests.tracker.services.booking_world import FIRST, KEYS, NOW, SECOND, THIRD, BookingWorld, shift
from tests.tracker.world import as_attendee, delta, full, single
from tracker.errors import BadInput, NotAllowed
from tracker.events import Window
from tracker.models import AuditEntry, Booking, BookingState, Session
from tracker.references import reader_of
from tracker.services.audit import Act
from tracker.services.bookings import MOST_OPEN, book, list_booked, move_booking, take_over, try_again
from tracker.store import Store


@pytest.fixture
def world(store: Store, vault: FernetVault) -> BookingWorld:
    return BookingWorld(store, vault)


def test_a_booking_carries_our_reference(world: BookingWorld) -> None:
    row = world.row(world.book())
    assert reader_of(KEYS)(row.reference)
    assert (row.state, row.due_at, row.starts_at, row.ends_at) == (BookingState.CREATE, NOW, *_times(FIRST))


def test_two_presses_are_one_booking(world: BookingWorld) -> None:
    assert world.book() == world.book(at=NOW + timedelta(seconds=1))


def test_the_same_time_can_be_asked_for_again_once_it_is_off(world: BookingWorld) -> None:
    first = world.book()
    world.call_off(first)
    assert world.book() != first


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        (shift(FIRST, days=-7), "passed"),
        (shift(FIRST, weeks=40), "outside the time"),
        (Window(FIRST.start, FIRST.start + timedelta(minutes=4)), "5 minutes"),
        (Window(FIRST.start, FIRST.start + timedelta(hours=9)), "8 hours"),
        (Window(FIRST.end, FIRST.start), "5 minutes"),
    ],
)
def test_a_slot_that_can_not_be_is_refused(world: BookingWorld, slot: Window, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        world.book(slot)


def test_a_pair_has_only_so_many_open_bookings(world: BookingWorld) -> None:
    for day in range(MOST_OPEN):
        world.book(shift(FIRST, days=day))
    with pytest.raises(BadInput, match="enough dates"):
        world.book(shift(FIRST, days=MOST_OPEN))


def test_what_was_not_written_yet_is_off_at_once(world: BookingWorld) -> None:
    booking = world.book()
    world.call_off(booking)
    row = world.row(booking)
    assert (row.state, row.due_at) == (BookingState.CANCELLED, None)
    assert world.carry().done == 0


def test_what_may_have_been_written_is_called_off_there(world: BookingWorld) -> None:
    booking = world.book()
    with world.store.write() as db:
        db.get_one(Booking, booking).unsure = True
    world.call_off(booking)
    assert world.row(booking).state is BookingState.CANCEL


def test_asking_for_another_time_before_it_is_written_just_writes_that_one(world: BookingWorld) -> None:
    booking = world.book()
    world.move(booking)
    row = world.row(booking)
    assert (row.state, row.starts_at, row.wanted) == (BookingState.CREATE, SECOND.start, 2)


def test_nothing_moves_what_is_called_off(world: BookingWorld) -> None:
    booking = world.book()
    world.call_off(booking)
    with pytest.raises(BadInput, match="called off"):
        world.move(booking)


def test_a_booking_that_is_not_there_is_nobodys(world: BookingWorld) -> None:
    with pytest.raises(NotAllowed):
        world.call_off(4711)


def test_what_is_not_stuck_is_not_tried_again(world: BookingWorld) -> None:
    booking = world.book()
    with world.store.write() as db:
        try_again(db, booking, world.act(NOW + timedelta(hours=1)), by_mail=True)
    row = world.row(booking)
    assert (row.due_at, row.by_mail) == (NOW, False)


def test_every_wish_is_in_the_audit_trail(world: BookingWorld) -> None:
    booking = world.book()
    world.move(booking)
    world.call_off(booking)
    with world.store.read() as db:
        acts = db.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == ["booking.asked", "booking.move_asked", "booking.call_off_asked"]


def test_a_session_that_calendars_show_is_found_from_its_booking(world: BookingWorld) -> None:
    booking = world.book()
    event = single(FIRST.start, session_ref=world.row(booking).reference)
    world.duo.sync(full(event), "2026-03-02 09:30")
    with world.store.read() as db:
        session = db.scalars(select(Session)).one()
        (booked,) = list_booked(db, world.duo.pair, NOW)
    assert booked.session_id == session.id


def test_a_session_of_ones_own_calendar_can_be_taken_over(world: BookingWorld) -> None:
    world.duo.sync(full(single(FIRST.start)), "2026-03-02 09:30")
    with world.store.write() as db:
        session = db.scalars(select(Session)).one()
        booking = take_over(db, KEYS, session.id, world.act())
        again = take_over(db, KEYS, session.id, world.act())
    assert again.id == booking.id
    assert (booking.state, booking.provider_event_id, booking.stands_at) == (
        BookingState.WRITTEN,
        "one",
        FIRST.start,
    )


def test_what_somebody_else_organises_can_not_be_taken_over(world: BookingWorld) -> None:
    world.duo.sync(full(as_attendee(single(FIRST.start, organiser="x@example.com"))), "2026-03-02 09:30")
    with world.store.write() as db, pytest.raises(BadInput, match="calendar that it was made in"):
        take_over(db, KEYS, db.scalars(select(Session.id)).one(), world.act())


def test_a_move_starts_from_where_the_calendar_shows_it(world: BookingWorld) -> None:
    booking = world.book()
    world.carry()
    reference = world.row(booking).reference
    shown = single(SECOND.start, session_ref=reference, provider_event_id=reference)
    world.duo.sync(delta(shown), "2026-03-02 09:30")
    world.move(booking, shift(SECOND, days=1))
    assert world.row(booking).stands_at == SECOND.start


def test_bookings_are_listed_until_they_are_over(world: BookingWorld) -> None:
    world.book(SECOND)
    world.book(FIRST)
    with world.store.read() as db:
        now, later = (list_booked(db, world.duo.pair, at) for at in (NOW, NOW + timedelta(days=30)))
    assert [booked.starts_at for booked in now] == [FIRST.start, SECOND.start]
    assert later == []


def test_what_is_over_and_stuck_stands_behind_what_is_to_come(world: BookingWorld) -> None:
    stuck, soon, last = world.book(FIRST), world.book(SECOND), world.book(THIRD)
    with world.store.read() as db:
        listed = list_booked(db, world.duo.pair, FIRST.end + timedelta(hours=1))
    assert [booked.id for booked in listed] == [soon, last, stuck]


def test_somebody_who_is_nobody_can_be_the_one_who_asks(world: BookingWorld) -> None:
    with world.store.write() as db:
        booking = book(db, KEYS, world.duo.pair, FIRST, Act(None, "command", NOW))
        move_booking(db, booking.id, SECOND, Act(None, "command", NOW))
    assert booking.asked_by is None


def _times(slot: Window) -> tuple[object, object]:
    return slot.start, slot.end
