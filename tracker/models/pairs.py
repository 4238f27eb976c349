"""Programs, the pairs in them, and what each pair agreed for which stretch of time."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime
from tracker.models.people import Person


class Program(Base):
    """A mentoring program of the company, with its own rules where it set any."""

    __tablename__ = "programs"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    address: Mapped[str | None] = mapped_column(String(320))  # people may invite it to mark a session
    policy: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # keys of tracker.ledger.Policy
    suggests_untagged: Mapped[bool] = mapped_column(default=True)
    reads_absences: Mapped[bool] = mapped_column(default=False)  # days away, from everybody's calendars
    reads_attendance: Mapped[bool] = mapped_column(default=False)  # who was in the online meeting
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Pair(Base):
    """A mentor and a mentee in one program.

    `evidence_version` counts every change of what is known of the pair. `review_due_at` is when the pair
    must be judged again: at once after a change, else when time alone can change its ledger. A review
    writes it only if the version is still the one that it read, so no change is ever lost. `claims` counts
    the reviews that were begun and never ended: a pair that kills its judge must not do so for ever.
    """

    __tablename__ = "pairs"
    __table_args__ = (
        UniqueConstraint("program_id", "mentor_id", "mentee_id"),
        CheckConstraint("mentor_id <> mentee_id", name="two_people"),
        Index("ix_pairs_review_due_at", "review_due_at"),
        Index(
            "ix_pairs_judged_anew",
            "id",
            postgresql_where=text("judged_anew"),
            sqlite_where=text("judged_anew = 1"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("programs.id"))
    mentor_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    mentee_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    evidence_version: Mapped[int] = mapped_column(default=1)
    review_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # True while the ledger says `unknown` somewhere: then the next good reading makes a review due.
    awaits_reading: Mapped[bool] = mapped_column(default=True)
    # True from a review on until the nudges were drawn from its ledger.
    judged_anew: Mapped[bool] = mapped_column(default=False)
    claims: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    program: Mapped[Program] = relationship()
    mentor: Mapped[Person] = relationship(foreign_keys=[mentor_id])
    mentee: Mapped[Person] = relationship(foreign_keys=[mentee_id])
    agreements: Mapped[list["Agreement"]] = relationship(
        back_populates="pair", order_by="Agreement.starts_on", cascade="all, delete-orphan"
    )

    @property
    def key(self) -> str:
        """Return the name of the pair in commands and files."""
        return f"p-{self.id}"


class Agreement(Base):
    """What a pair agreed, from one day to another. The agreements of a pair never overlap.

    A new cadence from a date on ends the running agreement the day before and begins the next.
    """

    __tablename__ = "agreements"
    __table_args__ = (
        UniqueConstraint("pair_id", "starts_on"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"))
    timezone: Mapped[str] = mapped_column(String(64))
    starts_on: Mapped[date]
    ends_on: Mapped[date]  # included
    sessions: Mapped[int]
    every: Mapped[int]
    unit: Mapped[str] = mapped_column(String(8))  # day, week, month
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    pair: Mapped[Pair] = relationship(back_populates="agreements")
