"""Pages of events, one after the other, each decoded and let go. Never holds a whole calendar."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import msgspec

from integrations.outlook.client import Line
from integrations.outlook.payload import ITEM_FIELDS, REFERENCE_ID, SERIES_FIELDS, Item, read_item, read_page
from tracker.errors import BadPayload, ConnectorError, SyncTokenExpired
from tracker.events import Window

MOST_PAGES = 5000
_EXPAND = f"singleValueExtendedProperties($filter=id eq '{REFERENCE_ID}')"


class Listing:
    """Asks for one mailbox's events. `delta_link` is there once a view was read to its end."""

    def __init__(self, line: Line) -> None:
        self.delta_link = ""
        self._line = line

    def everything(self, window: Window) -> Iterator[msgspec.Raw]:
        """Yield what the window shows: single events, series, their occurrences and exceptions."""
        yield from self._view(self._line.address(f"calendarView/delta?{_span(window.start, window.end)}"))

    def changes(self, link: str) -> Iterator[msgspec.Raw]:
        """Yield what changed since `link` was given, which is sent as it came. Raises SyncTokenExpired."""
        try:
            yield from self._view(link)
        except ConnectorError as error:
            if error.code not in ("refused", "not_found"):
                raise
            raise SyncTokenExpired(
                "Microsoft 365 does not know this place: the calendar is read anew."
            ) from None

    def instances(self, series_id: str, window: Window) -> Iterator[msgspec.Raw]:
        """Yield the series' occurrences and exceptions inside the window; those called off are left out."""
        query = {"$select": ITEM_FIELDS, "$expand": _EXPAND, "$top": "200"}
        path = f"{_event(series_id)}/instances?{_span(window.start, window.end)}&{_query(query)}"
        for page, _ in self._pages(self._line.address(path)):
            yield from page

    def get_many(self, event_ids: Iterable[str]) -> dict[str, Item | None]:
        """Return events by their immutable ids, None for each that is not there any more."""
        query = _query({"$select": SERIES_FIELDS, "$expand": _EXPAND})
        addresses = {name: self._line.address(f"{_event(name)}?{query}") for name in sorted(set(event_ids))}
        bodies = self._line.get_many(addresses)
        return {name: _item(body) if body is not None else None for name, body in bodies.items()}

    def shows(self, event_id: str, start: datetime, end: datetime) -> bool:
        """Tell whether the calendar shows that event between two instants: it may lie in another folder."""
        query = _query({"$select": "id", "$top": "200"})
        for page, _ in self._pages(self._line.address(f"calendarView?{_span(start, end)}&{query}")):
            for content in page:
                item = read_item(content)
                if item is not None and item.id == event_id:
                    return True
        return False

    def links(self, window: Window) -> Iterator[Item]:
        """Yield what the calendar shows in the window, with the links to online meetings and little else."""
        query = _query({"$select": "id,isOrganizer,onlineMeeting,onlineMeetingUrl", "$top": "200"})
        span = _span(window.start, window.end)
        for page, _ in self._pages(self._line.address(f"calendarView?{span}&{query}")):
            yield from (item for content in page if (item := read_item(content)) is not None)

    def _view(self, address: str) -> Iterator[msgspec.Raw]:
        for page, link in self._pages(address):
            yield from page
            self.delta_link = link or ""
        if not self.delta_link:
            raise BadPayload("Microsoft 365's list of events ended without a delta link.", code="cut_off")

    def _pages(self, address: str) -> Iterator[tuple[tuple[msgspec.Raw, ...], str | None]]:
        for _ in range(MOST_PAGES):
            page = read_page(self._line.get(address))
            yield page.value, page.delta_link
            if page.next_link is None:
                return
            if page.next_link == address:
                break
            address = page.next_link
        raise BadPayload("Microsoft 365's list of events does not come to an end.", code="too_large")


def _item(content: msgspec.Raw) -> Item:
    item = read_item(content)
    if item is None:
        raise BadPayload("What answered in Microsoft's place did not send an event.")
    return item


def _event(event_id: str) -> str:
    # Ids tell capitals from small letters and "_" from "-": they are quoted, and nothing else.
    return f"events/{quote(event_id, safe='')}"


def _span(start: datetime, end: datetime) -> str:
    return _query({"startDateTime": _text(start), "endDateTime": _text(end)})


def _query(values: dict[str, str]) -> str:
    return urlencode(values, quote_via=quote, safe="$:,()")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
