"""What no calendar reaches back to: nobody missed it, and nothing that was seen is forgotten over it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import update

from tests.tracker.world import Duo, World, full, instant, make_duo, unchanged
from tracker.events import Pull
from tracker.ledger import judge
from tracker.models import Calendar
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, add_calendar, disconnect
from tracker.store import Store

# Two weeks each, from Monday, 5 January, on; connected in the middle of March.
CONNECTED = "2026-03-14 08:00"
END = "2026-04-24 08:00"


def reaching(day: str) -> Pull:
    """Return a calendar without a session, which shows what there was from that day on."""
    return replace(full(), shows_from=instant(f"{day} 00:00"))


def connect_again(duo: Duo, calendar_id: int, at: str) -> None:
    """Disconnect a calendar that was not read of late, and connect it once more."""
    act, vault = Act(None, "command", instant(at)), duo.world.vault
    with duo.world.store.write() as db:
        calendar = db.get_one(Calendar, calendar_id)
        where = CalendarAt(calendar.provider, vault.open(calendar.address, calendar.address_binding))
        disconnect(db, calendar, act)
        assert add_calendar(db, vault, calendar.person_id, where, act) is calendar


def verdicts(duo: Duo) -> dict[str, str]:
    """Return what became of each period, by its first day."""
    ledger = judge(duo.evidence, now=instant(END))
    return {f"{p.starts_on:%m-%d}": p.verdict.value for p in ledger.periods}


@pytest.fixture
def late(store: Store, vault: Vault) -> Duo:
    """A pair that connects its calendars in the middle of the agreement."""
    duo = make_duo(World(store, vault))
    with duo.world.store.write() as db:
        db.execute(update(Calendar).values(connected_at=instant(CONNECTED)))
    return duo


def read_both(duo: Duo, mentor: Pull, mentee: Pull) -> None:
    for at in (CONNECTED, END):
        duo.sync(mentor, at)
        duo.sync_other(mentee, at)


def test_periods_that_neither_reaches_back_to_are_excused(late: Duo) -> None:
    read_both(late, reaching("2026-02-10"), reaching("2026-02-20"))
    found = verdicts(late)
    assert {found[day] for day in found if day < "02-10"} == {"excused"}
    assert {found[day] for day in ("02-16", "03-02", "03-16", "03-30")} == {"missed"}


def test_one_that_tells_all_its_past_is_enough(late: Duo) -> None:
    read_both(late, full(), reaching("2026-02-20"))
    assert "excused" not in verdicts(late).values()


def test_it_shows_at_least_what_came_after_it_was_connected(late: Duo) -> None:
    read_both(late, reaching("2027-01-01"), reaching("2027-01-01"))
    found = verdicts(late)
    assert {found[day] for day in found if day < "03-14"} == {"excused"}
    assert {found[day] for day in ("03-16", "03-30")} == {"missed"}


def test_what_it_drops_later_stays_known(late: Duo) -> None:
    read_both(late, reaching("2026-01-05"), reaching("2026-01-05"))
    for sync in (late.sync, late.sync_other):
        sync(reaching("2026-04-20"), "2026-04-24 09:00")
        sync(unchanged(), "2026-04-24 10:00")
    assert "excused" not in verdicts(late).values()


def test_a_gap_between_two_connections_is_not_known(late: Duo) -> None:
    read_both(late, reaching("2026-01-05"), reaching("2026-01-05"))
    for calendar, sync in ((late.calendar, late.sync), (late.other, late.sync_other)):
        connect_again(late, calendar, "2026-06-12 08:00")
        sync(reaching("2026-05-11"), "2026-06-12 08:00")
    assert _shows_from(late, late.calendar) == instant("2026-05-11 00:00")


def test_without_a_gap_it_is_known_as_it_was(late: Duo) -> None:
    read_both(late, reaching("2026-01-05"), reaching("2026-01-05"))
    connect_again(late, late.calendar, "2026-04-30 08:00")
    late.sync(reaching("2026-04-01"), "2026-04-30 08:00")
    assert _shows_from(late, late.calendar) == instant("2026-01-05 00:00")


def _shows_from(duo: Duo, calendar_id: int) -> datetime | None:
    with duo.world.store.read() as db:
        return db.get_one(Calendar, calendar_id).shows_from
