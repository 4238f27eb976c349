"""Free time of a pair: what calendars say, what we know ourselves, and whose time nobody showed us."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest

from integrations.vault import FernetVault
from tests.tracker.services.booking_world import FIRST, NOW, BookingWorld
from tests.tracker.services.diaries import refused
from tests.tracker.world import full, instant, occurrence, single
from tracker.events import Window
from tracker.models import Calendar, CalendarStatus, Pair, Person, Provider
from tracker.services.absences import Days, add_leave, add_pause
from tracker.services.freetime import Slots, Wish, coming_window, find_slots
from tracker.store import Store

DAY = Window(instant("2026-03-05 09:00"), instant("2026-03-05 11:00"))  # a Thursday
OPEN: dict[str, tuple[Window, ...]] = {"ana": (), "ben": ()}


@pytest.fixture
def world(store: Store, vault: FernetVault) -> BookingWorld:
    made = BookingWorld(store, vault)
    show(made, made.duo.mentor, made.duo.mentee)
    return made


def account(world: BookingWorld, person_id: int) -> str:
    return f"calendar of {person_id} at google"


def show(world: BookingWorld, *people: int, busy: tuple[Window, ...] = ()) -> None:
    for person_id in people:
        for shelf in (world.own, world.other):
            shelf.busy[account(world, person_id)] = busy


def find(world: BookingWorld, window: Window = DAY, most: int = 3) -> Slots:
    return find_slots(world, world.duo.pair, Wish(window, world.duo.mentor, most=most), NOW)


def hours(slots: Slots) -> list[str]:
    return [slot.start.strftime("%H:%M") for slot in slots.offers]


def test_it_finds_what_both_have_free(world: BookingWorld) -> None:
    show(world, world.duo.mentee, busy=(Window(instant("2026-03-05 09:30"), instant("2026-03-05 10:00")),))
    slots = find(world)
    assert (hours(slots), slots.unseen, slots.long_day) == (["10:00"], frozenset(), False)
    assert slots.length == timedelta(minutes=45)


def test_whoever_the_first_account_does_not_show_is_asked_for_at_their_own(world: BookingWorld) -> None:
    world.own.busy[account(world, world.duo.mentee)] = None
    assert find(world).unseen == frozenset()


def test_somebody_unseen_is_named_and_the_slots_are_offered_all_the_same(world: BookingWorld) -> None:
    for shelf in (world.own, world.other):
        shelf.busy[account(world, world.duo.mentee)] = None
    slots = find(world)
    assert slots.unseen == {world.duo.mentee}
    assert slots.offers


def test_a_provider_that_fails_makes_its_people_unseen(world: BookingWorld) -> None:
    world.own.closed = world.other.closed = refused("unreachable")
    slots = find(world)
    assert slots.unseen == {world.duo.mentor, world.duo.mentee}
    assert slots.offers


def test_nobody_waits_long_for_a_provider(world: BookingWorld) -> None:
    world.own.answers = threading.Event()
    wish = Wish(DAY, world.duo.mentor, patience_s=0.05)
    slots = find_slots(world, world.duo.pair, wish, NOW)
    world.own.answers.set()
    assert slots.unseen == {world.duo.mentor, world.duo.mentee}
    assert slots.offers


def test_a_feed_shows_no_free_time(world: BookingWorld) -> None:
    with world.store.write() as db:
        db.get_one(Calendar, world.duo.other).provider = Provider.ICAL
    assert find(world).unseen == {world.duo.mentee}


def test_somebody_without_a_calendar_is_asked_for_by_address(world: BookingWorld) -> None:
    with world.store.write() as db:
        db.get_one(Calendar, world.duo.other).status = CalendarStatus.DISCONNECTED
    world.own.busy["ben@example.com"] = (Window(instant("2026-03-05 09:00"), instant("2026-03-05 10:00")),)
    slots = find(world)
    assert (slots.unseen, hours(slots)) == (frozenset(), ["10:00"])


def test_sessions_that_we_know_of_are_not_free(world: BookingWorld) -> None:
    world.duo.sync(full(single("2026-03-05 09:00")), "2026-03-02 08:00")
    assert hours(find(world)) == ["10:00"]


def test_bookings_that_are_on_their_way_are_not_free(world: BookingWorld) -> None:
    world.book(FIRST)
    assert hours(find(world)) == ["09:00"]


@pytest.mark.parametrize("whose", ["mentor", "mentee", "pair", "holiday"])
def test_nobody_is_asked_to_meet_on_a_day_off(world: BookingWorld, whose: str) -> None:
    days = Days(date(2026, 3, 5), date(2026, 3, 6))
    with world.store.write() as db:
        pair = db.get_one(Pair, world.duo.pair)
        if whose == "pair":
            add_pause(db, pair, days, world.act())
        elif whose == "holiday":
            pair.mentee.country = "ES"
        else:
            add_leave(db, getattr(pair, whose), days, world.act())
    window = DAY
    if whose == "holiday":  # Epiphany is over: the second of April 2026 is Maundy Thursday
        window = Window(instant("2026-04-03 09:00"), instant("2026-04-03 11:00"))
    assert find(world, window).offers == ()


def test_the_usual_day_and_length_are_offered(world: BookingWorld) -> None:
    past = [occurrence(f"2026-02-{day:02} 10:30") for day in (3, 10, 17)]
    world.duo.sync(full(*past), "2026-03-02 08:00")
    slots = find(world, coming_window(NOW))
    assert slots.length == timedelta(hours=1)
    assert [slot.start for slot in slots.usual] == [instant("2026-03-03 10:30")]
    assert len(slots.offers) == 3


def test_the_rest_of_the_day_is_left_alone(world: BookingWorld) -> None:
    assert find(world, coming_window(NOW)).offers[0].start.date() == date(2026, 3, 3)
    today = Window(NOW, NOW + timedelta(hours=8))
    assert find(world, today).offers == ()


def test_nothing_outside_the_agreement_is_offered(world: BookingWorld) -> None:
    late = Window(instant("2026-06-29 00:00"), instant("2026-07-05 00:00"))
    assert find(world, late).offers == ()


def test_two_at_the_ends_of_the_world_get_a_longer_day(world: BookingWorld) -> None:
    with world.store.write() as db:
        db.get_one(Person, world.duo.mentor).timezone = "America/Bogota"
        db.get_one(Person, world.duo.mentee).timezone = "Asia/Tokyo"
    slots = find(world, coming_window(NOW))
    assert slots.long_day
    assert slots.offers
