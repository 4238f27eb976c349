"""Calendar messages as Google, Exchange, Apple and others build them, with made-up people and ids.

What differs between the programs is what matters here: where the calendar stands in the message, how it is
encoded, which properties say when it was made, and how times are written.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from email.message import EmailMessage

ANA, BEN, PROGRAM = "ana@example.com", "ben@example.com", "mentoring@example.com"
MADRID = "\r\n".join([
    "BEGIN:VTIMEZONE", "TZID:Romance Standard Time",
    "BEGIN:STANDARD", "DTSTART:16010101T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "END:STANDARD",
    "BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200",
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE",
])  # fmt: skip


@dataclass(frozen=True)
class Session:
    """One entry; `start` and `end` are whole property lines' tails such as `:20260302T090000Z`."""

    uid: str = "one@google.com"
    start: str = ":20260302T090000Z"
    end: str = ":20260302T100000Z"
    sequence: int = 0
    stamp: str = "20260220T080000Z"
    organiser: str = ANA
    guests: tuple[str, ...] = (BEN, PROGRAM)
    title: str = "Ana and Ben"
    more: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the VEVENT."""
        people = [
            f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={self.answers.get(g, 'NEEDS-ACTION')};"
            f"RSVP=TRUE;CN={g}:mailto:{g}"
            for g in self.guests
        ]
        return [
            "BEGIN:VEVENT", f"DTSTART{self.start}", f"DTEND{self.end}", f"DTSTAMP:{self.stamp}",
            f"ORGANIZER;CN=Somebody's name:mailto:{self.organiser}", f"UID:{self.uid}", *people,
            f"SEQUENCE:{self.sequence}", f"SUMMARY:{self.title}",
            "DESCRIPTION:About the raise\\nand the boss",
            "LOCATION:Room 4", *self.more, "BEGIN:VALARM", "TRIGGER:-PT15M", "DESCRIPTION:Soon", "END:VALARM",
            "END:VEVENT",
        ]  # fmt: skip


def calendar(method: str, *sessions: Session, before: str = "") -> bytes:
    """Return the calendar object of a message."""
    lines = ["BEGIN:VCALENDAR", "PRODID:-//Somebody//EN", "VERSION:2.0", f"METHOD:{method}"]
    lines += [before] if before else []
    lines += [line for session in sessions for line in session.lines()]
    return ("\r\n".join([*lines, "END:VCALENDAR"]) + "\r\n").encode()


def message(data: bytes, method: str, sender: str = ANA, **headers: str) -> bytes:
    """Return a message as Google writes it: text, HTML and calendar side by side, and the same as a file."""
    mail = _envelope(sender, headers)
    mail.set_content("Ana invites you: Ana and Ben")
    mail.add_alternative("<p>Ana invites you</p>", subtype="html")
    mail.make_mixed()
    (alternative,) = mail.iter_parts()
    assert isinstance(alternative, EmailMessage)
    alternative.attach(_part("text/calendar", data, method))
    mail.attach(_part("application/ics", data, None, "invite.ics"))
    return mail.as_bytes()


def exchange(data: bytes, method: str, sender: str = ANA, **headers: str) -> bytes:
    """Return a message as Exchange writes it: the calendar in base64, and nothing beside it that is one."""
    mail = _envelope(sender, headers)
    mail.set_content("Ana and Ben")
    mail.make_alternative()
    mail.attach(_part("text/calendar", data, method))
    mail.make_mixed()
    tnef = EmailMessage()
    tnef.set_content(b"\x78\x9f\x3e\x22", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    mail.attach(tnef)
    return mail.as_bytes()


def apple(data: bytes, method: str, sender: str = ANA, **headers: str) -> bytes:
    """Return a message as Apple's Mail writes it: a file of type text/calendar, one level further down."""
    inner = EmailMessage()
    inner.set_content("Ana and Ben")
    inner.make_mixed()
    inner.attach(_part("text/calendar", data, method, "iCal-20260220.ics"))
    mail = _envelope(sender, headers)
    mail.set_content("Ana and Ben")
    mail.make_mixed()
    mail.attach(inner)
    return mail.as_bytes()


def reply(session: Session, answer: str, attendee: str = BEN, sender: str | None = None) -> bytes:
    """Return an answer: the attendee alone, and what they say."""
    answered = Session(
        session.uid, session.start, session.end, session.sequence, session.stamp, session.organiser,
        (attendee,), session.title, session.more, {attendee: answer},
    )  # fmt: skip
    return message(calendar("REPLY", answered), "REPLY", sender or attendee)


def _envelope(sender: str, headers: dict[str, str]) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, PROGRAM, "Invitation: Ana and Ben"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    return mail


def _part(kind: str, data: bytes, method: str | None, name: str | None = None) -> EmailMessage:
    part = EmailMessage()
    parameters = (
        f'; charset="utf-8"{f"; method={method}" if method else ""}{f"; name={name}" if name else ""}'
    )
    part["Content-Type"] = kind + parameters
    part["Content-Transfer-Encoding"] = "base64"
    if name:
        part["Content-Disposition"] = f"attachment; filename={name}"
    part.set_payload(base64.encodebytes(data).decode())
    return part
