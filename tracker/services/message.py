"""Turns a letter into the bytes of a mail (RFC 5322). Reads no clock, sends nothing, stores nothing.

Equal input gives equal bytes: what is frozen once can be compared, and sent again as the same mail.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import quote

from tracker.errors import BadInput
from tracker.ports import CalendarPart, Letter

MAX_HEADER_CHARACTERS = 200
# These reorder what is shown, so that a name could pose as another address.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Quoted local parts are allowed on paper, used by nobody, and a way to smuggle a second address in.
_LOCAL = re.compile(r"""[^\s<>()\[\],;:\\"@]+""")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address, ready for a header and for the mail server."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """Return what follows the @."""
        return self.address.rpartition("@")[2]

    @property
    def needs_utf8(self) -> bool:
        """Tell whether only servers that speak SMTPUTF8 (RFC 6531) can take mail for it."""
        return not self.address.isascii()


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom to whom, when, and under which unchanging name the mail goes out.

    `unsubscribe_url` answers a POST without anybody being signed in (RFC 8058).
    """

    sender: Mailbox
    recipient: Mailbox
    message_id: str
    written_at: datetime
    unsubscribe_url: str | None = None


def mailbox(name: str, address: str) -> Mailbox:
    """Return the mailbox, cleaned. Raises BadInput where the address can not be one."""
    local, _, domain = header_text(address).rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        raise BadInput("A mail address is not one: it needs a name, an @ and a domain.")
    return Mailbox(header_text(name), f"{local}@{ascii_domain}")


def is_address(text: str) -> bool:
    """Tell whether mail can be addressed so."""
    try:
        mailbox("", text)
    except BadInput:
        return False
    return True


def parse_mailbox(text: str) -> Mailbox:
    """Return the mailbox that `Name <address>` or a bare address stands for; else raises BadInput."""
    name, address = parseaddr(header_text(text))
    return mailbox(name, address)


def header_text(text: str) -> str:
    """Return `text` on one line, without control characters, so that it can not begin another header."""
    bare = "".join(" " if _is_control(c) else c for c in _BIDI.sub("", text))
    return " ".join(bare.split())[:MAX_HEADER_CHARACTERS]


def body_text(text: str) -> str:
    """Return `text` without control characters; line ends are `\\n`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or not _is_control(c))


def _is_control(character: str) -> bool:
    # Cs: lone surrogates, which no encoding can carry. Zl, Zp: line and paragraph separators.
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def message_id(kind: str, dedupe_key: str, sender: Mailbox) -> str:
    """Return the one Message-ID of what `dedupe_key` stands for."""
    digest = hashlib.sha256(f"{sender.address}\n{dedupe_key}".encode()).hexdigest()
    return f"<{kind}.{digest[:40]}@{sender.domain}>"


def freeze(letter: Letter, envelope: Envelope) -> bytes:
    """Return the mail as bytes with CRLF: text and HTML, both UTF-8 in quoted-printable."""
    mail = EmailMessage(policy=_policy_for(envelope))
    mail["From"] = _address(envelope.sender)
    mail["To"] = _address(envelope.recipient)
    mail["Date"] = format_datetime(envelope.written_at)
    mail["Message-ID"] = envelope.message_id
    # No vacation notes in answer to a machine: RFC 3834, and what Exchange reads instead.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(body_text(letter.text), charset="utf-8", cte="quoted-printable")
    mail.add_alternative(body_text(letter.html), subtype="html", charset="utf-8", cte="quoted-printable")
    if letter.calendar:
        _add_calendar(mail, letter.calendar)
    boundary = "=_" + hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"{boundary}{number or ''}")
    return _subject(letter.subject) + _unsubscribing(envelope.unsubscribe_url) + mail.as_bytes()


def _add_calendar(mail: EmailMessage, calendar: CalendarPart) -> None:
    # Once among the alternatives, where Gmail and Outlook look for it, and once as a file, where Apple Mail
    # and the others do. Both are base64: nothing on the way may break its lines anew (RFC 6047, 2.5).
    content = calendar.content.encode()
    mail.add_alternative(content, "text", "calendar", cte="base64", params={"method": calendar.method})
    inline = list(mail.iter_parts())[-1]
    inline.set_param("charset", "utf-8")
    mail.make_mixed()
    mail.add_attachment(content, "application", "ics", cte="base64", filename="invite.ics")


def _subject(text: str) -> bytes:
    # Written by hand: where a line ends beside a letter that is not ASCII, the library's policy writes a
    # blank twice, or loses it. All in encoded words (RFC 2047), none stands between two of them.
    bare = header_text(text)
    charset = "us-ascii" if bare.isascii() and "=?" not in bare else "utf-8"
    folded = Header(bare, charset, header_name="Subject").encode(linesep="\r\n")
    return f"Subject: {folded}\r\n".encode()


def _unsubscribing(url: str | None) -> bytes:
    # Written by hand: the library would fold a long address, or encode it as words, and no mail program finds
    # it then. Quoted, it can not begin another header.
    if url is None:
        return b""
    bare = quote(url, safe=":/?&=%.-_~#[]@+!,;$")
    return f"List-Unsubscribe: <{bare}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()


def _policy_for(envelope: Envelope) -> "policy.EmailPolicy[EmailMessage]":
    utf8 = envelope.sender.needs_utf8 or envelope.recipient.needs_utf8
    return policy.SMTPUTF8 if utf8 else policy.SMTP


def _address(box: Mailbox) -> Address:
    local, _, domain = box.address.rpartition("@")
    return Address(box.name, username=local, domain=domain)
