"""The program's own mailbox: how far it was read, and the invitations to sessions that came in."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime


class Mailbox(Base):
    """A folder of a mailbox. Messages up to `last_uid` were read (RFC 3501: good for one `uid_validity`).

    `last_read_at` is the last time that it was read to its end, `begun_at` the last time that it was read
    from its start: invitations of people who are paired later are in it already.
    """

    __tablename__ = "mailboxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)  # of its name, which has no password
    uid_validity: Mapped[int | None]
    last_uid: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(String(40))


class Invitation(Base):
    """One calendar message (RFC 5546) of somebody in a program: request, update, cancellation or reply.

    `content` is its calendar without title, notes, places and other people, sealed and bound to this row.
    Rows are added, never changed; `dedupe_key` (a hash of method, sender and content) makes a second delivery
    harmless. `sender_id` is None where the sender is none of ours.
    """

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("mailbox_id", "dedupe_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"))
    dedupe_key: Mapped[str] = mapped_column(String(64))
    uid: Mapped[str] = mapped_column(String(64), index=True)  # hash, the same as that of copies' lineage
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    method: Mapped[str] = mapped_column(String(16))  # tracker.incoming.Method
    content: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)

    people: Mapped[list["InvitationPerson"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def binding(self) -> str:
        """Return what the vault binds `content` to."""
        return f"invitations:{self.mailbox_id}:{self.dedupe_key}"


class InvitationPerson(Base):
    """Somebody of ours who is on an invitation."""

    __tablename__ = "invitation_people"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    invitation_id: Mapped[int] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
