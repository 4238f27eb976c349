"""Days on which nobody is expected to meet: leave, pauses, and the company's own days.

Public holidays are not stored: they follow from a person's country (see tracker.services.holidays).
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.models.base import Base, UtcDateTime


class Absence(Base):
    """Leave of one person, or the pause of one pair (both sides).

    Leave that was read from a calendar names it and the entry there, and goes when the entry goes.
    """

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (pair_id IS NULL)", name="person_or_pair"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        UniqueConstraint("calendar_id", "provider_event_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    pair_id: Mapped[int | None] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]  # included
    kind: Mapped[str] = mapped_column(String(8))  # leave, pause
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendars.id", ondelete="CASCADE"))
    provider_event_id: Mapped[str | None] = mapped_column(String(1024))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CompanyHoliday(Base):
    """A day off of the company's own; `country` None means everywhere."""

    __tablename__ = "company_holidays"
    __table_args__ = (UniqueConstraint("day", "country", "subdivision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    name: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2), default="")  # empty: everywhere
    subdivision: Mapped[str] = mapped_column(String(8), default="")
