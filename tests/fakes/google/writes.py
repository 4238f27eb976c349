"""What the API does when a program writes an event: the same deeds as a person's, on every copy."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tests.fakes.google.calendar import FakeCalendar, Resource, read_time
from tests.fakes.google.description import Refused
from tests.fakes.google.office import Office, stamp

Change = tuple[Resource, str | None]
_ID = re.compile(r"[a-v0-9]{5,1024}")


@dataclass(frozen=True, slots=True)
class Mail:
    """What Google wrote to somebody because of `sendUpdates`: invitation, update or cancellation."""

    kind: str
    to: str
    event_id: str


@dataclass
class Writer:
    """Inserts, patches and deletes events. `mails` are those that Google sent."""

    office: Office
    mails: list[Mail] = field(default_factory=list)

    def insert(self, calendar: FakeCalendar, body: Resource, query: dict[str, Any]) -> Resource:
        """Answer `events.insert`. A taken id is refused, even that of a deleted event."""
        event_id = body.get("id", f"made{len(calendar.items):05}")
        if not _ID.fullmatch(event_id) or "start" not in body or "end" not in body:
            raise Refused(400, "invalid")
        if event_id in calendar.items:
            raise Refused(409, "duplicate")
        guests = [{"responseStatus": "needsAction", **guest} for guest in body.get("attendees", [])]
        event = {
            "kind": "calendar#event", "id": event_id, "status": "confirmed", "eventType": "default",
            "iCalUID": f"{event_id}@google.com", "sequence": 0, "created": stamp(self.office.now),
            "creator": {"email": calendar.owner}, "organizer": {"email": calendar.owner},
            **copy.deepcopy(_plain(body)), "attendees": copy.deepcopy(guests),
        }  # fmt: skip
        room = event.pop("conferenceData", {}).get("createRequest")
        if room and query.get("conferenceDataVersion") == 1:
            event |= _conference(room)
        self.office.hand_out(event)
        self._tell("invitation", calendar.items[event_id], query)
        return calendar.items[event_id]

    def patch(
        self,
        calendar: FakeCalendar,
        event_id: str,
        change: tuple[Resource, str | None],
        query: dict[str, Any],
    ) -> Resource:
        """Answer `events.patch`; `change` is the body, and what If-Match said."""
        body, version = change
        event = self._standing(calendar, event_id, version)
        if not event["organizer"].get("self"):
            raise Refused(403, "forbiddenForNonOrganizer")
        changed: Resource = _merged(event, body)
        news = {name: changed[name] for name in body if name in changed}
        if news.keys() & {"start", "end"}:
            news["sequence"] = event.get("sequence", 0) + 1
        if "recurringEventId" in event:
            slot = read_time(event["originalStartTime"])
            self.office.change_instance(event["recurringEventId"], slot, **news)
        else:
            self.office.change(event_id, **news)
        self._tell("update", calendar.items[event_id], query)
        return calendar.items[event_id]

    def delete(
        self, calendar: FakeCalendar, event_id: str, version: str | None, query: dict[str, Any]
    ) -> None:
        """Answer `events.delete`."""
        event = copy.deepcopy(self._standing(calendar, event_id, version))
        if not event["organizer"].get("self"):
            self.office.throw_away(calendar.owner, event_id)
            return
        if "recurringEventId" in event:
            self.office.cancel_instance(event["recurringEventId"], read_time(event["originalStartTime"]))
        else:
            self.office.cancel(event_id)
        self._tell("cancellation", event, query)

    def _standing(self, calendar: FakeCalendar, event_id: str, version: str | None) -> Resource:
        event = calendar.get(event_id)
        if event["status"] == "cancelled":
            raise Refused(410, "deleted")
        if version is not None and version != event["etag"]:
            raise Refused(412, "conditionNotMet")
        return event

    def _tell(self, kind: str, event: Resource, query: dict[str, Any]) -> None:
        if query.get("sendUpdates") == "all":
            organiser = event["organizer"]["email"]
            guests = [a["email"] for a in event["attendees"] if a["email"] != organiser]
            self.mails += [Mail(kind, guest, event["id"]) for guest in guests]


def _conference(request: Resource) -> Resource:
    # The same request gets the same room.
    letters = re.sub(r"[^a-z]", "", sha256(request["requestId"].encode()).hexdigest() + "abcdefghij")
    code = f"{letters[:3]}-{letters[3:7]}-{letters[7:10]}"
    link = f"https://meet.google.com/{code}"
    return {
        "hangoutLink": link,
        "conferenceData": {
            "createRequest": {**request, "status": {"statusCode": "success"}},
            "conferenceId": code,
            "conferenceSolution": {"key": request["conferenceSolutionKey"], "name": "Google Meet"},
            "entryPoints": [{"entryPointType": "video", "uri": link}],
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    return value


def _merged(event: Any, change: Any) -> Any:
    """Return what patching makes of it: objects are merged, null takes away, all else is replaced."""
    if not isinstance(event, dict) or not isinstance(change, dict):
        return change
    merged = {**event, **{name: _merged(event.get(name), part) for name, part in change.items()}}
    return _plain({name: part for name, part in merged.items() if part is not None})
