"""Whose turn it is: each job of the schedule is handed out once every so often, however many ask for it.

Runs nothing, and remembers no missed turns: after a standstill each job has one turn, since what is due
stands in the rows that the job looks at.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Heartbeat
from tracker.store import Store

# A turn that was given out later than now tells of a clock that went back: nobody waits until it comes again.
# Clocks of machines that work together differ by less than this.
CLOCKS_DIFFER = timedelta(minutes=1)


def due_turns(store: Store, jobs: Iterable[tuple[str, timedelta]], now: datetime) -> list[str]:
    """Return the names of those jobs (name, how often) that may have a turn, in the given order."""
    with store.read() as db:
        ticked = {row.name: row.ticked_at for row in db.execute(select(Heartbeat.name, Heartbeat.ticked_at))}
    return [name for name, every in jobs if _is_due(ticked.get(name), every, now)]


def take_turn(store: Store, name: str, every: timedelta, now: datetime) -> bool:
    """Take the job's turn; False if somebody else has it. One of ten who ask at the same moment gets it."""
    is_due = or_(Heartbeat.ticked_at <= now - every, Heartbeat.ticked_at > now + CLOCKS_DIFFER)
    with store.write() as db:
        taken = db.scalar(
            update(Heartbeat)
            .where(Heartbeat.name == name, is_due)
            .values(ticked_at=now)
            .returning(Heartbeat.name)
        )
        # Died after the commit: this turn is lost, the next one finds the same rows due.
        return taken is not None or _is_first(db, name, now)


def note_end(store: Store, name: str, now: datetime) -> None:
    """Note that the job came to a good end."""
    _note(store, name, {"ended_at": now, "error": None, "failures": 0})


def note_failure(store: Store, name: str, now: datetime, error: Exception) -> None:
    """Note that the job failed, and by which kind of error: what an error says may hold an address."""
    _note(
        store,
        name,
        {"failed_at": now, "error": type(error).__name__[:80], "failures": Heartbeat.failures + 1},
    )


def _note(store: Store, name: str, values: dict[str, object]) -> None:
    with store.write() as db:
        db.execute(update(Heartbeat).where(Heartbeat.name == name).values(**values))


def _is_due(ticked_at: datetime | None, every: timedelta, now: datetime) -> bool:
    return ticked_at is None or ticked_at <= now - every or ticked_at > now + CLOCKS_DIFFER


def _is_first(db: OrmSession, name: str, now: datetime) -> bool:
    insert = (sqlite if db.get_bind().dialect.name == "sqlite" else postgresql).insert(Heartbeat)
    row = insert.values(name=name, ticked_at=now, failures=0).on_conflict_do_nothing()
    return db.scalar(row.returning(Heartbeat.name)) is not None
