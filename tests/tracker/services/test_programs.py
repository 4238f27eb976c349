"""A program's own rules, and what a change of them sets going."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.tracker.world import Duo, World, full, instant, make_duo
from tracker.errors import BadInput
from tracker.models import AuditEntry, Calendar, Pair, Program
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.programs import Rules, change_program
from tracker.services.review import review
from tracker.store import Store

NOW = instant("2026-01-20 08:00")


@pytest.fixture
def duo(store: Store, vault: Vault) -> Duo:
    duo = make_duo(World(store, vault))
    for calendar in (duo.calendar, duo.other):
        duo.world.sync(calendar, full(), "2026-01-20 07:00")
    review(store, instant("2026-01-20 07:30"))
    return duo


def change(duo: Duo, **rules: object) -> list[str]:
    with duo.world.store.write() as db:
        program = db.scalars(select(Program)).one()
        return change_program(db, program, Rules(**rules), Act(None, "command", NOW))  # type: ignore[arg-type]


def program(duo: Duo) -> Program:
    with duo.world.store.read() as db:
        return db.scalars(select(Program)).one()


def is_due(duo: Duo) -> tuple[bool, bool]:
    """Tell whether the pair is to be judged, and its calendars are to be read, at once."""
    with duo.world.store.read() as db:
        pair = db.get_one(Pair, duo.pair)
        calendars = db.scalars(select(Calendar.next_read_at)).all()
    return pair.review_due_at == NOW, all(at == NOW for at in calendars)


def test_a_rule_of_judging_judges_all_pairs_anew(duo: Duo) -> None:
    assert change(duo, policy={"grace_days": 10}) == ["policy"]
    assert program(duo).policy == {"grace_days": 10}
    assert is_due(duo) == (True, False)


def test_a_rule_of_reading_reads_all_calendars_anew(duo: Duo) -> None:
    assert change(duo, reads_absences=True, address="Mentoring@Example.com") == ["address", "reads_absences"]
    assert (program(duo).address, program(duo).reads_absences) == ("mentoring@example.com", True)
    assert is_due(duo) == (True, True)


def test_what_is_as_usual_is_not_kept(duo: Duo) -> None:
    change(duo, policy={"grace_days": 10, "notice_hours": 48})
    change(duo, policy={"grace_days": 3})
    assert program(duo).policy == {"notice_hours": 48}


def test_what_is_not_named_stays(duo: Duo) -> None:
    change(duo, reads_attendance=True)
    change(duo, policy={"grace_days": 5})
    assert program(duo).reads_attendance is True


def test_nothing_new_changes_nothing(duo: Duo) -> None:
    assert change(duo, suggests_untagged=True, address="") == []
    assert is_due(duo) == (False, False)
    with duo.world.store.read() as db:
        assert db.scalars(select(AuditEntry).where(AuditEntry.act == "program.changed")).all() == []


@pytest.mark.parametrize("rules", [{"address": "nonsense"}, {"policy": {"grace_days": -1}}])
def test_what_makes_no_sense_is_refused(duo: Duo, rules: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        change(duo, **rules)
    assert program(duo).policy == {}
