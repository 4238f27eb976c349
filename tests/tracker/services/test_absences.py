"""Leave and pauses: noted with the act, and the pairs concerned are due for a review."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from tracker.errors import BadInput
from tracker.models import Absence, AuditEntry, Pair, Person, Program
from tracker.services.absences import Days, add_leave, add_pause
from tracker.services.audit import Act
from tracker.store import Store

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
ACT = Act(None, "command", NOW)
FORTNIGHT = Days(date(2026, 12, 21), date(2027, 1, 3))


@pytest.fixture(autouse=True)
def _pairs(store: Store) -> None:
    with store.write() as db:
        ana, luis, eva = (
            Person(email=f"{name}@a.example", name=name, created_at=NOW) for name in ("ana", "luis", "eva")
        )
        program = Program(name="P", created_at=NOW)
        for mentee in (luis, eva):
            db.add(Pair(program=program, mentor=ana, mentee=mentee, created_at=NOW))


def test_leave_of_a_mentor_concerns_all_their_pairs(store: Store) -> None:
    with store.write() as db:
        ana = db.scalars(select(Person).where(Person.name == "ana")).one()
        add_leave(db, ana, FORTNIGHT, ACT)
    with store.read() as db:
        (absence,) = db.scalars(select(Absence))
        assert (absence.person_id, absence.pair_id, absence.kind) == (ana.id, None, "leave")
        assert [pair.review_due_at for pair in db.scalars(select(Pair))] == [NOW, NOW]


def test_a_pause_concerns_its_own_pair_alone(store: Store) -> None:
    with store.write() as db:
        pair = db.scalars(select(Pair).order_by(Pair.id)).first()
        assert pair
        add_pause(db, pair, FORTNIGHT, ACT)
    with store.read() as db:
        versions = [pair.evidence_version for pair in db.scalars(select(Pair).order_by(Pair.id))]
        assert versions[0] == versions[1] + 1
        assert db.scalars(select(AuditEntry.act)).all() == ["pause.added"]


def test_it_refuses_days_that_end_before_they_begin(store: Store) -> None:
    with store.write() as db:
        ana = db.scalars(select(Person).where(Person.name == "ana")).one()
        with pytest.raises(BadInput, match="last day"):
            add_leave(db, ana, Days(FORTNIGHT.last, FORTNIGHT.first), ACT)
