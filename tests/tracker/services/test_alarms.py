"""Who runs Cadencia is told what only they can mend: one letter for each problem, not one a calendar."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from integrations.mail import open_writer
from tests.tracker.world import MENTEE, MENTOR, World, instant
from tracker.models import Calendar, CalendarStatus, OutboxMail, Person, Provider
from tracker.ports import Vault
from tracker.services.alarms import tell_admins
from tracker.settings import Settings
from tracker.store import Store

NOW = instant("2026-02-02 08:00")


@pytest.fixture
def ports(store: Store, vault: Vault) -> Any:
    """Two people with Outlook calendars that can not be read, and two who run Cadencia."""
    world = World(store, vault)
    for email in (MENTOR, MENTEE):
        world.calendar(world.person(email), Provider.OUTLOOK)
    for email in ("eva@example.com", "leo@example.com"):
        world.person(email)
    with store.write() as db:
        db.execute(update(Person).where(Person.email.in_(["eva@example.com"])).values(is_admin=True))
        db.execute(update(Person).where(Person.email == "leo@example.com").values(is_hr=True))
        db.execute(update(Calendar).values(problem="secret_expired", failures=2))
    return SimpleNamespace(store=store, vault=vault, settings=Settings(), writer=open_writer())


def change(ports: Any, **columns: object) -> None:
    with ports.store.write() as db:
        db.execute(update(Calendar).values(columns))


def letters(ports: Any) -> list[tuple[str, str]]:
    with ports.store.read() as db:
        rows = db.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    return [(row.recipient, row.message.decode()) for row in rows]


def test_one_letter_tells_of_all_calendars_and_of_nobody(ports: Any) -> None:
    assert tell_admins(ports, NOW) == 1
    ((recipient, message),) = letters(ports)
    assert "eva@example.com" in recipient
    assert "Cadencia can not read 2 calendars:" in message
    assert "our client secret has expired" in message
    assert MENTOR not in message
    assert MENTEE not in message


def test_it_is_told_once_and_again_after_a_month_or_for_another_problem(ports: Any) -> None:
    days = (0, 1, 20, 30)
    assert [tell_admins(ports, NOW + timedelta(days=day)) for day in days] == [1, 0, 0, 1]
    change(ports, problem="clock_off")
    assert tell_admins(ports, NOW + timedelta(days=30)) == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"problem": "reconnect"},
        {"problem": "unreachable"},
        {"problem": None},
        {"failures": 1},
        {"status": CalendarStatus.DISCONNECTED},
    ],
)
def test_what_others_mend_or_may_pass_is_not_told(ports: Any, columns: dict[str, object]) -> None:
    change(ports, **columns)
    assert tell_admins(ports, NOW) == 0
    assert letters(ports) == []
