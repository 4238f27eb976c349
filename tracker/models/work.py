"""Who does which work at the moment, and when it was done last. The work itself stands in its own rows."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.models.base import Base, UtcDateTime


class Lease(Base):
    """The right to do one kind of work alone, until an instant.

    `fence` grows with every new holder: whoever gives the lease back under an older number slept past its
    end, and changes nothing.
    """

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    fence: Mapped[int] = mapped_column(default=1)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class Heartbeat(Base):
    """One job of the schedule: when its turn was given out last, and how it went.

    `ended_at` is the last good end, `failed_at` the last bad one; `error` is the name of the exception that
    ended it then, never its words, and None once it went well again. `failures` are those in a row.
    """

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    ticked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(80))
    failures: Mapped[int] = mapped_column(default=0)
