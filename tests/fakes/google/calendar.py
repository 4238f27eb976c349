"""One calendar as Google keeps it: resources with revisions, pages, sync tokens, instances of series."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr

from tests.fakes.google.description import Refused

Resource = dict[str, Any]
NOT_WITH_A_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMax", "timeMin",
    "updatedMin",
)  # fmt: skip
FAR = datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_SERIES = 730


@dataclass
class FakeCalendar:
    """The calendar of `owner`. Tests may set `page_size` and the like, and change `items` by `put`."""

    owner: str
    timezone: str = "Europe/Madrid"
    items: dict[str, Resource] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    revision: int = 1
    oldest_token: int = 0
    page_size: int = 2500
    empty_pages: bool = False
    access_role: str = "owner"
    breaks_at: int | None = None  # from the entry of that number on, listings fail
    _listings: list[tuple[list[Resource], int]] = field(default_factory=list)

    def put(self, resource: Resource) -> None:
        """Store a resource, new or changed, as it is to be sent."""
        self.revision += 1
        self.items[resource["id"]] = resource
        self.revisions[resource["id"]] = self.revision

    def bury(self, event_id: str) -> None:
        """Leave nothing of an event but its id, or of an instance its three."""
        gone = self.items[event_id]
        kept: Resource = {k: gone[k] for k in ("recurringEventId", "originalStartTime") if k in gone}
        self.put({"kind": "calendar#event", "id": event_id, "status": "cancelled", **kept})

    def expire_tokens(self) -> None:
        """Forget all sync tokens that were given out."""
        self.revision += 1
        self.oldest_token = self.revision

    def list_events(self, query: dict[str, Any]) -> Resource:
        """Answer `events.list`."""
        question = _question(query)
        if "syncToken" in query:
            since = self._revision_of(query, question)
            found = [r for name, r in self.items.items() if self.revisions[name] > since]
        else:
            found = [r for r in self.items.values() if self._is_listed(r, query)]
        types = query.get("eventTypes")
        found = [r for r in found if not types or r.get("eventType", "default") in types]
        page = self._page(found, query, question)
        if "nextPageToken" not in page:
            page["nextSyncToken"] = _pack({"revision": page.pop("revision"), "question": question})
        page.pop("revision", None)
        return page

    def list_instances(self, series_id: str, query: dict[str, Any]) -> Resource:
        """Answer `events.instances`."""
        series = self.get(series_id)
        if "recurrence" not in series:
            raise Refused(400, "invalidParameter")
        low, high = query.get("timeMin", datetime.min.replace(tzinfo=UTC)), query.get("timeMax", FAR)
        found = [
            r for r in self.instances(series)
            if (r["status"] != "cancelled" or query.get("showDeleted")) and _lies_in(r, low, high)
        ]  # fmt: skip
        page = self._page(found, query, question=series_id)
        page.pop("revision", None)
        return page

    def get(self, event_id: str) -> Resource:
        """Answer `events.get`: an instance too, whether it is an exception or not; deleted ones as well."""
        if event_id in self.items:
            return self.items[event_id]
        series = self.items.get(event_id.rpartition("_")[0], {})
        for instance in self.instances(series) if "recurrence" in series else ():
            if instance["id"] == event_id:
                return instance
        raise Refused(404, "notFound")

    def instances(self, series: Resource) -> Iterator[Resource]:
        """Yield all instances of a series, exceptions in their places."""
        if series["status"] == "cancelled":
            return
        for slot in slots(series):
            instance = self.items.get(instance_id(series["id"], slot))
            yield instance or make_instance(series, slot)

    def alive(self) -> Iterator[Resource]:
        """Yield every event that stands, series by their instances."""
        for item in list(self.items.values()):
            if item["status"] == "cancelled" or item.get("recurringEventId") in self.items:
                continue
            if "recurrence" not in item:
                yield item
            else:
                yield from (i for i in self.instances(item) if i["status"] != "cancelled")

    def _is_listed(self, resource: Resource, query: dict[str, Any]) -> bool:
        is_exception = "recurringEventId" in resource
        if resource["status"] == "cancelled" and not is_exception and not query.get("showDeleted"):
            return False
        if "timeMin" not in query:
            return True
        if "recurrence" in resource and resource["status"] != "cancelled":
            return any(_lies_in(i, query["timeMin"], FAR) for i in self.instances(resource))
        return "start" not in resource or _lies_in(resource, query["timeMin"], FAR)

    def _revision_of(self, query: dict[str, Any], question: str) -> int:
        if any(name in query for name in NOT_WITH_A_TOKEN) or query.get("showDeleted") is False:
            raise Refused(400, "invalidParameter")
        known = _unpack(query["syncToken"])
        if known["question"] != question:
            raise Refused(400, "invalidParameter")
        if known["revision"] < self.oldest_token:
            raise Refused(410, "fullSyncRequired")
        revision: int = known["revision"]
        return revision

    def _page(self, found: list[Resource], query: dict[str, Any], question: str) -> Resource:
        if "pageToken" in query:
            place = _unpack(query["pageToken"])
            if place["question"] != question:
                raise Refused(400, "invalidParameter")
        else:
            # What changes while somebody turns the pages is for the next listing.
            self._listings.append((list(found), self.revision))
            place = {
                "listing": len(self._listings) - 1,
                "at": 0,
                "rest": self.empty_pages,
                "question": question,
            }
        found, revision = self._listings[place["listing"]]
        size = min(query.get("maxResults", 250), self.page_size)
        if self.breaks_at is not None and place["at"] >= self.breaks_at:
            raise Refused(503, "backendError", {"Retry-After": "3600"})
        items = [] if place["rest"] else found[place["at"] : place["at"] + size]
        end = place["at"] + len(items)
        page = {
            "kind": "calendar#events", "accessRole": self.access_role, "timeZone": self.timezone,
            "items": items, "revision": revision,
        }  # fmt: skip
        rest = self.empty_pages and not place["rest"]
        if end < len(found) or rest:
            page["nextPageToken"] = _pack({**place, "at": end, "rest": rest})
        return page


def _question(query: dict[str, Any]) -> str:
    # "All other query parameters should be the same as for the initial synchronization."
    free = {"syncToken", "pageToken", "timeMin", "timeMax", "maxResults", "alt", "prettyPrint"}
    asked = json.dumps({k: v for k, v in sorted(query.items()) if k not in free})
    return hashlib.sha256(asked.encode()).hexdigest()[:12]


def _pack(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _unpack(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        raise Refused(400, "invalidParameter") from None
    return value


# Times


def write_time(moment: date | datetime, zone: str) -> Resource:
    """Return a moment as the API writes it: a day, or an instant on the wall clock of `zone`."""
    if not isinstance(moment, datetime):
        return {"date": moment.isoformat()}
    return {"dateTime": moment.astimezone(ZoneInfo(zone)).isoformat(), "timeZone": zone}


def read_time(time_: Resource) -> date | datetime:
    """Return the moment: a date, or an instant on the wall clock of its zone."""
    if "date" in time_:
        return date.fromisoformat(time_["date"])
    return datetime.fromisoformat(time_["dateTime"]).astimezone(ZoneInfo(time_.get("timeZone", "UTC")))


def instant(moment: date | datetime) -> datetime:
    """Return the moment in UTC; a date is its midnight."""
    return moment.astimezone(UTC) if isinstance(moment, datetime) else datetime.combine(moment, time.min, UTC)


def slots(series: Resource) -> list[date | datetime]:
    """Return the starts that the series' rules give, on the wall clock of its zone."""
    first = read_time(series["start"])
    is_day = not isinstance(first, datetime)
    start = datetime.combine(first, time.min) if is_day else first
    rules = rrulestr("\n".join(series["recurrence"]), dtstart=start, forceset=True)
    return [slot.date() if is_day else slot for slot in _first(rules)]


def _first(rules: rruleset) -> Iterable[datetime]:
    return [slot for slot, _ in zip(rules, range(LONGEST_SERIES), strict=False)]


def instance_id(series_id: str, slot: date | datetime) -> str:
    """Return the id that an instance has, moved or not."""
    if isinstance(slot, datetime):
        return f"{series_id}_{slot.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{series_id}_{slot:%Y%m%d}"


def make_instance(series: Resource, slot: date | datetime) -> Resource:
    """Return an instance that is as its series has it."""
    length = _length(series)
    zone = series["start"].get("timeZone", "UTC")
    instance = {k: v for k, v in series.items() if k != "recurrence"}
    end = slot + length if not isinstance(slot, datetime) else slot.astimezone(UTC) + length
    return {
        **instance,
        "id": instance_id(series["id"], slot),
        "recurringEventId": series["id"],
        "originalStartTime": write_time(slot, zone),
        "start": write_time(slot, zone),
        "end": write_time(end, zone),
    }


def _length(event: Resource) -> timedelta:
    return instant(read_time(event["end"])) - instant(read_time(event["start"]))


def _lies_in(event: Resource, low: datetime, high: datetime) -> bool:
    start = instant(read_time(event.get("start") or event["originalStartTime"]))
    end = start + _length(event) if "end" in event else start
    return end > low and start < high
