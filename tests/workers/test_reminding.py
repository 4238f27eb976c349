"""Reminders are written by as many processes as there are; nobody is written to by two of them."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from tests.web.company import Company, open_company
from tracker.models import Nudge, NudgeKind
from tracker.services.leases import take_lease
from tracker.services.nudges.mailing import SHARES
from workers.jobs import write_reminders

DAY = timedelta(days=1)


class Said:
    """A turn that remembers how often it was said that there is more."""

    def __init__(self) -> None:
        self.more_often = 0

    def more(self) -> None:
        """Note it."""
        self.more_often += 1

    def heed(self, done: int, of: int) -> None:
        """Go on."""


def _be_due(company: Company) -> list[int]:
    """Let two people have something to be told, and return their ids."""
    duo = company.duo()
    at = company.now
    with company.ports.store.write() as db:
        for person in (duo.mentor, duo.mentee):
            db.add(
                Nudge(
                    person_id=person.id, pair_id=duo.pair.id, kind=NudgeKind.PLAN, about="period:1/2026",
                    due_at=at - DAY, expires_at=at + DAY, created_at=at,
                )
            )  # fmt: skip
    return [duo.mentor.id, duo.mentee.id]


def _left(company: Company) -> set[int]:
    with company.ports.store.read() as db:
        return set(db.scalars(select(Nudge.person_id).where(Nudge.due_at <= company.now)))


def test_a_share_that_somebody_works_on_is_left_to_them(tmp_path: Path) -> None:
    company, turn = open_company(tmp_path), Said()
    theirs, _ = _be_due(company)
    name = f"reminders:{theirs % SHARES}"
    assert take_lease(company.ports.store, name, "somebody", company.now, timedelta(minutes=5))
    write_reminders(company.ports, company.now, turn)
    assert _left(company) == {theirs}
    assert turn.more_often == 1  # whoever is free may begin with the next share
    write_reminders(company.ports, company.now + timedelta(minutes=6), turn)
    assert _left(company) == set()
    company.ports.store.close()


def test_nobody_is_called_where_nothing_is_to_be_written(tmp_path: Path) -> None:
    company, turn = open_company(tmp_path), Said()
    write_reminders(company.ports, company.now, turn)
    assert turn.more_often == 0
    company.ports.store.close()
