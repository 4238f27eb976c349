"""Doing what bookings ask for: once, whatever dies on the way, and never over what somebody else did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from integrations.vault import FernetVault
from tests.tracker.services.booking_world import FIRST, NOW, SECOND, THIRD, BookingWorld, shift
from tests.tracker.services.diaries import Killed, refused
from tests.tracker.world import full, single
from tracker.errors import BadInput, ConnectorError
from tracker.models import Booking, BookingState, Calendar, Credential, Person, Provider, Session
from tracker.ports import Entry
from tracker.services.bookings import MOST_OPEN, forget_wish, take_over, try_again
from tracker.services.carrying import MOST_TRIES, carry_out
from tracker.store import Store


@pytest.fixture
def world(store: Store, vault: FernetVault) -> BookingWorld:
    return BookingWorld(store, vault)


@pytest.fixture
def written(world: BookingWorld) -> int:
    booking = world.book()
    world.carry()
    return booking


def test_a_booking_is_written_into_the_calendar_of_who_asked(world: BookingWorld, written: int) -> None:
    row, (entry,) = world.row(written), world.own.standing
    assert (row.state, row.problem, row.due_at, row.unsure) == (BookingState.WRITTEN, None, None, False)
    assert (row.provider_event_id, row.version, row.stands_at) == (entry.provider_event_id, "1", FIRST.start)
    assert (entry.starts_at, entry.ends_at) == (FIRST.start, FIRST.end)
    assert world.mails() == []


def test_the_entry_carries_tag_both_people_and_reference(world: BookingWorld, written: int) -> None:
    (meeting,) = world.own.meetings.values()
    assert meeting.title == "Mentoring: ana & ben #mentoring"
    assert {invitee.email for invitee in meeting.invitees} == {"ana@example.com", "ben@example.com"}
    assert meeting.reference == world.row(written).reference
    assert f"/pairs/{world.duo.pair}" in meeting.notes


def test_the_calendars_of_both_are_read_again_at_once(world: BookingWorld, written: int) -> None:
    for calendar in (world.duo.calendar, world.duo.other):
        assert world.calendar(calendar).next_read_at == NOW


@pytest.mark.parametrize("code", ["no_right", "no_scope", "reconnect", "not_available", "not_found"])
def test_a_refusal_falls_to_the_other_ones_calendar(world: BookingWorld, code: str) -> None:
    world.own.closed = refused(code)
    booking = world.book()
    assert world.carry().later == 1 or world.row(booking).state is BookingState.WRITTEN
    assert world.row(booking).state is BookingState.WRITTEN
    assert len(world.other.standing) == 1


def test_where_nobodys_calendar_can_be_written_both_get_a_mail(world: BookingWorld) -> None:
    world.own.closed = world.other.closed = refused("no_right")
    booking = world.book()
    world.carry()
    row = world.row(booking)
    assert (row.state, row.by_mail, row.calendar_id, row.problem) == (BookingState.WRITTEN, True, None, None)
    assert [mail.recipient for mail in world.mails()] == ["ana@example.com", "ben@example.com"]


def test_people_with_feeds_alone_get_a_mail(world: BookingWorld) -> None:
    world.only_feeds()
    booking = world.book()
    world.carry()
    world.move(booking)
    world.carry()
    world.call_off(booking)
    world.carry()
    keys = [mail.dedupe_key for mail in world.mails()]
    people = (world.duo.mentor, world.duo.mentee)
    assert keys == [f"invite/{booking}/{sequence}/{p}" for sequence in range(3) for p in people]
    methods = [b"method=REQUEST" in m.message or b'method="REQUEST"' in m.message for m in world.mails()]
    assert methods == [True] * 4 + [False] * 2
    assert world.row(booking).state is BookingState.CANCELLED


def test_a_consent_that_only_reads_hosts_nothing(world: BookingWorld) -> None:
    with world.store.write() as db:
        for calendar in db.scalars(select(Calendar)):
            may_write = calendar.id == world.duo.other
            credential = Credential(
                person_id=calendar.person_id,
                provider=Provider.GOOGLE,
                account="a",
                scopes=["write"] if may_write else ["read"],
                refresh_token="sealed",
                granted_at=NOW,
            )
            db.add(credential)
            db.flush()
            calendar.credential_id = credential.id
    world.book()
    world.carry()
    assert (len(world.own.standing), len(world.other.standing)) == (0, 1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_dies_leaves_one_entry_in_the_end(world: BookingWorld, when: str) -> None:
    booking = world.book()
    getattr(world.own, when).append(Killed())
    with pytest.raises(Killed):
        world.carry()
    assert world.carry(minutes=5).done == 0  # the lease still holds
    assert world.carry(minutes=11).done == 1
    assert world.row(booking).state is BookingState.WRITTEN
    assert world.own.told == ["invited"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_dies_moves_once(world: BookingWorld, written: int, when: str) -> None:
    world.move(written)
    getattr(world.own, when).append(Killed())
    with pytest.raises(Killed):
        world.carry()
    world.carry(minutes=11)
    (entry,) = world.own.standing
    assert (entry.starts_at, world.row(written).state) == (SECOND.start, BookingState.WRITTEN)
    assert world.own.told == ["invited", "moved"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_asks_again_after_a_process_died_gets_what_they_ask_for(
    world: BookingWorld, written: int, when: str
) -> None:
    for minutes, slot in ((0, SECOND), (11, shift(SECOND, hours=1))):
        world.move(written, slot)
        getattr(world.own, when).append(Killed())
        with pytest.raises(Killed):
            world.carry(minutes)
    world.move(written, THIRD)
    world.carry(minutes=22)
    row, (entry,) = world.row(written), world.own.standing
    assert (row.state, row.problem, entry.starts_at) == (BookingState.WRITTEN, None, THIRD.start)


@pytest.mark.parametrize("when", ["before", "after"])
def test_calling_off_after_a_process_died_leaves_nothing(
    world: BookingWorld, written: int, when: str
) -> None:
    world.move(written)
    getattr(world.own, when).append(Killed())
    with pytest.raises(Killed):
        world.carry()
    world.call_off(written)
    world.carry(minutes=11)
    assert (world.row(written).state, world.own.standing) == (BookingState.CANCELLED, [])


def test_what_was_moved_there_holds_also_after_a_process_died(world: BookingWorld, written: int) -> None:
    world.move(written)
    world.own.after.append(Killed())
    with pytest.raises(Killed):
        world.carry()
    world.own.edit(world.row(written).reference, starts_at=THIRD.start, ends_at=THIRD.end)
    world.move(written, FIRST)
    world.carry(minutes=11)
    row = world.row(written)
    assert (row.problem, row.starts_at) == ("moved_there", THIRD.start)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_dies_cancels_once(world: BookingWorld, written: int, when: str) -> None:
    world.call_off(written)
    getattr(world.own, when).append(Killed())
    with pytest.raises(Killed):
        world.carry()
    world.carry(minutes=11)
    row = world.row(written)
    assert (row.state, row.problem, world.own.standing) == (BookingState.CANCELLED, None, [])
    assert world.own.told == ["invited", "cancelled"]


def test_after_an_uncertain_try_no_other_calendar_is_written(world: BookingWorld) -> None:
    booking = world.book()
    world.own.after.append(refused("unreachable"))
    world.carry()
    world.own.closed = refused("reconnect")
    assert world.carry(minutes=30).stuck == 1
    row = world.row(booking)
    assert (row.is_stuck, row.problem) == (True, "reconnect")
    assert len(world.diaries.standing) == 1
    assert world.mails() == []


def test_what_passes_is_tried_again_later(world: BookingWorld) -> None:
    booking = world.book()
    world.own.before.append(ConnectorError("slow down", code="rate_limited", retry_after_s=3600))
    world.carry()
    row = world.row(booking)
    assert (row.state, row.problem, row.unsure) == (BookingState.CREATE, "rate_limited", False)
    assert row.due_at == NOW + timedelta(hours=1)
    assert world.carry(minutes=61).done == 1
    assert world.row(booking).problem is None


def test_it_is_not_tried_for_ever(world: BookingWorld) -> None:
    booking = world.book()
    with world.store.write() as db:
        db.get_one(Booking, booking).tries = MOST_TRIES - 1
    world.own.before.append(refused("server_error"))
    assert world.carry().stuck == 1
    with world.store.write() as db:
        try_again(db, booking, world.act(NOW))
    assert world.carry().done == 1


def test_tries_that_ended_well_are_not_held_against_it(world: BookingWorld, written: int) -> None:
    for number in range(MOST_TRIES):
        world.move(written, shift(SECOND, minutes=number))
        world.carry()
    world.move(written, THIRD)
    world.own.after.append(Killed())
    with pytest.raises(Killed):
        world.carry()
    assert world.carry(minutes=11).done == 1
    assert (world.row(written).problem, world.own.standing[0].starts_at) == (None, THIRD.start)


def test_what_ends_its_process_every_time_gets_stuck(world: BookingWorld) -> None:
    booking = world.book()
    with world.store.write() as db:
        row = db.get_one(Booking, booking)
        row.tries, row.leased_until = MOST_TRIES, NOW
    assert world.carry(minutes=1).stuck == 1
    assert world.row(booking).problem == "internal"


def test_one_that_can_not_even_be_prepared_holds_up_no_other(world: BookingWorld) -> None:
    world.only_feeds()
    broken, fine = world.book(), world.book(SECOND)
    with world.store.write() as db:
        db.get_one(Person, world.duo.mentor).email = "no address"
        db.get_one(Booking, broken).by_mail = True
        db.get_one(Calendar, world.duo.other).provider = Provider.GOOGLE
    with pytest.raises(BadInput):
        world.carry()
    assert world.carry().done == 1
    assert (world.row(broken).state, world.row(fine).state) == (BookingState.CREATE, BookingState.WRITTEN)


def test_a_stuck_booking_can_be_sent_by_mail_instead(world: BookingWorld) -> None:
    booking = world.book()
    world.own.before.append(refused("unreachable"))
    world.carry()
    world.own.closed = refused("no_right")
    world.carry(minutes=30)
    with world.store.write() as db:
        try_again(db, booking, world.act(), by_mail=True)
    world.carry(minutes=31)
    assert world.row(booking).by_mail
    assert len(world.mails()) == 2


def test_a_wish_that_can_not_be_done_can_be_let_go(world: BookingWorld, written: int) -> None:
    world.move(written)
    world.own.closed = refused("no_right")
    world.carry()
    with world.store.write() as db:
        forget_wish(db, written, world.act())
    row = world.row(written)
    assert (row.state, row.problem) == (BookingState.WRITTEN, None)
    assert (row.starts_at, row.ends_at) == (FIRST.start, FIRST.end)


def test_a_date_that_was_never_written_is_let_go_for_good(world: BookingWorld) -> None:
    booking = world.book()
    carry_out(world, FIRST.start)
    with world.store.write() as db:
        forget_wish(db, booking, world.act())
    assert world.row(booking).state is BookingState.CANCELLED


def test_nothing_is_written_into_the_past(world: BookingWorld) -> None:
    booking = world.book()
    assert carry_out(world, FIRST.start).stuck == 1
    assert world.row(booking).problem == "too_late"
    assert world.own.entries == {}


def test_a_booking_moves(world: BookingWorld, written: int) -> None:
    world.move(written)
    world.carry()
    row, (entry,) = world.row(written), world.own.standing
    assert (entry.starts_at, entry.ends_at) == (SECOND.start, SECOND.end)
    assert (row.state, row.stands_at, row.version) == (BookingState.WRITTEN, SECOND.start, entry.version)


def test_an_answer_to_the_invitation_does_not_hinder_a_move(world: BookingWorld, written: int) -> None:
    world.own.edit(world.row(written).reference)
    world.move(written)
    world.carry()
    assert world.own.standing[0].starts_at == SECOND.start


def test_a_change_between_look_and_move_is_looked_at_again(world: BookingWorld, written: int) -> None:
    reference = world.row(written).reference
    world.move(written)
    world.own.meddle = lambda: world.own.edit(reference)
    world.carry()
    assert (world.own.standing[0].starts_at, world.row(written).problem) == (SECOND.start, None)


def test_what_was_moved_in_the_calendar_meanwhile_holds(world: BookingWorld, written: int) -> None:
    reference = world.row(written).reference
    world.move(written)
    world.own.meddle = lambda: world.own.edit(reference, starts_at=THIRD.start, ends_at=THIRD.end)
    world.carry()
    row = world.row(written)
    assert (row.state, row.problem, row.starts_at) == (BookingState.WRITTEN, "moved_there", THIRD.start)
    assert world.own.standing[0].starts_at == THIRD.start


@pytest.mark.parametrize("how", ["cancelled", "gone"])
def test_what_was_called_off_in_the_calendar_meanwhile_stays_off(
    world: BookingWorld, written: int, how: str
) -> None:
    reference = world.row(written).reference
    world.move(written)
    if how == "gone":
        del world.own.entries[reference]
    else:
        world.own.edit(reference, is_cancelled=True)
    world.carry()
    row = world.row(written)
    assert (row.state, row.problem) == (BookingState.CANCELLED, "cancelled_there")


def test_calling_off_what_is_off_already_is_no_problem(world: BookingWorld, written: int) -> None:
    world.own.edit(world.row(written).reference, is_cancelled=True)
    world.call_off(written)
    world.carry()
    assert (world.row(written).state, world.row(written).problem) == (BookingState.CANCELLED, None)


def test_what_was_moved_there_is_not_called_off_blindly(world: BookingWorld, written: int) -> None:
    reference = world.row(written).reference
    world.call_off(written)
    world.own.edit(reference, starts_at=THIRD.start, ends_at=THIRD.end)
    world.carry()
    row = world.row(written)
    assert (row.state, row.problem, row.starts_at) == (BookingState.WRITTEN, "moved_there", THIRD.start)


def test_a_wish_that_comes_while_the_entry_is_written_is_done_next(world: BookingWorld) -> None:
    booking = world.book()
    world.own.meanwhile = lambda: world.move(booking)
    assert world.carry().later == 1
    assert [entry.starts_at for entry in world.diaries.standing] == [SECOND.start]
    assert world.row(booking).state is BookingState.WRITTEN


def test_calling_off_what_is_just_being_written_leaves_nothing(world: BookingWorld) -> None:
    booking = world.book()
    world.own.after.append(Killed())
    with pytest.raises(Killed):
        world.carry()
    world.call_off(booking)
    world.carry(minutes=11)
    assert (world.row(booking).state, world.diaries.standing) == (BookingState.CANCELLED, [])


def test_calling_off_what_was_refused_everywhere_needs_nobody(world: BookingWorld) -> None:
    booking = world.book()
    with world.store.write() as db:
        row = db.get_one(Booking, booking)
        row.state = BookingState.CANCEL
    world.own.closed = world.other.closed = refused("no_right")
    world.carry()
    assert world.row(booking).state is BookingState.CANCELLED


def test_a_slow_process_that_lost_its_lease_changes_nothing(world: BookingWorld) -> None:
    booking = world.book()
    world.own.meanwhile = lambda: world.carry(minutes=11)
    assert world.carry().done == 0
    row = world.row(booking)
    assert (world.own.told, row.attempts, row.state) == (["invited"], 2, BookingState.WRITTEN)


def test_a_slow_process_does_not_undo_what_the_next_one_did(world: BookingWorld) -> None:
    booking = world.book()
    world.own.after.append(Killed())
    with pytest.raises(Killed):
        world.carry()
    world.move(booking)

    def be_overtaken() -> None:
        world.move(booking, THIRD)
        world.carry(minutes=22)

    world.own.meddle = be_overtaken
    world.carry(minutes=11)
    assert [entry.starts_at for entry in world.own.standing] == [THIRD.start]
    assert (world.row(booking).starts_at, world.row(booking).problem) == (THIRD.start, None)


def test_many_processes_at_once_do_each_booking_once(world: BookingWorld) -> None:
    asked = [world.book(shift(FIRST, days=day)) for day in range(MOST_OPEN)]
    with ThreadPoolExecutor(4) as pool:
        done = [carried.done for carried in pool.map(lambda _: world.carry(), range(4))]
    assert sum(done) == len(asked) == len(world.own.standing)
    assert {world.row(booking).attempts for booking in asked} == {1}


def test_a_session_that_was_taken_over_is_moved_in_its_calendar(world: BookingWorld) -> None:
    _put(world, "one")
    world.duo.sync(full(single(FIRST.start)), "2026-03-02 09:00")
    with world.store.write() as db:
        booking = take_over(db, ("a key",), db.scalars(select(Session.id)).one(), world.act()).id
    world.move(booking)
    world.carry()
    assert world.own.entries["one"].starts_at == SECOND.start


def test_a_session_whose_calendar_refuses_stays_and_says_so(world: BookingWorld) -> None:
    _put(world, "one")
    world.duo.sync(full(single(FIRST.start)), "2026-03-02 09:00")
    with world.store.write() as db:
        booking = take_over(db, ("a key",), db.scalars(select(Session.id)).one(), world.act()).id
    world.own.closed = refused("no_right")
    world.move(booking)
    world.carry()
    assert (world.row(booking).is_stuck, world.row(booking).problem) == (True, "no_right")
    assert world.mails() == []


def _put(world: BookingWorld, entry_id: str) -> None:
    world.own.entries[entry_id] = Entry(entry_id, "1", FIRST.start, FIRST.end)
