"""Push: channels and subscriptions by which providers tell that a calendar changed. Hints, never truth."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime, word
from tracker.models.calendars import Calendar


class ChannelState(StrEnum):
    """Whether the provider still tells us. A closing one waits to be stopped at the provider."""

    OPEN = "open"
    CLOSING = "closing"


class PushChannel(Base):
    """One channel of Google's, or one subscription of Microsoft Graph's.

    `name` is ours (the channel's id at Google, part of the address that Graph calls); the secret that a
    notice must carry is derived from it and the installation's keys, and stored nowhere. `provider_name` is
    theirs (Google's resource id, Graph's subscription id): both names are needed to stop it.
    `last_number` is the highest number of a Google message: an earlier one is a replay. `provider_name` is
    empty while the channel is being opened. `fingerprint` is that of the calendar's address as it was then.
    `heard_at` is when the provider last reached us: before that nobody knows whether it can.
    """

    __tablename__ = "push_channels"

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendars.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    provider_name: Mapped[str] = mapped_column(String(255))
    state: Mapped[ChannelState] = mapped_column(word(ChannelState), default=ChannelState.OPEN)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    renew_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_number: Mapped[int] = mapped_column(BigInteger, default=0)
    fingerprint: Mapped[str] = mapped_column(String(64))
    heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    calendar: Mapped[Calendar] = relationship()
