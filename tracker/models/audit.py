"""Who changed what. Entries are written in the change's own transaction and never touched again."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.models.base import Base, UtcDateTime


class AuditEntry(Base):
    """One act. `actor_id` is None for the command line and the schedule, which `via` tells apart."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"), index=True)
    via: Mapped[str] = mapped_column(String(16))  # site, command, schedule
    act: Mapped[str] = mapped_column(String(60))  # statement.made, calendar.disconnected, ...
    subject: Mapped[str] = mapped_column(String(60), index=True)  # pair:17, session:4, ...
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
