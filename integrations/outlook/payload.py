"""What comes back of an event: Microsoft Graph's `event`, as far as we read it.

Body, location and people's names are in no struct here, so they are never decoded. Graph sends them with a
change (a calendarView delta takes no `$select`); where it lets us choose, they are not asked for.
"""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from tracker.errors import BadPayload

# A named property among Outlook's public strings: what Cadencia leaves on the entries that it makes.
REFERENCE_NAME = "cadencia"
REFERENCE_ID = f"String {{00020329-0000-0000-C000-000000000046}} Name {REFERENCE_NAME}"
ITEM_FIELDS = (
    "id,type,seriesMasterId,iCalUId,subject,start,end,isAllDay,isCancelled,isOrganizer,organizer,attendees,"
    "hideAttendees,categories,showAs,responseStatus,originalStart,originalStartTimeZone,createdDateTime,"
    "lastModifiedDateTime,onlineMeeting,onlineMeetingUrl"
)
# Only a series that is asked for by its id tells which of its occurrences were called off.
SERIES_FIELDS = f"{ITEM_FIELDS},cancelledOccurrences"


class _Struct(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Names as Graph writes them."""


class Time(_Struct, frozen=True):
    """A wall time and its zone; we ask for UTC."""

    date_time: str
    time_zone: str = "UTC"


class Address(_Struct, frozen=True):
    """A mail address."""

    address: str | None = None


class Recipient(_Struct, frozen=True):
    """Who called the meeting."""

    email_address: Address = Address()


class ResponseStatus(_Struct, frozen=True):
    """An answer; its time may be of the year 1, and is not read."""

    response: str | None = None


class Attendee(_Struct, frozen=True):
    """Somebody, or a room (`type` resource)."""

    email_address: Address = Address()
    type: str | None = None
    status: ResponseStatus = ResponseStatus()


class OnlineMeeting(_Struct, frozen=True):
    """The online meeting."""

    join_url: str | None = None


class Property(_Struct, frozen=True):
    """A single-value extended property."""

    id: str
    value: str | None = None


class Removed(_Struct, frozen=True):
    """Marks an id that the view does not show any more: deleted, or moved out of the window."""

    reason: str | None = None


class Item(_Struct, frozen=True):
    """An event of a mailbox. An occurrence may come bare: id, type, series and times, nothing else."""

    id: str
    removed: Removed | None = msgspec.field(name="@removed", default=None)
    type: str | None = None
    series_master_id: str | None = None
    ical_uid: str | None = msgspec.field(name="iCalUId", default=None)
    uid: str | None = None
    subject: str | None = None
    start: Time | None = None
    end: Time | None = None
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    is_organizer: bool | None = None
    organizer: Recipient | None = None
    attendees: tuple[Attendee, ...] | None = None
    hide_attendees: bool | None = None
    categories: tuple[str, ...] | None = None
    show_as: str | None = None
    response_status: ResponseStatus | None = None
    original_start: str | None = None
    original_start_time_zone: str | None = None
    created_date_time: str | None = None
    last_modified_date_time: str | None = None
    online_meeting: OnlineMeeting | None = None
    online_meeting_url: str | None = None
    single_value_extended_properties: tuple[Property, ...] | None = None
    cancelled_occurrences: tuple[str, ...] | None = None

    @property
    def is_series(self) -> bool:
        """Tell whether it is a series itself, which is no meeting."""
        return self.type == "seriesMaster"

    @property
    def is_exception(self) -> bool:
        """Tell whether it is an occurrence that differs from its series."""
        return self.type == "exception"

    @property
    def reference(self) -> str | None:
        """Return what Cadencia left on the entry."""
        for known in self.single_value_extended_properties or ():
            # Exchange keeps the case of the name, and not always that of what is before it.
            if known.id.casefold() == REFERENCE_ID.casefold() and known.id.endswith(REFERENCE_NAME):
                return known.value
        return None


class Page(_Struct, frozen=True):
    """One page of a listing; it may be empty and not be the last. Items are decoded one by one."""

    value: tuple[msgspec.Raw, ...]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class Written(_Struct, frozen=True):
    """An entry of ours, as it is now."""

    id: str
    start: Time
    end: Time
    etag: str | None = msgspec.field(name="@odata.etag", default=None)
    is_cancelled: bool = False
    original_start_time_zone: str | None = None


class _WrittenList(_Struct, frozen=True):
    value: tuple[Written, ...]


class BatchAnswer(_Struct, frozen=True):
    """The answer to one request of a batch, with a status of its own."""

    id: str
    status: int
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"{}")


class BatchReply(_Struct, frozen=True):
    """The answers to a batch, in any order."""

    responses: tuple[BatchAnswer, ...]


# With its zone, as Graph writes all instants that are no wall times.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
NOT_EVENTS = "What answered in Microsoft's place did not send what was asked for."
Value = TypeVar("Value")


def decode(decoder: msgspec.json.Decoder[Value], content: bytes) -> Value:
    """Return what an answer holds. Raises BadPayload for what is none, such as a proxy's sign-in page."""
    try:
        return decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise BadPayload(NOT_EVENTS)


def read_page(content: bytes) -> Page:
    """Return a page. Raises BadPayload."""
    return decode(_PAGES, content)


def read_batch(content: bytes) -> tuple[BatchAnswer, ...]:
    """Return the answers to a batch. Raises BadPayload."""
    return decode(_BATCHES, content).responses


def read_written(content: bytes) -> Written:
    """Return an entry of ours. Raises BadPayload."""
    return decode(_WRITTEN, content)


def read_written_list(content: bytes) -> tuple[Written, ...]:
    """Return entries of ours. Raises BadPayload."""
    return decode(_WRITTEN_LISTS, content).value


def read_item(content: bytes | msgspec.Raw) -> Item | None:
    """Return an event, None where it is not as Graph describes it."""
    try:
        return _ITEMS.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


_PAGES = msgspec.json.Decoder(Page)
_BATCHES = msgspec.json.Decoder(BatchReply)
_ITEMS = msgspec.json.Decoder(Item)
_WRITTEN = msgspec.json.Decoder(Written)
_WRITTEN_LISTS = msgspec.json.Decoder(_WrittenList)
