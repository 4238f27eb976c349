"""Tells those who run Cadencia what only they can mend. Never says whose calendars it is about."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import func, select

from tracker.models import Calendar, CalendarStatus, Person
from tracker.problems import FOR_ADMIN, problem_of
from tracker.services.needs import Posting, SealedStore
from tracker.services.outbox import Note, enqueue

CERTAIN = 2  # readings in a row that failed: one alone may be a hiccup


class AlarmPorts(Posting, SealedStore, Protocol):
    """What it takes to tell them."""


def tell_admins(ports: AlarmPorts, now: datetime) -> int:
    """Write each of them a letter for each such problem of a provider's calendars, once a month.

    Returns how many were written.
    """
    failing = (
        select(Calendar.problem, Calendar.provider, func.count())
        .where(Calendar.status == CalendarStatus.CONNECTED, Calendar.problem.in_(FOR_ADMIN))
        .where(Calendar.failures >= CERTAIN)
        .group_by(Calendar.problem, Calendar.provider)
        .order_by(Calendar.problem, Calendar.provider)
    )
    with ports.store.read() as db:
        found = db.execute(failing).all()
        admins = db.scalars(select(Person).where(Person.is_admin).order_by(Person.id)).all() if found else []
    notes = [
        Note(
            "trouble",
            admin,
            {
                "name": admin.name,
                "what": problem_of(code or "").admin,
                "count": count,
                "base_url": ports.settings.base_url,
            },
            f"trouble:{code}:{provider.value}:{admin.id}:{now:%Y-%m}",
        )
        for code, provider, count in found
        for admin in admins
    ]
    # Died before the commit: the next turn writes them.
    with ports.store.write() as db:
        sender = ports.settings.mail_from
        return sum(enqueue(db, ports.writer, note, sender=sender, now=now) is not None for note in notes)
