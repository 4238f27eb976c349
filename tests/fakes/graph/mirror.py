"""The office's calendars as Outlook would show them: the same deeds, in mailboxes.

An organiser's deleted meeting leaves nothing, a guest's copy of it stays and says that it was cancelled. A
series that is split becomes two that share nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from tests.fakes.google.calendar import (
    FakeCalendar,
    Resource,
    instance_id,
    instant,
    make_instance,
    read_time,
    slots,
)
from tests.fakes.google.office import Office
from tests.fakes.graph.mailbox import Mailbox, write_time
from tests.fakes.graph.shapes import Attendee, EmailAddress, Event, Recipient, ResponseStatus

WINDOWS = {"Europe/Madrid": "Romance Standard Time", "America/New_York": "Eastern Standard Time"}
ANSWERS: dict[str, Any] = {
    "accepted": "accepted",
    "declined": "declined",
    "tentative": "tentativelyAccepted",
    "needsAction": "notResponded",
}


def mirror_office(office: Office, mailboxes: dict[str, Mailbox]) -> None:
    """Bring every mailbox up to what its owner's calendar holds."""
    for owner, mailbox in mailboxes.items():
        calendar = office.calendars[owner]
        for item in list(calendar.items.values()):
            if "recurringEventId" not in item:
                _mirror_entry(mailbox, calendar, item)


def graph_id(name: str) -> str:
    """Return the immutable id of an entry: with capitals and small letters, "-" and "_"."""
    return "AAkA" + base64.urlsafe_b64encode(hashlib.sha512(name.encode()).digest()[:36]).decode() + "AA="


def exchange_uid(uid: str, slot: datetime | None = None) -> str:
    """Return an iCalUId as Exchange makes them: of an occurrence, the date is in it."""
    date = f"{slot.year:04X}{slot.month:02X}{slot.day:02X}" if slot else "00000000"
    rest = hashlib.sha256(uid.encode()).hexdigest()[:32].upper()
    return f"040000008200E00074C5B7101A82E008{date}{rest}"


def _mirror_entry(mailbox: Mailbox, calendar: FakeCalendar, item: Resource) -> None:
    name = graph_id(item["id"])
    kept = mailbox.items.get(name)
    if item["status"] == "cancelled":
        if kept is None or kept.folder is not None:
            return
        if "start" in item or kept.event.is_organizer:
            mailbox.delete(name)
        elif not kept.event.is_cancelled:
            off = [msgspec.structs.replace(i, is_cancelled=True) for i in kept.instances.values()]
            mailbox.put(msgspec.structs.replace(kept.event, is_cancelled=True), off)
        return
    event = _event(calendar.owner, item)
    instances = []
    if "recurrence" in item:
        instances = list(_instances(calendar, item))
        gone = [f"OID.{name}.{day}" for day in _days_off(calendar, item)]
        event = msgspec.structs.replace(event, type="seriesMaster", cancelled_occurrences=gone)
    if kept is None or not _is_same(kept.event, event) or list(kept.instances.values()) != instances:
        mailbox.put(event, instances)


def _is_same(kept: Event, event: Event) -> bool:
    return msgspec.structs.replace(event, change_key=kept.change_key) == kept


def _instances(calendar: FakeCalendar, series: Resource) -> Iterator[Event]:
    for slot in slots(series):
        name = instance_id(series["id"], slot)
        item = calendar.items.get(name) or make_instance(series, slot)
        if item["status"] == "cancelled":
            if series["organizer"]["email"] == calendar.owner:
                continue
            item = {**make_instance(series, slot), "status": "cancelled", "updated": item.get("updated", "")}
        is_exception = name in calendar.items
        yield msgspec.structs.replace(
            _event(calendar.owner, {**item, "updated": item.get("updated") or series["updated"]}),
            type="exception" if is_exception else "occurrence",
            series_master_id=graph_id(series["id"]),
            original_start=instant(slot).strftime("%Y-%m-%dT%H:%M:%SZ") if is_exception else None,
            ical_uid=exchange_uid(series["iCalUID"], instant(slot)),
        )


def _days_off(calendar: FakeCalendar, series: Resource) -> Iterator[str]:
    if series["organizer"]["email"] != calendar.owner:
        return
    for slot in slots(series):
        item = calendar.items.get(instance_id(series["id"], slot))
        if item and item["status"] == "cancelled":
            yield f"{slot:%Y-%m-%d}"


def _event(owner: str, item: Resource) -> Event:
    zone = item["start"].get("timeZone", "Europe/Madrid")
    is_mine = item["organizer"]["email"] == owner
    answers = {a["email"]: ANSWERS[a["responseStatus"]] for a in item["attendees"]}
    guests = [a for a in answers if a != item["organizer"]["email"]]
    return Event(
        id=graph_id(item["id"]),
        ical_uid=exchange_uid(item["iCalUID"]),
        subject=item["summary"],
        start=write_time(instant(read_time(item["start"]))),
        end=write_time(instant(read_time(item["end"]))),
        is_all_day="date" in item["start"],
        is_cancelled=item["status"] == "cancelled",
        is_organizer=is_mine,
        organizer=Recipient(email_address=EmailAddress(address=item["organizer"]["email"])),
        # Only the organiser's copy tells what the others answered.
        attendees=[
            Attendee(
                email_address=EmailAddress(address=guest),
                status=ResponseStatus(response=answers[guest] if is_mine else "none"),
            )
            for guest in guests
        ],
        response_status=ResponseStatus(response="organizer" if is_mine else answers.get(owner, "none")),
        original_start_time_zone=WINDOWS.get(zone, zone),
        original_end_time_zone=WINDOWS.get(zone, zone),
        created_date_time=item["created"],
        last_modified_date_time=item["updated"],
    )
