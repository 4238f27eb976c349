"""What may be done to events, in the types of Graph's own description; copies reach the guests' mailboxes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import msgspec
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from tests.fakes.graph.mailbox import Mailbox, Refused, Stored, write_time
from tests.fakes.graph.mirror import exchange_uid, graph_id
from tests.fakes.graph.people import object_id
from tests.fakes.graph.shapes import (
    Attendee,
    DateTimeTimeZone,
    EmailAddress,
    Event,
    ExtendedProperty,
    Json,
    OnlineMeeting,
    Recipient,
    ResponseStatus,
    write_event,
)

if TYPE_CHECKING:
    from tests.fakes.graph.server import FakeGraph


class _Strict(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    pass


class _Body(_Strict):
    content_type: Literal["html", "text"]
    content: str


class _Address(_Strict):
    address: str
    name: str = ""


class _Guest(_Strict):
    email_address: _Address
    type: Literal["required", "optional", "resource"]


class _Time(_Strict):
    date_time: str
    time_zone: str


class _Property(_Strict):
    id: str
    value: str


class NewEvent(_Strict):
    """What POST takes."""

    subject: str
    body: _Body
    start: _Time
    end: _Time
    attendees: list[_Guest] = []
    categories: list[str] = []
    transaction_id: str | None = None
    single_value_extended_properties: list[_Property] = []
    is_online_meeting: bool = False
    online_meeting_provider: Literal["unknown", "teamsForBusiness"] = "unknown"


class EventPatch(_Strict):
    """What PATCH takes, as far as anybody here needs it."""

    start: _Time
    end: _Time


class _Cancel(_Strict):
    comment: str | None = None


@dataclass
class Desk:
    """Writes into mailboxes. `on_duplicate`: what Graph does with a transaction that it remembers.

    `crashes` makes the next create end in a fault after the entry was written. `ignores_etags`: If-Match
    counts for nothing. `blind`: so many searches do not show what was just written.
    """

    graph: FakeGraph
    on_duplicate: Literal["refuse", "conflict", "repeat", "forget"] = "refuse"
    crashes: int = 0
    ignores_etags: bool = False
    blind: int = 0
    _transactions: dict[tuple[str, str | None], str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, box: Mailbox, body: bytes) -> Json:
        """Answer POST events."""
        told = msgspec.json.decode(body, type=NewEvent)
        transaction = (box.owner, told.transaction_id)
        if told.transaction_id and transaction in self._transactions and self.on_duplicate != "forget":
            if self.on_duplicate == "repeat":
                return write_event(box.items[self._transactions[transaction]].event)
            raise Refused(409 if self.on_duplicate == "conflict" else 400, "ErrorDuplicateTransactionId")
        event = self._event(box.owner, told)
        self._transactions[transaction] = event.id
        box.put(event)
        answer = write_event(box.items[event.id].event)
        # Whatever Exchange still does to it, the link of the meeting for one, gives it another change key.
        box.put(event)
        self._invite(event)
        if self.crashes:
            self.crashes -= 1
            raise Refused(503, "serviceNotAvailable")
        return answer

    def patch(self, box: Mailbox, event_id: str, body: bytes, if_match: str | None) -> Json:
        """Answer PATCH of a single event or an occurrence."""
        told = msgspec.json.decode(body, type=EventPatch)
        stored, event = _find(box, event_id)
        if if_match is not None and if_match != _etag(event) and not self.ignores_etags:
            raise Refused(412, "ErrorIrresolvableConflict")
        times = {"start": _utc(told.start), "end": _utc(told.end)}
        for copy_box in self.graph.mailboxes.values():
            for copy, part in _copies(copy_box, stored.event, event):
                _change(copy_box, copy, part, times)
        return write_event(_find(box, event_id)[1])

    def cancel(self, box: Mailbox, event_id: str, body: bytes) -> None:
        """Answer POST cancel: the organiser's entry goes, the guests' copies say that it is off."""
        msgspec.json.decode(body, type=_Cancel)
        stored, event = _find(box, event_id)
        if not event.is_organizer:
            raise Refused(400, "ErrorInvalidRequest")
        for copy_box in self.graph.mailboxes.values():
            for copy, part in _copies(copy_box, stored.event, event):
                if copy_box is not box:
                    _change(copy_box, copy, part, {"is_cancelled": True})
                elif part is None:
                    box.delete(copy.event.id)
                else:
                    box.call_off(copy.event.id, (part.original_start or part.start.date_time)[:10])

    def marked(self, box: Mailbox, query: str) -> list[Json]:
        """Answer `events?$filter=`: those in the calendar that carry a property of that value."""
        head, between, tail = "singleValueExtendedProperties/Any(ep: ep/id eq '", "' and ep/value eq '", "')"
        if not (query.startswith(head) and between in query and query.endswith(tail)):
            raise Refused(400, "ErrorInvalidUrlQueryFilter")
        if self.blind:
            self.blind -= 1
            return []
        name, _, value = query[len(head) : -len(tail)].partition(between)
        return [
            write_event(kept.event)
            for kept in box.items.values()
            if kept.folder is None
            and any(p.id == name and p.value == value for p in kept.event.single_value_extended_properties)
        ]

    def respond(self, guest: str, event: Event, answer: Literal["accepted", "declined"]) -> None:
        """Let a guest answer: the organiser's copy has another change key then."""
        owner = (event.organizer or Recipient(email_address=EmailAddress())).email_address.address or ""
        kept = self.graph.mailboxes[owner].items[event.id].event
        attendees = [
            Attendee(email_address=a.email_address, status=ResponseStatus(response=answer))
            if a.email_address.address == guest
            else a
            for a in kept.attendees
        ]
        self.graph.mailboxes[owner].put(msgspec.structs.replace(kept, attendees=attendees))

    def _event(self, owner: str, told: NewEvent) -> Event:
        name = f"{owner} {next(self._numbers)}"
        join_url = teams_link(name, owner) if told.is_online_meeting else None
        return Event(
            id=graph_id(name),
            ical_uid=exchange_uid(name),
            subject=told.subject,
            start=_utc(told.start),
            end=_utc(told.end),
            original_start_time_zone=told.start.time_zone,
            original_end_time_zone=told.end.time_zone,
            organizer=Recipient(email_address=EmailAddress(address=owner)),
            attendees=[
                Attendee(email_address=EmailAddress(address=g.email_address.address)) for g in told.attendees
            ],
            categories=told.categories,
            is_online_meeting=told.is_online_meeting,
            online_meeting=OnlineMeeting(join_url=join_url) if join_url else None,
            single_value_extended_properties=[
                ExtendedProperty(id=p.id, value=p.value) for p in told.single_value_extended_properties
            ],
        )

    def _invite(self, event: Event) -> None:
        for guest in event.attendees:
            box = self.graph.mailboxes.get(guest.email_address.address or "")
            if box is not None:
                box.put(
                    msgspec.structs.replace(
                        event,
                        id=graph_id(f"{box.owner} {event.id}"),
                        is_organizer=False,
                        categories=[],
                        single_value_extended_properties=[],
                        response_status=ResponseStatus(response="notResponded"),
                    )
                )


def teams_link(name: str, organiser: str) -> str:
    """Return a link as Teams makes them: with the thread, the tenant and the organiser's id."""
    thread = "".join(c for c in name if c.isalnum())
    context = f"%7b%22Tid%22%3a%22{object_id('tenant')}%22%2c%22Oid%22%3a%22{object_id(organiser)}%22%7d"
    return f"https://teams.microsoft.com/l/meetup-join/19%3ameeting_{thread}%40thread.v2/0?context={context}"


def _etag(event: Event) -> str:
    return f'W/"{event.change_key}"'


def _find(box: Mailbox, event_id: str) -> tuple[Stored, Event]:
    for stored in box.items.values():
        if event_id in (stored.event.id, *stored.instances) and stored.folder is None:
            return stored, stored.instances.get(event_id, stored.event)
    raise Refused(404, "ErrorItemNotFound")


def _copies(box: Mailbox, whole: Event, event: Event) -> list[tuple[Stored, Event | None]]:
    """Return this mailbox's copy of the event: stored as a whole, and the occurrence in it if it is one."""
    found: list[tuple[Stored, Event | None]] = []
    for stored in box.items.values():
        if stored.event.ical_uid == whole.ical_uid:
            parts = [i for i in stored.instances.values() if i.ical_uid == event.ical_uid]
            found.append((stored, parts[0] if parts else None))
    return found


def _change(box: Mailbox, stored: Stored, part: Event | None, change: Json) -> None:
    if part is None:
        box.put(msgspec.structs.replace(stored.event, **change), list(stored.instances.values()))
        return
    slot = part.original_start or f"{datetime.fromisoformat(part.start.date_time):%Y-%m-%dT%H:%M:%SZ}"
    about = {"type": "exception", "original_start": slot, "change_key": str(box.revision + 1), **change}
    changed = msgspec.structs.replace(part, **about)
    box.put(stored.event, [changed if i.id == part.id else i for i in stored.instances.values()])


def _utc(told: _Time) -> DateTimeTimeZone:
    zone = ZoneInfo(WINDOWS_TO_OLSON.get(told.time_zone, told.time_zone))
    return write_time(datetime.fromisoformat(told.date_time).replace(tzinfo=zone).astimezone(UTC))
