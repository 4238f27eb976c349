"""What is on its way out, as mail or to an endpoint. The row is the truth: what is here will be sent."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.models.base import Base, UtcDateTime, word


class OutboxState(StrEnum):
    """How far it has come. `failed` is a dead letter: shown to an admin, never dropped."""

    QUEUED = "queued"
    INFLIGHT = "inflight"
    RETRY = "retry"
    SENT = "sent"
    FAILED = "failed"


_WAITING = text("state IN ('queued', 'retry')")


class OutboxMail(Base):
    """One mail, frozen when it was put here: the same bytes and Message-ID at every attempt.

    `dedupe_key` says what the mail is about (`digest/3/2026-W47/17`): a second run that wants to say the
    same finds it here and says nothing. With `endpoint_id` it is an event for that endpoint instead:
    `message` is its JSON and `message_id` the delivery's id. `message` is emptied when it was sent long ago.
    `due_at` is its place as well: what has been due longest leaves first. `created_at` is when it was wanted.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_state_due_at", "state", "due_at"),
        # The next to leave, in order: without it, each claim on PostgreSQL fetches and sorts all that wait.
        # (SQLite takes it once it has statistics, and is as fast without.)
        Index("ix_outbox_waiting", "due_at", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        # Before each nudge it is counted how many letters that person got of late.
        Index("ix_outbox_person_id_created_at", "person_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    endpoint_id: Mapped[int | None] = mapped_column(
        ForeignKey("endpoints.id", ondelete="CASCADE"), index=True
    )
    sender: Mapped[str] = mapped_column(String(320))
    recipient: Mapped[str] = mapped_column(String(320))
    message_id: Mapped[str] = mapped_column(String(255))
    message: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[OutboxState] = mapped_column(word(OutboxState), default=OutboxState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


class LanePause(Base):
    """Why and until when nothing leaves by a lane (`mail`, `endpoint:3`): its other end is out of reach."""

    __tablename__ = "lane_pauses"

    lane: Mapped[str] = mapped_column(String(40), primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str] = mapped_column(Text)
