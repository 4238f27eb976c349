"""Invitations as calendars and mail programs read them: iTIP (RFC 5546) in a mail (RFC 6047).

Never decides who is invited to what. Times are in UTC: a single meeting needs no zone of its own, and Gmail,
Outlook and Apple all show it on the reader's clock.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from tracker.itip import Invitation, Method
from tracker.ports import CalendarPart, Invitee
from tracker.wording import Reader

_LINE_BYTES = 75  # RFC 5545, 3.1
_TEXT = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
# What a parameter can not hold, even quoted (RFC 5545, 3.2; RFC 6868 is read by few).
_PARAMETER = str.maketrans({'"': "'", "^": " "})


@dataclass(frozen=True, slots=True)
class InvitationWords:
    """What the letter around an invitation says, on its reader's clock."""

    reader: Reader
    invitation: Invitation

    @property
    def day(self) -> str:
        """Return "Tuesday 10 November 2026"."""
        return self.reader.day(self.reader.local(self.invitation.starts_at).date(), date.min)

    @property
    def hours(self) -> str:
        """Return "10:00–10:45"."""
        return self.reader.hours(self.invitation.starts_at, self.invitation.ends_at)

    @property
    def place(self) -> str:
        """Return whose clock that is, such as "Bogotá"."""
        return self.reader.zone()


def write_calendar(invitation: Invitation) -> CalendarPart:
    """Return the invitation as an iCalendar object with CRLF; equal invitations give equal text."""
    is_off = invitation.method is Method.CANCEL
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Cadencia//Cadencia//EN",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        f"METHOD:{invitation.method}",
        "BEGIN:VEVENT",
        f"UID:{invitation.uid}",
        f"SEQUENCE:{invitation.sequence}",
        f"DTSTAMP:{_utc(invitation.written_at)}",
        f"DTSTART:{_utc(invitation.starts_at)}",
        f"DTEND:{_utc(invitation.ends_at)}",
        f"SUMMARY:{_text(invitation.title)}",
        _organiser(invitation),
        *(_attendee(invitee) for invitee in invitation.invitees),
        f"STATUS:{'CANCELLED' if is_off else 'CONFIRMED'}",
        f"TRANSP:{'TRANSPARENT' if is_off else 'OPAQUE'}",
        f"X-CADENCIA:{_text(invitation.reference)}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return CalendarPart(invitation.method, "".join(f"{_fold(line)}\r\n" for line in lines))


def _organiser(invitation: Invitation) -> str:
    sent_by = f';SENT-BY="mailto:{_bare(invitation.sent_by)}"' if invitation.sent_by else ""
    organiser = invitation.organiser
    return f"ORGANIZER;CN={_quoted(organiser.name)}{sent_by}:mailto:{_bare(organiser.email)}"


def _attendee(invitee: Invitee) -> str:
    rights = "CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
    return f"ATTENDEE;{rights};CN={_quoted(invitee.name)}:mailto:{_bare(invitee.email)}"


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    return _without_controls(text).translate(_TEXT)


def _quoted(name: str) -> str:
    return f'"{_without_controls(name).translate(_PARAMETER)}"'


def _bare(address: str | None) -> str:
    return "".join((address or "").split())


def _without_controls(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _fold(line: str) -> str:
    """Return the line in pieces of at most 75 octets, never cut within a letter (RFC 5545, 3.1)."""
    pieces, length = [""], 0
    for character in line:
        size = len(character.encode())
        if length + size > _LINE_BYTES:
            pieces.append("")
            length = 1  # the blank that continues a line
        pieces[-1] += character
        length += size
    return "\r\n ".join(pieces)
