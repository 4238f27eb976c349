"""What is asked of an event, and what comes back: the Calendar API's `Event`, as far as we read it.

Description, location, attachments and people's names are never asked for, so they never leave Google.
"""

from datetime import date, datetime
from typing import TypeVar

import msgspec

from tracker.errors import BadPayload
from tracker.tags import TagRules

ITEM_FIELDS = (
    "id,status,iCalUID,summary,recurrence,recurringEventId,originalStartTime,start,end,created,updated,sequence,"
    "organizer(email,self),attendees(email,self,resource,responseStatus),attendeesOmitted,"
    "guestsCanSeeOtherGuests,extendedProperties/shared,eventType,hangoutLink,"
    "conferenceData(conferenceId,conferenceSolution/key/type,entryPoints(entryPointType,uri))"
)
PAGE_FIELDS = f"accessRole,timeZone,nextPageToken,nextSyncToken,items({ITEM_FIELDS})"
# Working locations, birthdays and focus times are nobody's business.
_MEETING, _AWAY = "default", "outOfOffice"

Told = TypeVar("Told")


class _Struct(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Names as the API writes them."""


class Time(_Struct, frozen=True):
    """A day, or an instant with its zone."""

    day: date | None = msgspec.field(name="date", default=None)
    date_time: datetime | None = None
    time_zone: str | None = None


class Attendee(_Struct, frozen=True):
    """Somebody, or a room; `is_self` marks whose calendar it is."""

    email: str | None = None
    is_self: bool = msgspec.field(name="self", default=False)
    resource: bool = False
    response_status: str = ""


class Organizer(_Struct, frozen=True):
    """Who called the meeting."""

    email: str | None = None
    is_self: bool = msgspec.field(name="self", default=False)


class Properties(_Struct, frozen=True):
    """What programs left on the entry for all its copies."""

    shared: dict[str, str] = {}


class _Key(_Struct, frozen=True):
    type: str = ""


class _Solution(_Struct, frozen=True):
    key: _Key = _Key()


class EntryPoint(_Struct, frozen=True):
    """A way into the online meeting."""

    entry_point_type: str = ""
    uri: str = ""


class ConferenceData(_Struct, frozen=True):
    """The online meeting."""

    conference_id: str = ""
    conference_solution: _Solution = _Solution()
    entry_points: tuple[EntryPoint, ...] = ()


class Item(_Struct, frozen=True):
    """An event: a single one, a series (`recurrence`), or an instance of one (`recurring_event_id`).

    Stamps stay texts, because imported entries were "created" in the year 0.
    """

    id: str
    status: str = "confirmed"
    ical_uid: str = msgspec.field(name="iCalUID", default="")
    summary: str = ""
    recurrence: tuple[str, ...] = ()
    recurring_event_id: str | None = None
    original_start_time: Time | None = None
    start: Time | None = None
    end: Time | None = None
    created: str | None = None
    updated: str | None = None
    sequence: int | None = None
    organizer: Organizer | None = None
    attendees: tuple[Attendee, ...] = ()
    attendees_omitted: bool = False
    guests_can_see_other_guests: bool = True
    extended_properties: Properties = Properties()
    event_type: str = "default"
    hangout_link: str = ""
    conference_data: ConferenceData | None = None

    @property
    def is_cancelled(self) -> bool:
        """Tell whether the entry was deleted, or this instance called off."""
        return self.status == "cancelled"

    @property
    def is_away(self) -> bool:
        """Tell whether the entry says that its owner is out of office."""
        return self.event_type == _AWAY


class Page(_Struct, frozen=True):
    """One page of a listing; it may be empty and not be the last. Items are decoded one by one."""

    items: tuple[msgspec.Raw, ...] = ()
    next_page_token: str | None = None
    next_sync_token: str | None = None
    access_role: str | None = None
    time_zone: str | None = None


def event_types(rules: TagRules) -> list[str]:
    """Return the kinds of entries that are asked for: absences only where they may be looked at."""
    return [_MEETING, _AWAY] if rules.keeps_absences or rules.keep_untagged else [_MEETING]


def read_page(content: bytes) -> Page:
    """Return a page. Raises BadPayload for what is none, such as a proxy's sign-in page."""
    try:
        return _PAGES.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise BadPayload("What answered in Google's place did not send events.")


def read_item(content: bytes | msgspec.Raw) -> Item | None:
    """Return an event, None where it is not as the API describes it."""
    try:
        return _ITEMS.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def read_as(content: bytes, kind: type[Told]) -> Told:
    """Return any other answer. Raises BadPayload for what is none."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise BadPayload("What answered in Google's place did not send what was asked for.")


_PAGES = msgspec.json.Decoder(Page)
_ITEMS = msgspec.json.Decoder(Item)
