"""Sessions that Cadencia puts into calendars because a pair asked for it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime, word
from tracker.models.calendars import Calendar
from tracker.models.pairs import Pair


class BookingState(StrEnum):
    """What is to be done at the provider, or what was done."""

    CREATE = "create"
    MOVE = "move"
    CANCEL = "cancel"
    WRITTEN = "written"
    CANCELLED = "cancelled"


TO_DO = (BookingState.CREATE, BookingState.MOVE, BookingState.CANCEL)


class Booking(Base):
    """One entry that is, or will be, in the calendars of a pair.

    `reference` is signed by the installation and stands on the entry: by it a reading recognises our own
    (`copies.reference`). It also gives the entry's id at the provider, so a second try finds the first.
    `calendar_id` is the calendar it is written to, None until one is chosen; `by_mail`: both get it as a
    mailed invitation (iMIP) with `uid` and a growing `sequence`. An entry that was there before and that we
    only move has no `uid`. `wanted` counts what people asked for and `attempts` all tries: only whoever made
    the latest claim may say how it ended. `tries` are those since one ended well, or something new was asked
    for. `unsure`: a try may have written the entry, and nobody knows.
    `stands_at` is when the entry begins at the provider, as far as we know: what somebody moves there
    meanwhile holds. Something to do that is not due waits for a person, and `problem` says why.
    """

    __tablename__ = "bookings"
    __table_args__ = (Index("ix_bookings_due_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"), index=True)
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendars.id", ondelete="SET NULL"))
    reference: Mapped[str] = mapped_column(String(80), unique=True)
    uid: Mapped[str] = mapped_column(String(255))
    sequence: Mapped[int] = mapped_column(default=0)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    online: Mapped[bool] = mapped_column(default=True)
    state: Mapped[BookingState] = mapped_column(word(BookingState), default=BookingState.CREATE)
    provider_event_id: Mapped[str | None] = mapped_column(String(1024))
    version: Mapped[str | None] = mapped_column(String(255))  # the provider's etag or change key
    wanted: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: nothing to do
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unsure: Mapped[bool] = mapped_column(default=False)
    by_mail: Mapped[bool] = mapped_column(default=False)
    stands_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Further starts at which it may stand by our own doing: of tries whose end nobody knows, and of the last
    # one that ended, where no reading has shown it yet.
    aims: Mapped[list[int]] = mapped_column(JSON, default=list)
    problem: Mapped[str | None] = mapped_column(String(40))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    pair: Mapped[Pair] = relationship()
    calendar: Mapped[Calendar | None] = relationship()

    @property
    def is_stuck(self) -> bool:
        """Tell whether something is still to be done and nobody will do it by itself."""
        return self.state in TO_DO and self.due_at is None and self.leased_until is None
