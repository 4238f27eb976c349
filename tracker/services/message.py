"""Turns a letter into the bytes of a mail (RFC 5322). Reads no clock, sends nothing, stores nothing.

Equal input gives equal bytes: what is frozen once can be compared, and sent again as the same mail.
"""

import hashlib
import re
import unicodedata
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.quoprimime import body_encode
from email.utils import format_datetime, parseaddr
from urllib.parse import quote

from tracker.errors import BadInput
from tracker.ports import Letter

MAX_HEADER_CHARACTERS = 200
MAX_LINE_CHARACTERS = 76  # RFC 2045, section 6.7
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
    """Return the mail as bytes with CRLF: text and HTML, both UTF-8 in quoted-printable.

    Written by hand, but for the names in From and To: the library takes five times as long, for lines that
    are the same in every mail.
    """
    utf8 = envelope.sender.needs_utf8 or envelope.recipient.needs_utf8
    head = (
        _subject(letter.subject),
        _unsubscribing(envelope.unsubscribe_url),
        _names("From", envelope.sender, utf8=utf8),
        _names("To", envelope.recipient, utf8=utf8),
        f"Date: {format_datetime(envelope.written_at)}\r\n".encode(),
        f"Message-ID: {envelope.message_id}\r\n".encode(),
        # No vacation notes in answer to a machine: RFC 3834, and what Exchange reads instead.
        b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n",
    )
    return b"".join(head) + _body(letter, hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32])


def _body(letter: Letter, mark: str) -> bytes:
    ways = [_text("plain", letter.text), _text("html", letter.html)]
    if letter.calendar is None:
        return _parts("alternative", f"=_{mark}", ways)
    # Once among the alternatives, where Gmail and Outlook look for it, and once as a file, where Apple Mail
    # and the others do. Both are base64: nothing on the way may break its lines anew (RFC 6047, 2.5).
    content = letter.calendar.content.encode()
    inline = f'text/calendar; method="{letter.calendar.method}"; charset="utf-8"'
    file = 'application/ics\r\nContent-Disposition: attachment; filename="invite.ics"'
    alternatives = _parts("alternative", f"=_{mark}1", [*ways, _base64(inline, content)])
    return _parts("mixed", f"=_{mark}", [alternatives, _base64(file, content)])


def _parts(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    head = f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'
    between = f"--{boundary}\r\n".encode()
    return (
        head.encode() + b"".join(between + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    )


def _text(kind: str, content: str) -> bytes:
    # Letter by letter of latin-1 is byte by byte, and a line end of the letter stays one (RFC 2045, 6.7).
    lines = b"\n".join(body_text(content).encode().splitlines()) + b"\n"
    coded = body_encode(lines.decode("latin-1"), MAX_LINE_CHARACTERS).replace("\n", "\r\n")
    how = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n'
    return f"{how}\r\n{coded}".encode()


def _base64(kind: str, content: bytes) -> bytes:
    coded = encodebytes(content).replace(b"\n", b"\r\n")
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + coded


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


def _names(header: str, box: Mailbox, *, utf8: bool) -> bytes:
    """Return the header with one mailbox: the library knows how names are quoted, coded and folded."""
    local, _, domain = box.address.rpartition("@")
    way = policy.SMTPUTF8 if utf8 else policy.SMTP
    field = way.header_factory(header, Address(box.name, username=local, domain=domain))
    return str(field.fold(policy=way)).encode()
