"""After a miss the two come first: HR hears of it 48 hours after the last of them was told, everywhere."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from tests.tracker.services.nudges.desk import Desk
from tests.tracker.world import World, full, instant, make_duo
from tracker.models import Absence, Endpoint, EndpointEvent, EndpointKind, OutboxMail
from tracker.ports import Vault
from tracker.services.digest.building import build_digest, find_programs, span_of
from tracker.services.endpoint_events import tell_changes
from tracker.services.weeks import parse_week
from tracker.store import Store

# The first period is missed on Thursday 22 January at 6; with both told at once, HR hears on Saturday at 8.
MISSED = "2026-01-22 06:00"
SATURDAY = "2026-01-24 08:00"
WEEKS = ["2026-W03", "2026-W04", "2026-W05", "2026-W06"]


@pytest.fixture
def desk(store: Store, vault: Vault) -> Desk:
    desk = Desk(make_duo(World(store, vault)))
    with store.write() as db:
        (program,) = find_programs(db)
        db.add(
            Endpoint(
                program_id=program.id,
                name="hr",
                kind=EndpointKind.WEBHOOK,
                url="",
                events=[EndpointEvent.VERDICT_CHANGED.value],
                created_at=instant("2026-01-19 00:00"),
                told_until=instant("2026-01-19 00:00"),
            )
        )
    return desk


def on_leave(desk: Desk, person_id: int, until: str) -> None:
    with desk.store.write() as db:
        days = date(2026, 1, 21), date.fromisoformat(until)
        leave = Absence(
            person_id=person_id,
            starts_on=days[0],
            ends_on=days[1],
            kind="leave",
            created_at=instant(MISSED),
        )
        db.add(leave)


def weeks_told(desk: Desk) -> list[str]:
    """Return the weeks whose digest has the miss as news, as each is written on the Monday after."""
    found = []
    for week in WEEKS:
        span = parse_week(week)
        with desk.store.read() as db:
            (program,) = find_programs(db)
            digest = build_digest(db, program, span_of(db, program, span, span.ends_at("UTC")))
        found += [week] * len(digest.new.items)
    return found


def is_posted(desk: Desk, at: str) -> bool:
    """Tell whether the endpoint has been told of the miss by then."""
    tell_changes(desk.store, instant(at))
    with desk.store.read() as db:
        posted = db.scalars(select(OutboxMail.message).where(OutboxMail.endpoint_id.is_not(None))).all()
    return any(b"2026-01-05" in message for message in posted)


def miss(desk: Desk) -> None:
    desk.read(MISSED)
    for at in (MISSED, "2026-01-22 08:00"):
        desk.tick(at)


def test_hr_hears_of_it_two_days_after_both_were_told(desk: Desk) -> None:
    miss(desk)
    assert len(desk.letters()) == 2
    assert weeks_told(desk) == ["2026-W04"]
    assert not is_posted(desk, "2026-01-24 07:59")
    assert is_posted(desk, SATURDAY)


def test_who_is_away_is_waited_for(desk: Desk) -> None:
    on_leave(desk, desk.duo.mentor, "2026-01-26")
    miss(desk)
    assert not is_posted(desk, SATURDAY)
    desk.tick("2026-01-27 08:00")
    assert len(desk.letters()) == 2
    assert weeks_told(desk) == ["2026-W05"]
    assert not is_posted(desk, "2026-01-29 07:59")
    assert is_posted(desk, "2026-01-29 08:00")


def test_who_pauses_reminders_is_waited_for(desk: Desk) -> None:
    desk.set_person(desk.duo.mentee, snoozed_until=instant("2026-01-26 12:00"))
    miss(desk)
    desk.tick("2026-01-26 12:00")
    assert weeks_told(desk) == ["2026-W05"]
    assert not is_posted(desk, "2026-01-28 11:59")
    assert is_posted(desk, "2026-01-28 12:00")


@pytest.mark.parametrize(
    "columns",
    [{"nudges_off_at": instant("2026-01-01 00:00")}, {"snoozed_until": instant("2026-02-28 00:00")}],
)
def test_who_can_not_be_told_is_not_waited_for(desk: Desk, columns: dict[str, object]) -> None:
    for person_id in (desk.duo.mentor, desk.duo.mentee):
        desk.set_person(person_id, **columns)
    miss(desk)
    assert desk.letters() == []
    assert weeks_told(desk) == ["2026-W04"]
    assert is_posted(desk, SATURDAY)


def test_who_stops_reminders_later_takes_no_miss_out_of_the_digest(desk: Desk) -> None:
    on_leave(desk, desk.duo.mentor, "2026-01-27")
    miss(desk)
    assert not is_posted(desk, SATURDAY)
    desk.set_person(desk.duo.mentor, nudges_off_at=instant("2026-01-27 12:00"))
    desk.tick("2026-01-28 08:00")
    assert weeks_told(desk) == ["2026-W05"]
    assert is_posted(desk, "2026-01-28 08:00")


def test_who_could_not_be_told_is_not_waited_for_later_either(desk: Desk) -> None:
    desk.set_person(desk.duo.mentor, nudges_off_at=instant("2026-01-01 00:00"))
    miss(desk)
    assert weeks_told(desk) == ["2026-W04"]
    # The pair is judged anew, and reminders are wanted again.
    desk.set_person(desk.duo.mentor, nudges_off_at=None)
    desk.read("2026-01-26 09:00")
    desk.tick("2026-01-26 09:00")
    assert [letter.recipient for letter in desk.letters()] == ["ben@example.com"]
    assert weeks_told(desk) == ["2026-W04"]


def test_nobody_is_waited_for_longer_than_a_week(desk: Desk) -> None:
    desk.set_person(desk.duo.mentor, snoozed_until=instant("2026-01-28 00:00"))
    miss(desk)
    # The reminders stand still from now on: nobody knows what becomes of the letter.
    assert not is_posted(desk, "2026-01-28 23:59")
    assert is_posted(desk, "2026-01-29 00:00")
    assert weeks_told(desk) == ["2026-W05"]


def test_a_miss_that_is_waited_for_holds_up_no_other(desk: Desk) -> None:
    world = desk.duo.world
    two = world.person("cleo@example.com"), world.person("dan@example.com")
    world.pair(1, *two)
    world.sync(world.calendar(two[0]), full(), MISSED)
    on_leave(desk, desk.duo.mentor, "2026-01-26")
    miss(desk)
    tell_changes(desk.store, instant(SATURDAY))
    with desk.store.read() as db:
        (only,) = db.scalars(select(OutboxMail.message).where(OutboxMail.endpoint_id.is_not(None)))
    assert b"cleo@example.com" in only


def test_a_letter_promises_the_two_days_of_its_own(desk: Desk) -> None:
    on_leave(desk, desk.duo.mentor, "2026-01-26")
    miss(desk)
    desk.tick("2026-01-27 08:00")
    promised = [letter.message.decode() for letter in desk.letters()]
    assert ["24 January" in text for text in promised] == [True, False]
    assert ["29 January" in text for text in promised] == [False, True]
