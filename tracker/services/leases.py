"""Leases: one process at a time does a kind of work, and one that slept past its end ends nobody else's.

A lease saves doing work twice. It never is what keeps double work harmless: rows and their unique keys are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.dialects import postgresql, sqlite

from tracker.models import Lease
from tracker.store import Store

# Nobody takes a lease for longer: one that ends later was given out by a clock that was ahead.
LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that is ours; `fence` is larger than that of everybody who held it before."""

    name: str
    fence: int


def take_lease(store: Store, name: str, holder: str, now: datetime, length: timedelta) -> Held | None:
    """Take the lease until `now + length` (an hour at most), or return None where somebody else has it."""
    if length > LONGEST:
        raise ValueError("a lease is for an hour at most")
    is_free = or_(Lease.until <= now, Lease.until > now + LONGEST)
    with store.write() as db:
        # Died after the commit: the work waits until the lease ends.
        fence = db.scalar(
            update(Lease)
            .where(Lease.name == name, is_free)
            .values(holder=holder, fence=Lease.fence + 1, until=now + length)
            .returning(Lease.fence)
        )
        if fence is None:
            insert = (sqlite if db.get_bind().dialect.name == "sqlite" else postgresql).insert(Lease)
            row = insert.values(name=name, holder=holder, fence=1, until=now + length)
            fence = db.scalar(row.on_conflict_do_nothing().returning(Lease.fence))
    return Held(name, fence) if fence is not None else None


def give_back(store: Store, held: Held, now: datetime) -> None:
    """End the lease, unless it is somebody else's by now. The row stays: its fence must never shrink."""
    is_mine = (Lease.name == held.name, Lease.fence == held.fence)
    with store.write() as db:
        db.execute(update(Lease).where(*is_mine).values(until=now))


@contextmanager
def held_alone(store: Store, name: str, holder: str, now: datetime, length: timedelta) -> Iterator[bool]:
    """Hold the lease for the block; yields False where somebody else has it."""
    held = take_lease(store, name, holder, now, length)
    try:
        yield held is not None
    finally:
        if held:
            give_back(store, held, now)
