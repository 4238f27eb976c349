"""What people are to be reminded of, and what they say of a miss. Nothing here sends."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime, word
from tracker.models.pairs import Pair
from tracker.models.people import Person


class NudgeKind(StrEnum):
    """Why somebody is written to: to say what became of a session, to find a date, to mend a miss."""

    CONFIRM = "confirm"
    PLAN = "plan"
    MISSED = "missed"


class Nudge(Base):
    """One thing that one person may be reminded of, once.

    `about` names it (`session:12`, `period:7/2026-11-02`): the same thing is not said twice. It goes into
    the first letter from `due_at` on that good manners allow, is worth nothing from `expires_at` on, and is
    `closed_at` where it came to nothing before (the session was confirmed, a date was found). `told_at` is
    set in the transaction that puts the letter into the outbox.
    """

    __tablename__ = "nudges"
    __table_args__ = (
        UniqueConstraint("person_id", "kind", "about"),
        Index("ix_nudges_due_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    pair_id: Mapped[int] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"), index=True)
    kind: Mapped[NudgeKind] = mapped_column(word(NudgeKind))
    about: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: told, or closed
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship()
    pair: Mapped[Pair] = relationship()


class Remark(Base):
    """What one side wants HR to know of a missed period, in a line of their own. The latest one counts."""

    __tablename__ = "remarks"
    __table_args__ = (UniqueConstraint("agreement_id", "starts_on", "side"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id", ondelete="CASCADE"))
    starts_on: Mapped[date]
    side: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(String(280))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
