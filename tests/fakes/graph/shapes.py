"""What Graph sends of an event, with its types: https://learn.microsoft.com/graph/api/resources/event."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Json = dict[str, Any]
ANCIENT = "0001-01-01T00:00:00Z"


class _Struct(msgspec.Struct, rename="camel"):
    pass


class DateTimeTimeZone(_Struct, kw_only=True):
    """A wall time of seven decimals, and the zone that was asked for."""

    date_time: str
    time_zone: str = "UTC"


class EmailAddress(_Struct, kw_only=True):
    """Name and address."""

    name: str = "Somebody"
    address: str | None = None


class Recipient(_Struct, kw_only=True):
    """The organiser."""

    email_address: EmailAddress


class ResponseStatus(_Struct, kw_only=True):
    """An answer; on the organiser's own copy its time is of the year 1."""

    response: Literal["none", "organizer", "tentativelyAccepted", "accepted", "declined", "notResponded"] = (
        "none"
    )
    time: str = ANCIENT


class Attendee(_Struct, kw_only=True):
    """Somebody, or a room."""

    type: Literal["required", "optional", "resource"] = "required"
    status: ResponseStatus = msgspec.field(default_factory=ResponseStatus)
    email_address: EmailAddress


class ItemBody(_Struct, kw_only=True):
    """What nobody is to read."""

    content_type: Literal["html", "text"] = "html"
    content: str = "What we talked about is nobody's business"


class Location(_Struct, kw_only=True):
    """Where nobody is to know."""

    display_name: str = "The quiet room"


class OnlineMeeting(_Struct, kw_only=True):
    """A Teams meeting."""

    join_url: str


class ExtendedProperty(_Struct, kw_only=True):
    """A single-value extended property."""

    id: str
    value: str


class Event(_Struct, kw_only=True):
    """An event. `cancelled_occurrences` and extended properties come only when they are asked for."""

    id: str
    type: Literal["singleInstance", "occurrence", "exception", "seriesMaster"] = "singleInstance"
    series_master_id: str | None = None
    ical_uid: str = msgspec.field(name="iCalUId", default="")
    change_key: str = "1"
    subject: str | None = "#mentoring"
    body: ItemBody = msgspec.field(default_factory=ItemBody)
    body_preview: str = "What we talked about"
    location: Location = msgspec.field(default_factory=Location)
    start: DateTimeTimeZone
    end: DateTimeTimeZone
    is_all_day: bool = False
    is_cancelled: bool = False
    is_organizer: bool = True
    organizer: Recipient | None = None
    attendees: list[Attendee] = []
    hide_attendees: bool = False
    categories: list[str] = []
    show_as: Literal["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"] = "busy"
    response_status: ResponseStatus = msgspec.field(default_factory=ResponseStatus)
    original_start: str | None = None
    original_start_time_zone: str = "Romance Standard Time"
    original_end_time_zone: str = "Romance Standard Time"
    created_date_time: str = "2026-01-05T09:00:00Z"
    last_modified_date_time: str = "2026-01-05T09:00:00.1234567Z"
    online_meeting: OnlineMeeting | None = None
    online_meeting_url: str | None = None
    is_online_meeting: bool = False
    sensitivity: Literal["normal", "personal", "private", "confidential"] = "normal"
    web_link: str = "https://outlook.office365.com/owa/?itemid=1"
    single_value_extended_properties: list[ExtendedProperty] = []
    cancelled_occurrences: list[str] = []


ONLY_WHEN_ASKED = ("cancelledOccurrences", "singleValueExtendedProperties")
FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(Event))
BARE = ("id", "type", "seriesMasterId", "start", "end")


def write_event(event: Event, fields: list[str] | None = None, *, expands: bool = False) -> Json:
    """Return the event as JSON; `fields` is what `$select` asks for."""
    whole: Json = msgspec.to_builtins(event)
    etag = {"@odata.etag": f'W/"{event.change_key}"'}
    if fields is None:
        return {**etag, **{k: v for k, v in whole.items() if k not in ONLY_WHEN_ASKED}}
    chosen = {k: whole[k] for k in ("id", *fields)}
    if expands:
        chosen["singleValueExtendedProperties"] = whole["singleValueExtendedProperties"]
    return {**etag, **chosen}


def write_bare(event: Event) -> Json:
    """Return what a delta tells of an occurrence."""
    whole: Json = msgspec.to_builtins(event)
    return {"@odata.type": "#microsoft.graph.event", **{k: whole[k] for k in BARE}}
