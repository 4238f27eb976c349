"""Pages of events, one after the other, each decoded and let go. Never holds a whole calendar."""

from collections.abc import Iterable, Iterator
from copy import copy
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from integrations.google.client import GoogleApi, Line
from integrations.google.errors import FORGOTTEN
from integrations.google.payload import (
    ITEM_FIELDS,
    PAGE_FIELDS,
    Item,
    Page,
    read_item,
    read_page,
)
from tracker.errors import BadPayload, ConnectorError, SyncTokenExpired
from tracker.events import Window

PAGE_SIZE = 2500
MOST_PAGES = 2000
_LONG = {"maxResults": PAGE_SIZE, "fields": PAGE_FIELDS}
_CALENDAR, _TOKEN = "BlankForTheCalendar", "BlankForTheToken"
BLIND = "This account sees of the calendar only when its owner is busy: it has to be shared with all details."
_BLIND_ROLES = frozenset({"none", "freeBusyReader"})


class Listing:
    """Asks for one calendar's events of some `types`.

    `sync_token` is there once a listing was read to its end; `time_zone` is the calendar's.
    """

    def __init__(self, api: GoogleApi, line: Line, calendar: str, types: list[str]) -> None:
        self.calendar = calendar
        self.sync_token = ""
        self.time_zone: str | None = None
        self._types = types
        self._api = api
        self._events = api.events
        self._line = line

    def all_since(self, window: Window) -> Iterator[msgspec.Raw]:
        """Yield whatever ends after the window's start: series, their exceptions, single events."""
        # The same question as `changes`, but for what a sync token takes the place of. No upper bound: what
        # is to come must be in the token's reach, too.
        yield from self._entries(timeMin=_text(window.start))

    def changes(self, sync_token: str) -> Iterator[msgspec.Raw]:
        """Yield what changed since, deleted entries included. Raises SyncTokenExpired."""
        try:
            yield from self._entries(self._ask_changes(sync_token), syncToken=sync_token)
        except ConnectorError as error:
            if error.code != "refused":
                raise
        else:
            return
        raise SyncTokenExpired(FORGOTTEN)

    def instances(self, series_id: str, window: Window) -> Iterator[msgspec.Raw]:
        """Yield the series' instances inside the window, cancelled ones included."""
        pages = self._pages(
            self._events.instances,
            eventId=series_id,
            timeMin=_text(window.start),
            timeMax=_text(window.end),
            showDeleted=True,
        )
        for page in pages:
            yield from page.items

    def get(self, event_id: str) -> Item | None:
        """Return one event, a deleted one too; None where this calendar has none of that id."""
        request = self._events.get(calendarId=self.calendar, eventId=event_id, fields=ITEM_FIELDS)
        try:
            content = self._line.fetch(request)
        except ConnectorError as error:
            if error.code == "not_found":
                return None
            raise
        item = read_item(content)
        if item is None:
            raise BadPayload("What answered in Google's place did not send an event.")
        return item

    def _ask_changes(self, sync_token: str) -> Any:
        request = copy(_write_question(self._api, tuple(self._types)))
        request.headers = dict(request.headers)
        request.uri = request.uri.replace(_CALENDAR, quote(self.calendar, safe="")).replace(
            _TOKEN, quote(sync_token, safe="")
        )
        return request

    def _entries(self, first: Any = None, **question: str) -> Iterator[msgspec.Raw]:
        last = Page()
        for last in self._pages(self._events.list, first, **_kinds(self._types), **question):
            if last.access_role in _BLIND_ROLES:
                raise ConnectorError(BLIND, code="no_right")
            yield from last.items
        if not last.next_sync_token:
            raise BadPayload("Google's list of events ended without a sync token.", code="cut_off")
        self.sync_token, self.time_zone = last.next_sync_token, last.time_zone

    def _pages(self, method: Any, first: Any = None, **question: Any) -> Iterator[Page]:
        token = None
        for _ in range(MOST_PAGES):
            request = (
                first
                if first and token is None
                else method(calendarId=self.calendar, pageToken=token, **_LONG, **question)
            )
            page = read_page(self._line.fetch(request))
            yield page
            if not page.next_page_token:
                return
            if page.next_page_token == token:
                break
            token = page.next_page_token
        raise BadPayload("Google's list of events does not come to an end.", code="too_large")


def _kinds(types: Iterable[str]) -> dict[str, Any]:
    return {"singleEvents": False, "showDeleted": True, "eventTypes": list(types)}


@lru_cache(maxsize=8)
def _write_question(api: GoogleApi, types: tuple[str, ...]) -> Any:
    """Return the question what changed, with blanks for whose calendar, and since when.

    To write it takes the library as long as all the rest takes us, and it is the same for every calendar.
    """
    return api.events.list(calendarId=_CALENDAR, syncToken=_TOKEN, **_LONG, **_kinds(types))


def _text(at: Any) -> str:
    return str(at.isoformat())
