"""The audit trail: one entry for each act, in the act's own transaction. Never holds a title or a secret."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session as OrmSession

from tracker.models import AuditEntry

Entry = tuple[str, str, dict[str, object]]  # what, subject, details


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts (None: nobody signed in), how (`site`, `command`, `schedule`) and when."""

    actor_id: int | None
    via: str
    at: datetime


def record(db: OrmSession, act: Act, what: str, subject: str, **details: object) -> None:
    """Add an entry such as `record(db, act, "statement.made", "session:4", held=True)`."""
    db.add(
        AuditEntry(at=act.at, actor_id=act.actor_id, via=act.via, act=what, subject=subject, details=details)
    )


def record_all(db: OrmSession, act: Act, entries: Iterable[Entry]) -> None:
    """Add many entries at once: an import has a hundred thousand of them."""
    shared = {"at": act.at, "actor_id": act.actor_id, "via": act.via}
    rows = [{**shared, "act": what, "subject": subject, "details": more} for what, subject, more in entries]
    if rows:
        db.execute(insert(AuditEntry), rows)
