"""What the program's own mailbox knows of one person: what came in, and what Cadencia itself sent.

Reads the database alone, and judges nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.incoming import Method
from tracker.models import Booking, BookingState, Invitation, InvitationPerson, Mailbox, Pair
from tracker.observing import hash_lineage
from tracker.ports import Vault
from tracker.services.mailbox import find_people, hash_name

_SENT = (BookingState.WRITTEN, BookingState.MOVE, BookingState.CANCEL, BookingState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Told:
    """One stored message, opened."""

    method: Method
    uid: str
    is_ours: bool  # sent by somebody of ours
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """One session to which Cadencia invited both by mail, as it stands now."""

    uid: str
    reference: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    is_off: bool
    invited: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What came in for one person, oldest first, and when the mailbox was last read to its end.

    `sent` are the sessions that Cadencia itself invited the person to by mail: of these only answers come in.
    """

    read_at: datetime | None
    told: tuple[Told, ...]
    sent: tuple[Sent, ...] = ()


def load_shelf(db: OrmSession, vault: Vault, address: str, mailbox_name: str) -> Shelf:
    """Return all that came in for the person of that address, in whichever mailbox."""
    read_at = db.scalar(select(Mailbox.last_read_at).where(Mailbox.fingerprint == hash_name(mailbox_name)))
    person_id = find_people(db, {address}).get(address)
    theirs = (
        select(Invitation.uid)
        .join(InvitationPerson, InvitationPerson.invitation_id == Invitation.id)
        .where(InvitationPerson.person_id == person_id)
    )
    sent = _load_sent(db, person_id) if person_id is not None else ()
    # By entry, not by person: a cancellation may name fewer people than the invitation, an answer names one.
    concerned = or_(Invitation.uid.in_(theirs), Invitation.uid.in_([hash_lineage(each.uid) for each in sent]))
    rows = db.scalars(select(Invitation).where(concerned).order_by(Invitation.id))
    return Shelf(
        read_at,
        tuple(
            Told(Method(r.method), r.uid, r.sender_id is not None, vault.open(r.content, r.binding))
            for r in rows
        ),
        sent,
    )


def _load_sent(db: OrmSession, person_id: int) -> tuple[Sent, ...]:
    bookings = db.scalars(
        select(Booking)
        .join(Pair, Pair.id == Booking.pair_id)
        .where(or_(Pair.mentor_id == person_id, Pair.mentee_id == person_id))
        # What was never sent is nobody's session; what was given up by then is none any more.
        .where(Booking.by_mail, Booking.uid != "", Booking.state.in_(_SENT))
        .where(or_(Booking.state != BookingState.CANCELLED, Booking.sequence > 0))
        .order_by(Booking.id)
    )
    return tuple(
        Sent(
            uid=booking.uid,
            reference=booking.reference,
            sequence=booking.sequence,
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            created_at=booking.created_at,
            is_off=booking.state is BookingState.CANCELLED,
            invited=(booking.pair.mentor.email, booking.pair.mentee.email),
        )
        for booking in bookings
    )
