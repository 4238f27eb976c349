"""One person's calendar as the program's mailbox knows it: sessions that it was invited to, and no others.

It reads no network: what came in was stored before. It never suggests an untagged meeting, and it never
claims to have been read when the mailbox was not.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from integrations.ical.reader import read_feed
from integrations.ical.times import parse_instant
from integrations.ical.zones import Zone, world_zone
from integrations.identity import version_of
from integrations.mail.invitations import write_calendar
from tracker.errors import BadInput, ConnectorError
from tracker.events import Attendee, CalendarEvent, EventKind, EventStatus, Pull, PullKind, SetAside, Window
from tracker.incoming import Method
from tracker.itip import Invitation
from tracker.itip import Method as ItipMethod
from tracker.observing import hash_lineage
from tracker.ports import Invitee
from tracker.services.shelf import Sent, Shelf, Told
from tracker.tags import TagRules

# A calendar is never "read" much later than the mailbox was.
STALE_AFTER = timedelta(hours=1)
READING = 1  # a higher number makes all calendars be read anew, when reading itself has changed
OURSELVES = "cadencia@invalid"  # the organiser of what Cadencia sent; answers name the program's address
MARKER = "#mentoring"
_ORGANISER = re.compile(r"^ORGANIZER[^:\r]*:(?:mailto:)?([^\r\n]*)", re.MULTILINE)
_STAMP = re.compile(r"^DTSTAMP[^:\r]*:(\d{8}T\d{6}Z)", re.MULTILINE)
_SLOT = re.compile(r"^RECURRENCE-ID\b", re.MULTILINE)
_CREATED = re.compile(r"^CREATED\b", re.MULTILINE)
_CALLED_OFF = re.compile(r"^STATUS[^:\r]*:CANCELL?ED", re.MULTILINE | re.IGNORECASE)


class MailboxSource:
    """The mailbox calendar of one person; `load` gives what came in for them."""

    def __init__(self, load: Callable[[], Shelf], now: Callable[[], datetime], timezone: str) -> None:
        zone = world_zone(timezone)
        if zone is None:
            raise BadInput(f"{timezone!r} is no time zone. Write it like Europe/Madrid.")
        self._load = load
        self._now = now
        self._zone = zone

    def pull(self, cursor: str | None, window: Window, rules: TagRules) -> Pull:
        """Return UNCHANGED where nothing came in since, else FULL.

        Raises ConnectorError (`mailbox_stale`) where the mailbox itself was not read within the last hour.
        """
        shelf = self._load()
        if shelf.read_at is None or self._now() - shelf.read_at > STALE_AFTER:
            raise ConnectorError("The program's mailbox was not read of late.", code="mailbox_stale")
        # Other people were left out before anything was stored: a meeting of two can not be told from others.
        reading = _Reading(window, replace(rules, partners=()), self._zone)
        told = (*map(_told_of, shelf.sent), *shelf.told)
        content = _fingerprint(told, reading)
        if cursor == content:
            return Pull(PullKind.UNCHANGED, window, content)
        events, aside = reading.read(told)
        # Of the time before it was connected it knows what it happened to be invited to, and nothing else.
        return Pull(PullKind.FULL, window, content, events, (), aside, len(told), shows_from=window.end)


def _told_of(sent: Sent) -> Told:
    """Return what Cadencia sent itself, as if it had come in."""
    calendar = write_calendar(
        Invitation(
            method=ItipMethod.CANCEL if sent.is_off else ItipMethod.REQUEST,
            uid=sent.uid,
            sequence=sent.sequence,
            reference=sent.reference,
            title=MARKER,
            starts_at=sent.starts_at,
            ends_at=sent.ends_at,
            organiser=Invitee("", OURSELVES),
            invitees=tuple(Invitee("", address) for address in sent.invited),
            written_at=sent.created_at,
        )
    )
    method = Method.CANCEL if sent.is_off else Method.REQUEST
    return Told(method, hash_lineage(sent.uid), is_ours=True, content=calendar.content)


def _fingerprint(told: Iterable[Told], reading: "_Reading") -> str:
    zone, window = reading.zone, reading.window
    parts = [str(READING), reading.rules.fingerprint(), f"{zone.name}{zone.rules}", str(window)]
    parts += [f"{each.method}{each.content}" for each in told]
    return sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Reply:
    """One attendee's answer; `slot` None: to the whole entry."""

    attendee: Attendee
    slot: object
    sequence: int
    at: datetime | None
    stamp: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """All that came in of one entry, of the one organiser whom we believe."""

    requests: tuple[Told, ...]
    replies: tuple[Told, ...]
    uninvites: tuple[Told, ...]

    @property
    def is_our_own(self) -> bool:
        """Tell whether we hear of the entry by answers alone: then the program itself had invited."""
        return not self.requests


@dataclass(frozen=True, slots=True)
class _Reading:
    window: Window
    rules: TagRules
    zone: Zone

    def read(self, told: Iterable[Told]) -> tuple[tuple[CalendarEvent, ...], tuple[SetAside, ...]]:
        """Return the events of all entries, and which of them could not be understood."""
        entries = {uid: self._entry(group) for uid, group in _by_uid(told).items()}
        events, aside = self._feed([t for e in entries.values() for t in self._base(e)])
        hidden = self._hidden(entries)
        answers = {uid: sorted(self._answers(e), key=_newness) for uid, e in entries.items()}
        found = []
        for event in events:
            if event.provider_event_id not in hidden:
                uid = hash_lineage(event.lineage)
                event = _dated(event, entries[uid].requests)
                event = _answered(event, answers.get(uid, []), adds=entries[uid].is_our_own)
                if self._is_theirs(event):
                    found.append(replace(event, version=version_of(event)))
        return tuple(found), tuple(replace(a, place="an invitation") for a in aside)

    def _entry(self, group: list[Told]) -> _Entry:
        """Return the messages of the organiser whose entry it is: one of us, else whoever came first.

        A UID is no secret: somebody else's cancellation of the same UID is another entry's, and says nothing.
        """
        first = min(
            (t for t in group if t.method is not Method.REPLY), key=lambda t: not t.is_ours, default=None
        )
        # Without an invitation of somebody else's it is our own. Of others' an answer alone tells nothing.
        organiser = _organiser_of(first) if first else OURSELVES
        organisers = {organiser, *(self.rules.program_addresses if organiser == OURSELVES else ())}
        own = [t for t in group if _organiser_of(t) in organisers]
        replies = [t for t in own if t.method is Method.REPLY]
        requests = tuple(t for t in own if t.method in (Method.REQUEST, Method.CANCEL) and self._applies(t))
        return _Entry(requests, tuple(replies), tuple(t for t in own if t.method is Method.UNINVITE))

    def _applies(self, told: Told) -> bool:
        """Tell whether the message is about the owner: a cancellation may be for some guests alone."""
        is_whole = told.method is Method.REQUEST or _CALLED_OFF.search(told.content) is not None
        return is_whole or any("ATTENDEE" in line and _names(line, self.rules.owner) for line in _lines(told))

    def _base(self, entry: _Entry) -> tuple[Told, ...]:
        return entry.replies if entry.is_our_own else entry.requests

    def _hidden(self, entries: Mapping[str, _Entry]) -> frozenset[str]:
        """Return the events that the mailbox was taken off: what became of them since, nobody told us."""
        concerned = [e for e in entries.values() if e.uninvites]
        if not concerned:
            return frozenset()
        before, _ = self._feed([t for e in concerned for t in self._base(e)])
        after, _ = self._feed([t for e in concerned for t in (*self._base(e), *e.uninvites)])
        return _cancelled(after) - _cancelled(before)

    def _answers(self, entry: _Entry) -> Iterator[_Reply]:
        every = replace(self.rules, keep_untagged=True)
        for told in entry.replies:
            stamp = max(_STAMP.findall(told.content), default="")
            for e in read_feed(_text(told), self.window, every, self.zone).events:
                for attendee in e.attendees:
                    yield _Reply(attendee, e.original_start, e.sequence or 0, e.updated_at, stamp)

    def _feed(self, told: list[Told]) -> tuple[tuple[CalendarEvent, ...], tuple[SetAside, ...]]:
        if not told:
            return (), ()
        first = _first_stamps(told)
        data = b"".join(_text(t, first.get(t.uid)) for t in told)
        reading = read_feed(data, self.window, self.rules, self.zone)
        return reading.events, reading.set_aside

    def _is_theirs(self, event: CalendarEvent) -> bool:
        named = {event.organiser, *(a.email for a in event.attendees)}
        return event.status is EventStatus.CANCELLED or not self.rules.owner.isdisjoint(named)


def _by_uid(told: Iterable[Told]) -> dict[str, list[Told]]:
    groups: dict[str, list[Told]] = defaultdict(list)
    for each in told:
        groups[each.uid].append(each)
    return groups


def _organiser_of(told: Told) -> str:
    found = _ORGANISER.search(told.content)
    return found[1].strip().lower() if found else ""


def _lines(told: Told) -> list[str]:
    return told.content.splitlines()


def _names(line: str, addresses: frozenset[str]) -> bool:
    return line.rpartition("mailto:")[2].strip() in addresses


def _first_stamps(told: Iterable[Told]) -> dict[str, str]:
    """Return for each entry when it was first sent: many programs do not say when it was made."""
    first: dict[str, str] = {}
    for each in told:
        for stamp in _STAMP.findall(each.content):
            first[each.uid] = min(stamp, first.get(each.uid, stamp))
    return first


def _text(told: Told, created: str | None = None) -> bytes:
    if created is None or _CREATED.search(told.content):
        return told.content.encode()
    return told.content.replace("BEGIN:VEVENT", f"BEGIN:VEVENT\r\nCREATED:{created}").encode()


def _dated(event: CalendarEvent, requests: Iterable[Told]) -> CalendarEvent:
    """Return an event that was called off as a whole with the moment at which that was written."""
    if event.status is not EventStatus.CANCELLED or event.kind is EventKind.EXCEPTION:
        return event
    stamps = (
        at
        for told in requests
        if told.method is Method.CANCEL and not _SLOT.search(told.content)
        for stamp in _STAMP.findall(told.content)
        if (at := parse_instant(stamp))
    )
    later = (at for at in stamps if event.updated_at is None or at > event.updated_at)
    return replace(event, updated_at=min(later, default=event.updated_at))


def _cancelled(events: Iterable[CalendarEvent]) -> frozenset[str]:
    return frozenset(e.provider_event_id for e in events if e.status is EventStatus.CANCELLED)


def _newness(reply: _Reply) -> tuple[int, str]:
    return reply.sequence, reply.stamp


def _answered(event: CalendarEvent, replies: Iterable[_Reply], *, adds: bool) -> CalendarEvent:
    """Return the event with the answers that were given to it as it is now, the newest of each attendee."""
    known = {attendee.email: attendee for attendee in event.attendees}
    updated = event.updated_at
    for reply in replies:
        to_it = reply.slot is None or reply.slot == event.original_start
        is_asked = adds or reply.attendee.email in known
        if to_it and is_asked and reply.sequence >= (event.sequence or 0):
            if known.get(reply.attendee.email) != reply.attendee:
                updated = max(filter(None, (updated, reply.at)), default=None)
            known[reply.attendee.email] = reply.attendee
    return replace(event, attendees=tuple(known[email] for email in sorted(known)), updated_at=updated)
