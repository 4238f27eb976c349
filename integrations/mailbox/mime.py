"""From a message to the calendar objects in it, and to who really wrote it (RFC 6047, RFC 8601).

It follows no link and opens nothing but text/calendar and .ics parts. A message that makes no sense, or that
would take long to read, holds nothing; it never raises.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.headerregistry import AddressHeader
from email.message import EmailMessage

from integrations.ical.lines import Property, normalise, parse_line
from tracker.incoming import CalendarMail, Method
from tracker.tags import normal_address

MOST_PARTS = 60
LARGEST_CALENDAR = 512 << 10
# The standard library's parser takes time with the square of a header's length, and with lines times depth.
MOST_LINES = 200_000
MOST_BOUNDARIES = 2_000
LONGEST_HEADERS = 32 << 10  # of those that are looked at, in all parts together
_LOOKED_AT = re.compile(
    rb"(?:\A|[\r\n])(?:from|authentication-results|content-[a-z-]+)[ \t]*:[^\r\n]*"
    rb"(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*",
    re.IGNORECASE,
)
# Google's calendar writes in its users' names and signs as itself: where the company's domain has a strict
# policy that reads as forged, and is not.
_CALENDAR_SERVICE = re.compile(r"(?:.+\.)?google\.com", re.IGNORECASE)
_FAILED = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)
_SIGNED = re.compile(r"\bdkim\s*=\s*pass\b[^;]*?\bheader\.[di]\s*=\s*@?([\w.-]+)", re.IGNORECASE)
_METHODS = {"REQUEST": Method.REQUEST, "CANCEL": Method.CANCEL, "REPLY": Method.REPLY}


def read_message(data: bytes) -> tuple[CalendarMail, ...]:
    """Return the calendar objects of a message that do something, each once."""
    if _takes_long(data):
        return ()
    try:
        message = message_from_bytes(data, policy=policy.default)
        sender = "" if _is_forged(message) else _author(message)
        found = [mail for method, calendar in _calendars(message) for mail in _read(calendar, method, sender)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # The standard library trips over some headers and encodings that only malice writes.
        return ()
    return tuple(dict.fromkeys(found))


def _takes_long(data: bytes) -> bool:
    """Tell whether parsing it could take more than some seconds: anybody can write to a mailbox."""
    lines = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    return (
        lines > MOST_LINES
        or data.count(b"\n--") + data.count(b"\r--") > MOST_BOUNDARIES
        or data.lower().count(b"boundary") > MOST_PARTS
        or sum(len(header[0]) for header in _LOOKED_AT.finditer(data)) > LONGEST_HEADERS
    )


def _author(message: EmailMessage) -> str:
    headers: list[AddressHeader] = message.get_all("From") or []
    authors = [author for header in headers for author in header.addresses]
    return normal_address(authors[0].addr_spec) if len(authors) == 1 else ""


def _is_forged(message: EmailMessage) -> bool:
    """Tell whether the receiving mail server says so. Only what stands on top is its word (RFC 8601, 5)."""
    results = [str(value) for value in message.get_all("Authentication-Results") or []]
    if not results:
        return False
    server = _server_of(results[0])
    ours = " ; ".join(result for result in results if _server_of(result) == server)
    is_services = any(_CALENDAR_SERVICE.fullmatch(signer) for signer in _SIGNED.findall(ours))
    return bool(_FAILED.search(ours)) and not is_services


def _server_of(result: str) -> str:
    return result.partition(";")[0].split(maxsplit=1)[0].lower() if result.strip(" ;") else ""


def _calendars(message: EmailMessage) -> Iterator[tuple[str, bytes]]:
    """Yield the calendar parts, each with the method that its header names."""
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            return
        is_calendar = part.get_content_type() in ("text/calendar", "application/ics")
        if not is_calendar and not (part.get_filename() or "").lower().endswith(".ics"):
            continue
        data = part.get_payload(decode=True)
        if isinstance(data, bytes) and len(data) <= LARGEST_CALENDAR:
            yield str(part.get_param("method") or ""), _as_utf8(data, part.get_content_charset())


def _as_utf8(data: bytes, charset: str | None) -> bytes:
    # The reader of calendars takes UTF-8 and what Windows wrote before it.
    if charset in (None, "utf-8", "us-ascii"):
        return data
    return data.decode(str(charset), errors="replace").encode()


def _read(calendar: bytes, named: str, sender: str) -> Iterator[CalendarMail]:
    facts = _Facts(calendar)
    method = _METHODS.get((facts.method or named).strip().upper())
    if method is None or len(facts.uids) != 1 or len(facts.organisers) != 1:
        return
    (uid,), (organiser,) = facts.uids, facts.organisers
    if method is Method.REPLY and len(facts.attendees) != 1:
        return
    yield CalendarMail(method, sender, organiser, frozenset(facts.attendees), uid, calendar, facts.sent_by)


class _Facts:
    """What all entries of one calendar object say of whom it is about."""

    def __init__(self, calendar: bytes) -> None:
        self.method = ""
        self.uids: set[str] = set()
        self.organisers: set[str] = set()
        self.attendees: set[str] = set()
        self.sent_by: str | None = None
        within: list[str] = []
        for line in normalise(calendar).split(b"\n"):
            p = parse_line(line)
            if p is None:
                continue
            if p.name == "BEGIN":
                within.append(p.value.strip().upper())
            elif p.name == "END" and within:
                within.pop()
            else:
                self._take(p, within[-1] if within else "")

    def _take(self, p: Property, component: str) -> None:
        if p.name == "METHOD" and component == "VCALENDAR":
            self.method = p.value
        if component != "VEVENT":
            return
        if p.name == "UID":
            self.uids.add(p.text.strip())
        elif p.name == "ORGANIZER":
            self.organisers.add(address_of(p))
            self.sent_by = normal_address(p.params.get("SENT-BY", "")) or None
        elif p.name == "ATTENDEE":
            self.attendees.add(address_of(p))


def address_of(p: Property) -> str:
    """Return the address of an organiser or attendee; iCloud writes it into EMAIL."""
    return normal_address(p.params.get("EMAIL") or p.value)
