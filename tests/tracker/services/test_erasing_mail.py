"""Letters to others that wait while a person is erased: none that names the person leaves any more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select, update

from tests.tracker.services.booking_world import FIRST, NOW, BookingWorld
from tests.tracker.services.nudges.desk import Desk
from tests.tracker.world import World, instant, make_duo, single
from tracker.events import Attendee, CalendarEvent, Response
from tracker.models import Booking, OutboxMail, OutboxState, Person, Program
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.digest.post import Post, enqueue_weekly_digests
from tracker.services.erasing import erase_person
from tracker.services.inviting import enqueue_invitations
from tracker.store import Store

ASKED, ERASED, LATER = "2026-01-13 11:45", "2026-01-13 11:50", "2026-01-13 12:00"
MONDAY = "2026-03-23 07:30"


@pytest.fixture
def desk(store: Store, vault: Vault) -> Desk:
    return Desk(make_duo(World(store, vault)))


def erase(store: Store, vault: Vault, person_id: int, at: str) -> None:
    with store.write() as db:
        erase_person(db, vault, db.get_one(Person, person_id), Act(None, "command", instant(at)))


def waiting(store: Store) -> Sequence[OutboxMail]:
    with store.read() as db:
        rows = select(OutboxMail).where(OutboxMail.state == OutboxState.QUEUED).order_by(OutboxMail.id)
        return db.scalars(rows).all()


def recipients(store: Store) -> list[str]:
    return [row.recipient for row in waiting(store)]


def add_pair(desk: Desk) -> None:
    """Give the mentor one more mentee, cleo, in the same program."""
    world, mentor = desk.duo.world, desk.duo.mentor
    cleo = world.person("cleo@example.com")
    with desk.store.read() as db:
        program = db.scalars(select(Program.id)).one()
    world.pair(program, mentor, cleo)


def with_cleo(start: str) -> CalendarEvent:
    guests = (Attendee("ana@example.com", Response.ACCEPTED), Attendee("cleo@example.com", Response.NONE))
    return single(start, "cleo@entries", attendees=guests)


def test_a_reminder_about_the_person_is_not_sent(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single("2026-01-13 10:00"))
    desk.tick(ASKED)
    assert recipients(desk.store) == ["ana@example.com", "ben@example.com"]
    erase(desk.store, desk.duo.world.vault, desk.duo.mentee, ERASED)
    assert recipients(desk.store) == []
    desk.mail(LATER)
    assert recipients(desk.store) == []


def test_what_else_the_reminder_told_is_told_anew(desk: Desk) -> None:
    add_pair(desk)
    desk.read("2026-01-13 11:30", single("2026-01-13 10:00"), with_cleo("2026-01-13 10:00"))
    desk.tick(ASKED)
    first = waiting(desk.store)[0]
    assert first.recipient == "ana@example.com"
    assert b"cleo" in first.message
    assert b"ben" in first.message
    erase(desk.store, desk.duo.world.vault, desk.duo.mentee, ERASED)
    assert waiting(desk.store)[0].recipient == "cleo@example.com"
    desk.mail(LATER)
    second = waiting(desk.store)[-1]
    assert second.recipient == "ana@example.com"
    assert b"cleo" in second.message
    assert b"ben" not in second.message


def test_a_reminder_about_somebody_else_stays(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single("2026-01-13 10:00"))
    desk.tick(ASKED)
    erase(desk.store, desk.duo.world.vault, desk.duo.world.person("eva@example.com"), ERASED)
    assert recipients(desk.store) == ["ana@example.com", "ben@example.com"]


def test_an_invitation_with_the_person_is_not_sent(store: Store, vault: Vault) -> None:
    world = BookingWorld(store, vault)
    booking_id = world.book(FIRST)
    with store.write() as db:
        enqueue_invitations(db, world, db.get_one(Booking, booking_id), NOW)
    assert len(recipients(store)) == 2
    erase(store, vault, world.duo.mentee, "2026-03-02 09:05")
    assert recipients(store) == []


def test_the_digest_is_written_anew_without_the_name(desk: Desk) -> None:
    add_pair(desk)
    olga = desk.duo.world.person("olga@example.com")
    with desk.store.write() as db:
        db.execute(update(Person).where(Person.id == olga).values(is_hr=True))
    desk.read("2026-03-16 08:00")
    post = Post(desk.writer, "C <c@example.com>", "https://cadencia.example.com")
    enqueue_weekly_digests(desk.store, post, instant(MONDAY))
    (first,) = waiting(desk.store)
    assert b"ben" in first.message
    erase(desk.store, desk.duo.world.vault, desk.duo.mentee, "2026-03-23 07:35")
    assert waiting(desk.store) == []
    enqueue_weekly_digests(desk.store, post, instant("2026-03-23 07:40"))
    (second,) = waiting(desk.store)
    assert b"ben" not in second.message
