"""One mailbox as Exchange keeps it: events with revisions, views of a window, delta links, deleted items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from tests.fakes.graph.shapes import FIELDS, DateTimeTimeZone, Event, Json, write_bare, write_event


class Refused(Exception):
    """An answer that is an error; `code` is the word that Graph has for it."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> Json:
        """Return the error as Graph writes it."""
        return {"error": {"code": self.code, "message": "Words", "innerError": {"request-id": "1"}}}


@dataclass(frozen=True, slots=True)
class Span:
    """A window, in UTC."""

    start: datetime
    end: datetime

    def holds(self, event: Event) -> bool:
        """Tell whether a view of the window shows the event."""
        start, end = read_time(event.start), read_time(event.end)
        return start < self.end and max(start, end) > self.start


@dataclass
class Stored:
    """A single event, or a series with its instances; `folder` None is the calendar."""

    event: Event
    instances: dict[str, Event] = field(default_factory=dict)
    folder: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class _Token:
    """What a delta link knows: the window, and what the view showed at that time."""

    span: Span
    revision: int
    shown: dict[str, bytes]


@dataclass
class Mailbox:
    """The mailbox of `owner`. Tests may set the flags, and change items by `put`, `delete` and `move_away`.

    `hides_masters`: a delta names no series. `bare_exceptions`: it tells no more of them than of occurrences.
    `silent`: a deleted occurrence leaves no trace at all. `repeats`, `backwards`: how lists are sent.
    `lost_place`: how an expired link is refused. `finds_deleted`: what was deleted still answers to its id.
    """

    owner: str
    items: dict[str, Stored] = field(default_factory=dict)
    revision: int = 1
    oldest: int = 0
    page_size: int = 500
    empty_pages: bool = False
    hides_masters: bool = False
    bare_exceptions: bool = False
    silent: bool = False
    repeats: bool = False
    backwards: bool = False
    finds_deleted: bool = False
    lost_place: tuple[int, str] = (410, "syncStateNotFound")
    breaks_at: int | None = None
    root: str = ""
    _tokens: list[_Token] = field(default_factory=list)
    _listings: list[list[Json]] = field(default_factory=list)
    _links: dict[str, str] = field(default_factory=dict)

    # Deeds

    def put(self, event: Event, instances: list[Event] | None = None, *, quietly: bool = False) -> None:
        """Store an event, new or changed; `quietly`: without a trace in what changed."""
        self.revision += 1
        kept = self.items.get(event.id)
        revision = kept.revision if kept and quietly else self.revision
        if kept and quietly:
            event = msgspec.structs.replace(event, change_key=kept.event.change_key)
        else:
            event = msgspec.structs.replace(event, change_key=str(self.revision))
        self.items[event.id] = Stored(event, {i.id: i for i in instances or ()}, None, revision)

    def delete(self, event_id: str) -> None:
        """Move an event to the deleted items."""
        self.move_away(event_id, "deleteditems")

    def move_away(self, event_id: str, folder: str) -> None:
        """Move an event to another folder: its immutable id stays."""
        self.revision += 1
        self.items[event_id] = replace(self.items[event_id], folder=folder, revision=self.revision)

    def call_off(self, series_id: str, day: str) -> None:
        """Delete the occurrence of that day."""
        kept = self.items[series_id]
        off = [*kept.event.cancelled_occurrences, f"OID.{series_id}.{day}"]
        event = msgspec.structs.replace(kept.event, cancelled_occurrences=off)
        rest = [
            i for i in kept.instances.values() if not (i.original_start or i.start.date_time).startswith(day)
        ]
        self.put(event, rest, quietly=self.silent)

    def touch_all(self) -> None:
        """Make everything count as changed."""
        for kept in [k for k in self.items.values() if k.folder is None]:
            self.put(kept.event, list(kept.instances.values()))

    def expire_links(self) -> None:
        """Forget all delta links that were given out."""
        self.oldest = len(self._tokens)

    # Questions

    def delta(self, query: dict[str, str], page_size: int) -> Json:
        """Answer `calendarView/delta`."""
        size = min(page_size, self.page_size)
        if "$skiptoken" in query:
            listing, at, empty = query["$skiptoken"].split("-")
            return self._page(int(listing), int(at), size, empty=empty == "1")
        if "$deltatoken" in query:
            changes = self._changes(int(query["$deltatoken"]))
        else:
            span = read_span(query)
            changes = list(self._shown(span).values())
            self._tokens.append(self._token(span))
        changes = changes[::-1] if self.backwards else changes
        self._listings.append(changes * 2 if self.repeats else changes)
        self._links[str(len(self._listings) - 1)] = f"$deltatoken={len(self._tokens) - 1}"
        return self._page(len(self._listings) - 1, 0, size, empty=self.empty_pages)

    def view(self, query: dict[str, str]) -> list[Json]:
        """Answer `calendarView`: what the window shows, series by their instances."""
        span, fields = read_span(query), read_fields(query)
        return [write_event(e, fields) for e in self.shown(span)]

    def instances(self, series_id: str, query: dict[str, str]) -> list[Json]:
        """Answer `instances`: those called off are left out."""
        kept = self._find(series_id)
        if kept.event.type != "seriesMaster":
            raise Refused(400, "ErrorInvalidRequest")
        span, fields = read_span(query), read_fields(query)
        found = [e for e in kept.instances.values() if span.holds(e) and not e.is_cancelled]
        return [write_event(e, fields, expands="$expand" in query) for e in found]

    def get(self, event_id: str, query: dict[str, str]) -> Json:
        """Answer for one event by its id."""
        for kept in self.items.values():
            if event_id in (kept.event.id, *kept.instances):
                kept = self._find(kept.event.id)
                event = kept.instances.get(event_id, kept.event)
                return write_event(event, read_fields(query), expands="$expand" in query)
        raise Refused(404, "ErrorItemNotFound")

    def _find(self, event_id: str) -> Stored:
        kept = self.items.get(event_id)
        if kept is None or (kept.folder == "deleteditems" and not self.finds_deleted):
            raise Refused(404, "ErrorItemNotFound")
        return kept

    # Views

    def shown(self, span: Span) -> Iterator[Event]:
        """Yield the single events, occurrences and exceptions in a window."""
        for kept in self.items.values():
            if kept.folder is None:
                every = kept.instances.values() if kept.event.type == "seriesMaster" else [kept.event]
                yield from (e for e in every if span.holds(e))

    def _shown(self, span: Span) -> dict[str, Json]:
        """Return what a delta view holds, by id: series before their instances."""
        shown: dict[str, Json] = {}
        for event in self.shown(span):
            series = event.series_master_id
            if series and series not in shown and not self.hides_masters:
                shown[series] = write_event(self.items[series].event)
            is_bare = event.type == "occurrence" or (event.type == "exception" and self.bare_exceptions)
            shown[event.id] = write_bare(event) if is_bare else write_event(event)
        return shown

    def _token(self, span: Span) -> _Token:
        shown = {name: msgspec.json.encode(value) for name, value in self._shown(span).items()}
        return _Token(span, self.revision, shown)

    def _changes(self, number: int) -> list[Json]:
        if number < self.oldest:
            status, code = self.lost_place
            raise Refused(
                status, code, {"Location": f"{self._address()}?$deltatoken="} if status == 410 else {}
            )
        old = self._tokens[number]
        new = self._token(old.span)
        now_shown = self._shown(old.span)
        changed = [
            value for name, value in now_shown.items()
            if old.shown.get(name) != new.shown[name] or self._is_touched(value, old.revision)
        ]  # fmt: skip
        gone = [name for name in old.shown if name not in new.shown and self._leaves_trace(name, old)]
        # Whatever changed outside the window is told as if it had been deleted.
        gone += [
            kept.event.id for kept in self.items.values()
            if kept.revision > old.revision and kept.event.id not in {**old.shown, **new.shown}
        ]  # fmt: skip
        self._tokens.append(new)
        return [*changed, *({"id": name, "@removed": {"reason": "deleted"}} for name in gone)]

    def _is_touched(self, value: Json, revision: int) -> bool:
        kept = self.items.get(value["id"])
        return kept is not None and kept.revision > revision

    def _leaves_trace(self, name: str, old: _Token) -> bool:
        """Tell whether the view says that an id is gone: of a deleted occurrence it does not."""
        was = msgspec.json.decode(old.shown[name])
        kept = self.items.get(was.get("seriesMasterId") or "")
        return kept is None or name in kept.instances

    def _page(self, listing: int, at: int, size: int, *, empty: bool) -> Json:
        found = self._listings[listing]
        if self.breaks_at is not None and at >= self.breaks_at:
            raise Refused(503, "serviceNotAvailable", {"Retry-After": "3600"})
        value = [] if empty else found[at : at + size]
        end = at + len(value)
        page: dict[str, Any] = {
            "@odata.context": f"{self.root}/v1.0/$metadata#Collection(event)",
            "value": value,
        }
        if end < len(found) or empty:
            flag = int(self.empty_pages and not empty)
            page["@odata.nextLink"] = f"{self._address()}?$skiptoken={listing}-{end}-{flag}"
        else:
            page["@odata.deltaLink"] = f"{self._address()}?{self._links[str(listing)]}"
        return page

    def _address(self) -> str:
        return f"{self.root}/v1.0/users/{self.owner}/calendarView/delta"


def read_span(query: dict[str, str]) -> Span:
    """Return the window that a query names."""
    try:
        start, end = (datetime.fromisoformat(query[name]) for name in ("startDateTime", "endDateTime"))
    except (KeyError, ValueError):
        raise Refused(400, "ErrorInvalidParameter") from None
    return Span(start, end)


def read_fields(query: dict[str, str]) -> list[str] | None:
    """Return what `$select` asks for. Refuses what an event does not have."""
    if "$select" not in query:
        return None
    fields = query["$select"].split(",")
    if not set(fields) <= FIELDS:
        raise Refused(400, "RequestBroker--ParseUri")
    return fields


def read_time(told: DateTimeTimeZone) -> datetime:
    """Return the instant."""
    return datetime.fromisoformat(told.date_time).replace(tzinfo=UTC)


def write_time(at: datetime) -> DateTimeTimeZone:
    """Return an instant as Graph writes it."""
    return DateTimeTimeZone(date_time=f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000")
