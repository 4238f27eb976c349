"""A company on Google: people who make, move, answer and delete meetings, each with a calendar of their own.

Deeds reach every copy as they do at Google: a guest's copy of a deleted meeting keeps nothing but its id, the
organiser's keeps its details, and what a guest deletes is gone from the guest's calendar alone.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.fakes.google.calendar import (
    FakeCalendar,
    Resource,
    instance_id,
    instant,
    make_instance,
    read_time,
    slots,
    write_time,
)

Moment = date | datetime
JANUARY = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass
class Office:
    """All calendars by their owner's address. `now` stamps what is done; set it before doing it."""

    now: datetime = JANUARY
    calendars: dict[str, FakeCalendar] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # accounts that were deleted or suspended
    _made: int = 0

    def hire(self, address: str, timezone: str = "Europe/Madrid") -> FakeCalendar:
        """Give somebody a calendar."""
        self.calendars[address] = FakeCalendar(address, timezone)
        return self.calendars[address]

    def owner_of(self, address: str) -> str | None:
        """Return the account that an address belongs to, None where nobody has it."""
        owner = self.aliases.get(address, address)
        return owner if owner in self.calendars and owner not in self.gone else None

    # Deeds of the organiser

    def meet(self, organiser: str, guests: tuple[str, ...], start: Moment, **about: Any) -> str:
        """Make a meeting of 45 minutes, or a day; return its id. `about` overrides the resource's fields.

        `zone` is the meeting's own, `until` its end.
        """
        self._made += 1
        event_id = about.pop("id", f"ev{self._made:05}")
        zone = about.pop("zone", "Europe/Madrid")
        length = timedelta(minutes=45) if isinstance(start, datetime) else timedelta(days=1)
        event = {
            "kind": "calendar#event",
            "id": event_id,
            "status": "confirmed",
            "iCalUID": f"{event_id}@google.com",
            "summary": "#mentoring",
            "description": "What we talked about is nobody's business",
            "location": "The quiet room",
            "creator": {"email": organiser},
            "organizer": {"email": organiser, "displayName": "Somebody"},
            "eventType": "default",
            "sequence": 0,
            "start": write_time(start, zone),
            "end": write_time(about.pop("until", start + length), zone),
            "attendees": _attendees(organiser, guests),
            "created": stamp(self.now),
            **about,
        }  # fmt: skip
        self.hand_out(event)
        return str(event_id)

    def hand_out(self, event: Resource) -> None:
        """Put a new event on the calendars of all who are on it."""
        people = {event["organizer"]["email"], *(a["email"] for a in event.get("attendees", []))}
        for owner in {self.aliases.get(p, p) for p in people} & self.calendars.keys():
            self._write(owner, copy.deepcopy(event))

    def repeat(self, organiser: str, guests: tuple[str, ...], start: Moment, rule: str, **about: Any) -> str:
        """Make a series; return its id."""
        return self.meet(organiser, guests, start, recurrence=[f"RRULE:{rule}"], **about)

    def change(self, event_id: str, **about: Any) -> None:
        """Change fields of an event, or of an instance, on every copy that stands."""
        for owner, event in self._copies(event_id):
            self._write(owner, {**event, **copy.deepcopy(about)})

    def move(self, event_id: str, start: Moment) -> None:
        """Move a meeting, an instance or a whole series; the length stays.

        Exceptions of a series that moves are forgotten.
        """
        for owner, event in self._copies(event_id):
            zone = event["start"].get("timeZone", "Europe/Madrid")
            length = instant(read_time(event["end"])) - instant(read_time(event["start"]))
            if "recurrence" in event:
                self._forget_exceptions(owner, event_id)
            times = {"start": write_time(start, zone), "end": write_time(start + length, zone)}
            self._write(owner, {**event, **times, "sequence": event.get("sequence", 0) + 1})

    def move_instance(self, series_id: str, slot: Moment, start: Moment) -> str:
        """Move one instance; return its id."""
        self._make_exceptions(series_id, slot)
        self.move(instance_id(series_id, slot), start)
        return instance_id(series_id, slot)

    def change_instance(self, series_id: str, slot: Moment, **about: Any) -> str:
        """Change fields of one instance; return its id."""
        self._make_exceptions(series_id, slot)
        self.change(instance_id(series_id, slot), **about)
        return instance_id(series_id, slot)

    def cancel_instance(self, series_id: str, slot: Moment) -> str:
        """Call one instance off: three ids are left of it on every calendar."""
        self._make_exceptions(series_id, slot)
        for owner, event in list(self._copies(instance_id(series_id, slot))):
            self.calendars[owner].bury(event["id"])
        return instance_id(series_id, slot)

    def cancel(self, event_id: str) -> None:
        """Delete a meeting or a series, as its organiser."""
        for owner, event in list(self._copies(event_id)):
            self._forget_exceptions(owner, event_id)
            if event["organizer"]["email"] == owner:
                self._write(owner, {**event, "status": "cancelled"})
            else:
                self.calendars[owner].bury(event_id)

    def split(self, series_id: str, slot: Moment, start: Moment | None = None) -> str:
        """Change "this and following": the series ends before `slot`, a new one begins at `start`."""
        new_id = f"{series_id}_R{_plain(slot)}"
        for owner, series in list(self._copies(series_id)):
            zone = series["start"].get("timeZone", "Europe/Madrid")
            length = instant(read_time(series["end"])) - instant(read_time(series["start"]))
            rest = [s for s in slots(series) if instant(s) >= instant(slot)]
            before = len(slots(series)) - len(rest)
            for name in [instance_id(series_id, s) for s in rest]:
                self._drop(owner, name)
            rule = re.sub(r";(COUNT|UNTIL)=[^;]*", "", series["recurrence"][0])
            self._write(owner, {**series, "recurrence": [f"{rule};COUNT={before}"]})
            first = start or slot
            self._write(owner, {
                **copy.deepcopy(series),
                "id": new_id,
                "iCalUID": f"{new_id}@google.com",
                "recurrence": [f"{rule};COUNT={len(rest)}"],
                "start": write_time(first, zone),
                "end": write_time(first + length, zone),
                "created": series["created"],
            })  # fmt: skip
        return new_id

    # Deeds of a guest

    def answer(self, guest: str, event_id: str, response: str) -> None:
        """Answer an invitation: every copy shows it."""
        for owner, event in self._copies(event_id):
            people = [
                {**a, "responseStatus": response} if a["email"] == guest else a for a in event["attendees"]
            ]
            self._write(owner, {**event, "attendees": people})

    def throw_away(self, guest: str, event_id: str) -> None:
        """Delete a guest's own copy: it keeps its details, and nobody else is told."""
        event = self.calendars[guest].items[event_id]
        self._write(guest, {**event, "status": "cancelled"})

    # How copies are written

    def _write(self, owner: str, event: Resource) -> None:
        calendar = self.calendars[owner]
        for person in (event.get("organizer", {}), *event.get("attendees", [])):
            person.pop("self", None)
            if self.aliases.get(person.get("email", ""), person.get("email")) == owner:
                person["self"] = True
        event["updated"] = stamp(self.now)
        event["etag"] = f'"{calendar.revision + 1}"'
        calendar.put(event)

    def _copies(self, event_id: str) -> Iterator[tuple[str, Resource]]:
        for owner, calendar in self.calendars.items():
            event = calendar.items.get(event_id)
            if event and event["status"] != "cancelled":
                yield owner, copy.deepcopy(event)

    def _make_exceptions(self, series_id: str, slot: Moment) -> None:
        for owner, series in self._copies(series_id):
            name = instance_id(series_id, slot)
            if name not in self.calendars[owner].items:
                self.calendars[owner].items[name] = make_instance(series, slot)
                self.calendars[owner].revisions[name] = 0

    def _forget_exceptions(self, owner: str, series_id: str) -> None:
        calendar = self.calendars[owner]
        for name in [n for n, r in calendar.items.items() if r.get("recurringEventId") == series_id]:
            self._drop(owner, name)

    def _drop(self, owner: str, name: str) -> None:
        if name in self.calendars[owner].items:
            del self.calendars[owner].items[name]
            del self.calendars[owner].revisions[name]


def account_number(address: str) -> str:
    """Return the number by which Google names an account to programs."""
    return str(10**20 + int.from_bytes(hashlib.sha256(address.encode()).digest()[:8]))


def stamp(at: datetime) -> str:
    """Return an instant as Google writes its stamps."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _attendees(organiser: str, guests: tuple[str, ...]) -> list[Resource]:
    answers = {organiser: "accepted", **dict.fromkeys(guests, "needsAction")}
    return [{"email": a, "displayName": "Somebody", "responseStatus": r} for a, r in answers.items()]


def _plain(slot: Moment) -> str:
    return f"{slot.astimezone(UTC):%Y%m%dT%H%M%S}" if isinstance(slot, datetime) else f"{slot:%Y%m%d}"
