"""The audit trail: one entry for each act, in the act's own transaction. Never holds a title or a secret."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session as OrmSession

from tracker.models import AuditEntry


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
