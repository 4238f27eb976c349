"""Days away that calendars tell of: read where that is allowed, and never to anybody's harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from tests.tracker.world import Duo, World, delta, full, instant, make_duo, single
from tracker.events import AwayNotice, Pull
from tracker.ledger import Away
from tracker.models import Absence, Calendar, Pair, Program, Provider
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, connect_calendars, disconnect
from tracker.services.days_away import withdraw_absences
from tracker.services.review import review
from tracker.store import Store

FIRST = "2026-02-01 08:00"
SECOND = "2026-02-02 08:00"
LATER = "2026-04-10 08:00"
EASTER = AwayNotice("easter", date(2026, 3, 30), date(2026, 4, 5))
MAY = AwayNotice("may", date(2026, 5, 4), date(2026, 5, 10))
BRIDGE = AwayNotice("bridge", date(2026, 4, 8), date(2026, 4, 14))


@pytest.fixture
def duo(store: Store, vault: Vault) -> Duo:
    duo = make_duo(World(store, vault))
    allow(duo, is_allowed=True)
    return duo


def allow(duo: Duo, *, is_allowed: bool) -> None:
    with duo.world.store.write() as db:
        db.get_one(Calendar, duo.calendar).reads_absences = is_allowed


def listing(*notices: AwayNotice, looked_at: int = 40) -> Pull:
    return replace(full(single("2026-02-09 10:00"), looked_at=looked_at), absences=notices)


def change(*notices: AwayNotice, removed: tuple[str, ...] = ()) -> Pull:
    return replace(delta(removed=removed), absences=notices)


def away(duo: Duo) -> list[tuple[date, date]]:
    with duo.world.store.read() as db:
        rows = db.scalars(select(Absence).order_by(Absence.starts_on)).all()
    return [(row.starts_on, row.ends_on) for row in rows]


def days(*notices: AwayNotice) -> list[tuple[date, date]]:
    return [(notice.first, notice.last) for notice in notices]


def test_leave_that_the_calendar_tells_of_is_evidence(duo: Duo) -> None:
    duo.sync(listing(EASTER), FIRST)
    assert [(a.who, a.first_on, a.last_on) for a in duo.evidence.absences] == [
        (Away.MENTOR, EASTER.first, EASTER.last)
    ]


def test_it_is_asked_for_only_where_somebody_allows_it(duo: Duo) -> None:
    duo.sync(listing(), FIRST)
    duo.sync_other(listing(), FIRST)
    asked = [duo.world.source(calendar).rules[0].keeps_absences for calendar in (duo.calendar, duo.other)]
    assert asked == [True, False]


def test_a_program_can_allow_it_for_everybody(duo: Duo) -> None:
    with duo.world.store.write() as db:
        db.scalars(select(Program)).one().reads_absences = True
    duo.sync_other(listing(EASTER), FIRST)
    assert duo.world.source(duo.other).rules[0].keeps_absences
    assert away(duo) == days(EASTER)


def test_what_nobody_allowed_is_not_stored(duo: Duo) -> None:
    duo.sync_other(listing(EASTER), FIRST)
    assert away(duo) == []


def test_a_new_permission_reads_the_calendar_anew(duo: Duo) -> None:
    allow(duo, is_allowed=False)
    duo.sync(listing(), FIRST)
    allow(duo, is_allowed=True)
    duo.sync(listing(EASTER), SECOND)
    assert duo.world.source(duo.calendar).cursors == [None, None]


def test_a_listing_replaces_what_is_to_come(duo: Duo) -> None:
    duo.sync(listing(EASTER, MAY), FIRST)
    result = duo.sync(listing(replace(EASTER, last=date(2026, 4, 6))), SECOND)
    assert away(duo) == [(EASTER.first, date(2026, 4, 6))]
    assert result.intake.away == 2


def test_leave_that_is_over_stays_when_it_is_not_listed_any_more(duo: Duo) -> None:
    duo.sync(listing(EASTER, MAY), FIRST)
    duo.sync(listing(), LATER)
    assert away(duo) == days(EASTER)


def test_leave_that_runs_keeps_its_days_when_it_is_not_listed_any_more(duo: Duo) -> None:
    duo.sync(listing(EASTER, BRIDGE), FIRST)
    duo.sync(listing(), LATER)
    assert away(duo) == [*days(EASTER), (BRIDGE.first, instant(LATER).date())]


def test_a_listing_of_nothing_at_all_takes_nothing_away(duo: Duo) -> None:
    duo.sync(listing(EASTER), FIRST)
    duo.sync(replace(full(looked_at=0), absences=()), SECOND)
    assert away(duo) == days(EASTER)


def test_a_change_merges(duo: Duo) -> None:
    duo.sync(listing(EASTER), FIRST)
    duo.sync(change(MAY), SECOND)
    assert away(duo) == days(EASTER, MAY)


@pytest.mark.parametrize("gone", [change(removed=("easter",)), replace(change(), vanished=("easter",))])
def test_a_deleted_entry_takes_its_days_away(duo: Duo, gone: Pull) -> None:
    duo.sync(listing(EASTER, MAY), FIRST)
    duo.sync(gone, SECOND)
    assert away(duo) == days(MAY)


def test_the_same_again_makes_no_review_due(duo: Duo) -> None:
    duo.sync(listing(EASTER), FIRST)
    before = version(duo)
    assert duo.sync(listing(EASTER), SECOND).intake.away == 0
    assert version(duo) == before


def test_a_change_makes_the_pair_due(duo: Duo) -> None:
    duo.sync(listing(EASTER), FIRST)
    review(duo.world.store, instant(FIRST))
    duo.sync(change(MAY), SECOND)
    with duo.world.store.read() as db:
        assert db.get_one(Pair, duo.pair).review_due_at == instant(SECOND)


def version(duo: Duo) -> int:
    with duo.world.store.read() as db:
        return db.get_one(Pair, duo.pair).evidence_version


def test_a_permission_that_is_gone_ends_what_was_to_come(duo: Duo) -> None:
    """What has passed stays: a verdict may rest on it, and nobody is accused for taking a permission back."""
    duo.sync(listing(EASTER, BRIDGE, MAY), FIRST)
    allow(duo, is_allowed=False)
    duo.sync(listing(), LATER)
    assert away(duo) == [(EASTER.first, EASTER.last), (BRIDGE.first, date(2026, 4, 10))]


def test_the_owner_can_end_it_at_once(duo: Duo) -> None:
    duo.sync(listing(EASTER, MAY), FIRST)
    with duo.world.store.write() as db:
        calendar = db.get_one(Calendar, duo.calendar)
        withdraw_absences(db, calendar, Act(duo.mentor, "site", instant(LATER)))
    assert away(duo) == days(EASTER)


def test_a_calendar_that_is_disconnected_takes_leave_to_come_with_it(duo: Duo) -> None:
    duo.sync(listing(EASTER, BRIDGE, MAY), FIRST)
    act = Act(None, "test", instant(LATER))
    with duo.world.store.write() as db:
        disconnect(db, db.get_one(Calendar, duo.calendar), act)
    assert away(duo) == [*days(EASTER), (BRIDGE.first, date(2026, 4, 10))]


@pytest.mark.parametrize("wanted", [None, CalendarAt(Provider.OUTLOOK, "ana@example.com")])
def test_so_does_one_that_an_import_takes_away(duo: Duo, wanted: CalendarAt | None) -> None:
    duo.sync(listing(EASTER, MAY), FIRST)
    with duo.world.store.write() as db:
        owner = db.get_one(Calendar, duo.calendar).person_id
        act = Act(None, "test", instant(LATER))
        connect_calendars(db, duo.world.vault, {owner: wanted}, act)
    assert away(duo) == days(EASTER)


def test_connected_again_it_tells_of_its_leave_anew(duo: Duo) -> None:
    duo.sync(listing(MAY), FIRST)
    with duo.world.store.write() as db:
        calendar = db.get_one(Calendar, duo.calendar)
        disconnect(db, calendar, Act(None, "test", instant(SECOND)))
        assert calendar.cursor is None


def test_leave_that_somebody_entered_is_left_alone(duo: Duo) -> None:
    with duo.world.store.write() as db:
        own = Absence(starts_on=MAY.first, ends_on=MAY.last, kind="leave", created_at=instant(FIRST))
        own.person_id = duo.mentor
        db.add(own)
    duo.sync(listing(EASTER), FIRST)
    duo.sync(change(removed=("easter",)), SECOND)
    assert away(duo) == days(MAY)
