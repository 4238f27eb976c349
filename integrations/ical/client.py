"""A calendar that is a file, or a feed at a secret https address.

It never reads a file or an answer without bound, never takes a cut-off one for a whole one, and never shows
the address.
"""

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from integrations.http import Answer, Limits, fetch
from integrations.ical.reader import Reading, read_feed
from integrations.ical.zones import Zone, world_zone
from tracker.errors import BadInput, BadPayload, ConnectorError
from tracker.events import Pull, PullKind, Window
from tracker.tags import TagRules

# Part of every cursor: a higher number makes all calendars be read anew, when reading itself has changed.
READING = 1
_URL = re.compile(r"[a-z][a-z0-9+.-]+://|webcals?:", re.IGNORECASE)
_DAY = timedelta(days=1)


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a reading ended: what was read (hashes, the server's marks), and under which question."""

    question: str
    start: datetime
    end: datetime
    content: str
    kept: str
    etag: str | None = None
    modified: str | None = None

    def covers(self, question: str, window: Window) -> bool:
        """Tell whether an unchanged calendar still answers `question` for `window`."""
        return self.question == question and self.start <= window.start and window.end <= self.end


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How feeds are fetched: hosts that may lie inside, the company's certificates, and limits."""

    allowed_hosts: frozenset[str] = frozenset()
    ca_bundle: str | None = None
    limits: Limits = field(default_factory=Limits)


def open_calendar(
    address: str, timezone: str, *, allowed_hosts: Iterable[str] = (), ca_bundle: str | Path | None = None
) -> "IcalSource":
    """Return the source for a path or an https/webcal address; floating times are read in `timezone`.

    Raises BadInput for an unknown zone. Whoever takes addresses from a web page must refuse paths: they would
    be read from the server's disk.
    """
    zone = world_zone(timezone)
    if zone is None:
        raise BadInput(f"{timezone!r} is no time zone. Write it like Europe/Madrid.")
    hosts = frozenset(host.strip().lower() for host in allowed_hosts)
    return IcalSource(address, zone, HttpSettings(hosts, str(ca_bundle) if ca_bundle else None))


class IcalSource:
    """One file or feed. A pull reads all of it, unless it is as it was."""

    def __init__(self, address: str, zone: Zone, http: HttpSettings | None = None) -> None:
        self._address = address
        self._zone = zone
        self._http = http or HttpSettings()

    def pull(self, cursor: str | None, window: Window, rules: TagRules) -> Pull:
        """Return UNCHANGED, or FULL for `window` rounded out to whole days (see the answer's window).

        UNCHANGED also when the content differs in nothing that is kept, such as a DTSTAMP of the moment.
        Raises ConnectorError; then what was known still stands.
        """
        question = _hash(f"{READING}\0{rules.fingerprint()}\0{self._zone.name}{self._zone.rules}".encode())
        known = _read_cursor(cursor)
        known = known if known and known.covers(question, window) else None
        answer = self._get(known)
        if known and (answer.status == 304 or _hash(answer.body) == known.content):
            return _unchanged(known, answer)
        if answer.status == 304:
            raise BadPayload(
                "The calendar's server says that nothing changed, but nothing of it was read before."
            )
        whole = _whole_days(window)
        reading = read_feed(answer.body, whole, rules, self._zone)
        new = _new_cursor(question, whole, answer, reading)
        if known and known.kept == new.kept and (known.start, known.end) == (new.start, new.end):
            return _unchanged(new, answer)
        return Pull(
            PullKind.FULL,
            whole,
            _write_cursor(new),
            reading.events,
            set_aside=reading.set_aside,
            looked_at=reading.looked_at,
            shows_from=reading.shows_from,
        )

    def _get(self, known: Cursor | None) -> Answer:
        if _URL.match(self._address) and not self._address.lower().startswith("file:"):
            return self._fetch(known)
        return Answer(200, {}, _read_file(self._address, self._http.limits.max_bytes))

    def _fetch(self, known: Cursor | None) -> Answer:
        marks = {"If-None-Match": known.etag, "If-Modified-Since": known.modified} if known else {}
        headers = {"Accept": "text/calendar, */*;q=0.1", **{k: v for k, v in marks.items() if v}}
        http = self._http
        answer = fetch(
            self._address, headers=headers, limits=http.limits, allowed_hosts=http.allowed_hosts,
            ca_bundle=http.ca_bundle,
        )  # fmt: skip
        if answer.status == 200 and not answer.body.strip():
            raise BadPayload("The calendar's server sent nothing.")
        return answer


def _read_file(address: str, max_bytes: int) -> bytes:
    path = Path(unquote(urlsplit(address).path)) if address.lower().startswith("file:") else Path(address)
    data = None
    try:
        # A pipe without a writer must not hold us.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                data = file.read(max_bytes + 1)
    except (OSError, ValueError):
        pass
    if data is None:
        raise ConnectorError("There is no calendar file at that path that can be read.", code="no_file")
    if len(data) > max_bytes:
        raise BadPayload("This calendar is too large to be one person's.", code="too_large")
    if not data.strip():
        raise BadPayload("The calendar's file is empty.")
    return data


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()


def _whole_days(window: Window) -> Window:
    start = window.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = window.end.astimezone(UTC)
    rest = end - end.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(start, end + (_DAY - rest if rest else timedelta(0)))


def _new_cursor(question: str, window: Window, answer: Answer, reading: Reading) -> Cursor:
    events = (f"{e.provider_event_id}:{e.version}" for e in reading.events)
    kept = "\n".join([*sorted(events), *(f"{s.place}:{s.issue}" for s in reading.set_aside)])
    return Cursor(
        question, window.start, window.end, _hash(answer.body), _hash(kept.encode()),
        answer.headers.get("etag"), answer.headers.get("last-modified"),
    )  # fmt: skip


def _unchanged(cursor: Cursor, answer: Answer) -> Pull:
    if answer.status == 200:
        etag, modified = answer.headers.get("etag"), answer.headers.get("last-modified")
        cursor = msgspec.structs.replace(cursor, etag=etag, modified=modified)
    return Pull(PullKind.UNCHANGED, Window(cursor.start, cursor.end), _write_cursor(cursor))


def _write_cursor(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _read_cursor(cursor: str | None) -> Cursor | None:
    try:
        return msgspec.json.decode(cursor, type=Cursor) if cursor else None
    except msgspec.DecodeError:
        return None
