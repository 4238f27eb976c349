"""The program's own mailbox: how far it was read, and the invitations to sessions that came in."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.models.base import Base, UtcDateTime


class Mailbox(Base):
    """A folder of a mailbox. Messages up to `last_uid` were read (RFC 3501: good for one `uid_validity`)."""

    __tablename__ = "mailboxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)  # of its address
    uid_validity: Mapped[int | None]
    last_uid: Mapped[int] = mapped_column(default=0)
    last_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(String(40))


class Invitation(Base):
    """One calendar message (RFC 5546) of somebody in a program: request, update, cancellation or reply.

    `content` is its calendar without title text, notes and places, sealed and bound to this row. `people` are
    the ids of those of us who are on it. Rows are added, never changed; `dedupe_key` (a hash of uid,
    recurrence, sequence, stamp, method and sender) makes a second delivery harmless.
    """

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("mailbox_id", "dedupe_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"))
    dedupe_key: Mapped[str] = mapped_column(String(64))
    uid: Mapped[str] = mapped_column(String(64), index=True)  # hash
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    people: Mapped[list[int]] = mapped_column(JSON, default=list)
    method: Mapped[str] = mapped_column(String(16))  # request, cancel, reply
    content: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def binding(self) -> str:
        """Return what the vault binds `content` to."""
        return f"invitations:{self.mailbox_id}:{self.dedupe_key}"
