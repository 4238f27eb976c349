"""Sessions of a pair, and what people and meeting records said of them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime, word
from tracker.models.pairs import Pair


class Standing(StrEnum):
    """Whether the session counts. A suggested one counts only once the pair says so."""

    COUNTED = "counted"
    SUGGESTED = "suggested"
    DISMISSED = "dismissed"


class Session(Base):
    """One meeting of one pair, whichever calendars show it.

    `starts_at` and `ends_at` are the latest known ones, for lists; the history is in the copies'
    observations. A session that people told us of, without a calendar entry, has `told_by` and no copies.
    """

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"), index=True)
    standing: Mapped[Standing] = mapped_column(word(Standing), default=Standing.COUNTED)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    told_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # "Recorded, and nobody came" is evidence; "nothing was recorded" is none.
    attendance_recorded: Mapped[bool] = mapped_column(default=False)
    attendance_due_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, index=True
    )  # ask the provider then
    attendance_tries: Mapped[int] = mapped_column(default=0)
    # What the pair answered when the entry vanished from a calendar: cancelled then, by this side.
    called_off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    called_off_by: Mapped[str | None] = mapped_column(String(8))
    # Up to here the pair has told what became of entries that vanished; a later vanishing asks again.
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Sessions at the very same time that the pair says are other ones.
    distinct_from: Mapped[list[int]] = mapped_column(JSON, default=list)

    pair: Mapped[Pair] = relationship()
    keys: Mapped[list["SessionKey"]] = relationship(back_populates="session", cascade="all, delete-orphan")
    statements: Mapped[list["Statement"]] = relationship(
        back_populates="session", order_by="Statement.at, Statement.id", cascade="all, delete-orphan"
    )
    attendance: Mapped[list["Attendance"]] = relationship(cascade="all, delete-orphan")

    @property
    def key(self) -> str:
        """Return the name of the session in commands and files."""
        return f"s-{self.id}"


class SessionKey(Base):
    """A calendar slot that stands for a session. A series that moved gives a session a second key."""

    __tablename__ = "session_keys"
    __table_args__ = (UniqueConstraint("pair_id", "slot"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"))
    slot: Mapped[str] = mapped_column(String(64), index=True)

    session: Mapped[Session] = relationship(back_populates="keys")


class Statement(Base):
    """What one side said of a session. The latest of each side counts; none is ever changed."""

    __tablename__ = "statements"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    side: Mapped[str] = mapped_column(String(8))  # mentor, mentee
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    held: Mapped[bool]
    absent: Mapped[list[str]] = mapped_column(JSON, default=list)
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # None: the command line
    via: Mapped[str] = mapped_column(String(16))  # site, letter, command

    session: Mapped[Session] = relationship(back_populates="statements")


class Attendance(Base):
    """One stay of one side in the online meeting."""

    __tablename__ = "attendance"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    side: Mapped[str] = mapped_column(String(8))
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime] = mapped_column(UtcDateTime)
