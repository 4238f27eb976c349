"""What a session is called in calendars, and inviting the two to it by mail where no calendar can be written.

Puts letters into the outbox, in the transaction of what they tell of; sends nothing.
"""

from datetime import datetime

from sqlalchemy.orm import Session as OrmSession

from tracker.itip import Invitation, Method
from tracker.models import Booking, BookingState, Pair
from tracker.ports import Invitee
from tracker.services.message import parse_mailbox
from tracker.services.needs import Posting
from tracker.services.outbox import Note, enqueue
from tracker.settings import Settings
from tracker.wording import N_, Reader, first_name, language_of

MARKER = "#mentoring"  # it travels with the title, wherever the entry is copied to
_TITLE = N_("Mentoring: %(one)s & %(other)s")
_NOTES = N_(
    "Your mentoring session, put here by Cadencia. Moved or called off here, it is so for Cadencia too."
)


def title_of(pair: Pair, language: str) -> str:
    """Return the title of the pair's sessions, with the marker by which any calendar shows what they are."""
    names = {"one": first_name(pair.mentor.name), "other": first_name(pair.mentee.name)}
    return f"{Reader(language_of(language)).say(_TITLE, **names)} {MARKER}"


def notes_of(pair: Pair, language: str, base_url: str) -> str:
    """Return what stands in the entry's body: what it is, and where its page is."""
    return f"{Reader(language_of(language)).say(_NOTES)}\n\n{base_url}/pairs/{pair.id}"


def enqueue_invitations(db: OrmSession, ports: Posting, booking: Booking, now: datetime) -> None:
    """Invite both to the booking as it stands now, or tell both that it is off; once for each `sequence`."""
    pair, settings = booking.pair, ports.settings
    is_off = booking.state is BookingState.CANCEL
    people = (pair.mentor, pair.mentee)
    asker = next((p for p in people if p.id == booking.asked_by), pair.mentor)
    invitation = _invitation(booking, settings, title_of(pair, asker.language), now)
    for person, other in (people, people[::-1]):
        facts = {
            "name": person.name,
            "other": other.name,
            "timezone": person.timezone,
            "invitation": invitation,
            "is_news": booking.sequence == 0,
            "link": f"{settings.base_url}/pairs/{pair.id}",
            "base_url": settings.base_url,
        }
        # The same words at a second try have the same key: nobody is invited twice to one state.
        key = f"invite/{booking.id}/{booking.sequence}/{person.id}"
        template = "invitation_off" if is_off else "invitation"
        enqueue(db, ports.writer, Note(template, person, facts, key), sender=settings.mail_from, now=now)


def _invitation(booking: Booking, settings: Settings, title: str, now: datetime) -> Invitation:
    pair, sender = booking.pair, parse_mailbox(settings.mail_from)
    address = pair.program.address or settings.program_address or sender.address
    return Invitation(
        method=Method.CANCEL if booking.state is BookingState.CANCEL else Method.REQUEST,
        uid=booking.uid,
        sequence=booking.sequence,
        reference=booking.reference,
        title=title,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        organiser=Invitee(sender.name or "Cadencia", address),
        invitees=(Invitee(pair.mentor.name, pair.mentor.email), Invitee(pair.mentee.name, pair.mentee.email)),
        written_at=now,
        sent_by=sender.address if sender.address != address else None,
    )
