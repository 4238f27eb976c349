"""One Outlook calendar to be written to: Cadencia's own sessions, and when people are free.

Never touches an entry that it was not told of, never keeps or logs a title, and never writes the same session
twice: each carries its reference, by which a later try finds what an earlier one wrote.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, urlencode

from integrations.outlook.client import Line
from integrations.outlook.errors import CHANGED, NO_EVENT, SERVER_FAULT, Duplicate, as_no_right
from integrations.outlook.listing import Listing
from integrations.outlook.mapping import Unreadable, find_zone, instant_from
from integrations.outlook.payload import REFERENCE_ID, Written, read_written, read_written_list
from integrations.outlook.schedule import (
    MOST_PEOPLE,
    SLOT,
    busy_times,
    read_schedules,
    stretches,
)
from integrations.windows import WINDOWS_ZONES
from tracker.errors import BadPayload, ConnectorError
from tracker.events import Window
from tracker.freeslots import merge_windows
from tracker.ports import Entry, Meeting
from tracker.tags import normal_address

CATEGORY = "Mentoring"
TRIES = 3
_FIELDS = "id,start,end,isCancelled,originalStartTimeZone"
_TRANSACTIONS = uuid.UUID("5d3c1f0e-7a39-5d0b-9a57-3f0c6f1f4c1b")


@dataclass(frozen=True, slots=True)
class OutlookDiary:
    """The calendar of the line's mailbox. An entry's `version` is that of its times: what guests answer is
    no change, though Exchange gives the entry another change key for it.
    """

    line: Line

    def free_busy(self, people: Sequence[str], window: Window) -> Mapping[str, tuple[Window, ...] | None]:
        """Return when these addresses are busy, sorted, no overlaps; None for whom nobody can tell.

        Tentative and unknown times are busy, working elsewhere is free. Raises ConnectorError.
        """
        found: dict[str, tuple[Window, ...] | None] = {}
        everybody = sorted({normal_address(person) for person in people})
        for start in range(0, len(everybody), MOST_PEOPLE):
            found |= self._busy(everybody[start : start + MOST_PEOPLE], window)
        return {person: found[normal_address(person)] for person in people}

    def create(self, meeting: Meeting) -> Entry:
        """Write the meeting, or return the entry that an earlier try with its reference wrote."""
        try:
            if found := self._find(meeting.reference):
                return found
            # Should we die from here on, the next try finds the entry, or Exchange the transaction.
            return _entry(read_written(self.line.post(self.line.address("events"), self._body(meeting))))
        except Duplicate:
            pass
        except ConnectorError as error:
            raise as_no_right(error) from None
        if found := self._find(meeting.reference):
            return found
        raise ConnectorError(SERVER_FAULT, code="server_error")

    def look(self, provider_event_id: str) -> Entry | None:
        """Return the entry as it is now, None where there is none, or it lies in no calendar any more."""
        entry = self._read(provider_event_id)
        if entry is None or entry[0].is_cancelled:
            return entry[0] if entry else None
        found = entry[0]
        # What was deleted can still be found by its id for a while.
        shown = Listing(self.line).shows(found.provider_event_id, found.starts_at, found.ends_at)
        return found if shown else None

    def move(self, entry: Entry, starts_at: datetime, ends_at: datetime) -> Entry:
        """Give the entry its new time, if nobody else gave it another since; Exchange tells all invited."""
        try:
            return self._move(entry, starts_at, ends_at)
        except ConnectorError as error:
            raise as_no_right(error) from None

    def cancel(self, entry: Entry) -> None:
        """Call the meeting off, if it still stands where it stood; Exchange tells all invited."""
        try:
            known = self._read(entry.provider_event_id)
            if known is None or known[0].is_cancelled:
                return
            if known[0].version != entry.version:
                raise ConnectorError(CHANGED, code="changed")
            self.line.post(self._address(entry.provider_event_id, "/cancel"), {})
        except ConnectorError as error:
            if error.code != "not_found":
                raise as_no_right(error) from None

    def _move(self, entry: Entry, starts_at: datetime, ends_at: datetime) -> Entry:
        for attempt in range(1, TRIES + 1):
            known = self._read(entry.provider_event_id)
            if known is None:
                raise ConnectorError(NO_EVENT, code="not_found")
            now, written = known
            if (now.starts_at, now.ends_at) == (starts_at, ends_at) and not now.is_cancelled:
                return now  # an earlier try of ours
            if now.version != entry.version:
                break
            zone = written.original_start_time_zone
            times = {"start": _time(starts_at, zone), "end": _time(ends_at, zone)}
            try:
                address = self._address(entry.provider_event_id)
                return _entry(read_written(self.line.patch(address, times, written.etag)))
            except ConnectorError as error:
                # Somebody answered between our look and our deed: that is for another look.
                if error.code != "changed" or attempt == TRIES:
                    raise
        raise ConnectorError(CHANGED, code="changed")

    def _busy(self, people: list[str], window: Window) -> dict[str, tuple[Window, ...] | None]:
        found: dict[str, list[Window] | None] = {person: [] for person in people}
        for stretch in stretches(window):
            asked = {
                "schedules": people,
                "startTime": _time(stretch.start, None),
                "endTime": _time(max(stretch.end, stretch.start + SLOT), None),
                "availabilityViewInterval": int(SLOT.total_seconds()) // 60,
            }
            told = read_schedules(self.line.post(self.line.address("calendar/getSchedule"), asked))
            for person in people:
                times = busy_times(told[person], stretch) if person in told else None
                known = found[person]
                found[person] = None if times is None or known is None else known + times
        return {
            person: None if times is None else merge_windows(times, within=window)
            for person, times in found.items()
        }

    def _find(self, reference: str) -> Entry | None:
        wanted = f"ep/id eq '{REFERENCE_ID}' and ep/value eq '{reference}'"
        query = {"$filter": f"singleValueExtendedProperties/Any(ep: {wanted})", "$select": _FIELDS}
        told = self.line.get(self.line.address(f"events?{urlencode(query, quote_via=quote)}"))
        standing = [_entry(written) for written in read_written_list(told) if not written.is_cancelled]
        return standing[0] if standing else None

    def _read(self, event_id: str) -> tuple[Entry, Written] | None:
        try:
            written = read_written(self.line.get(f"{self._address(event_id)}?$select={_FIELDS}"))
        except ConnectorError as error:
            if error.code != "not_found":
                raise
            return None
        return _entry(written), written

    def _address(self, event_id: str, deed: str = "") -> str:
        return self.line.address(f"events/{quote(event_id, safe='')}{deed}")

    def _body(self, meeting: Meeting) -> dict[str, object]:
        body: dict[str, object] = {
            "subject": meeting.title,
            "body": {"contentType": "text", "content": meeting.notes},
            "start": _time(meeting.starts_at, meeting.timezone),
            "end": _time(meeting.ends_at, meeting.timezone),
            "attendees": [
                {"type": "required", "emailAddress": {"address": guest.email, "name": guest.name}}
                for guest in meeting.invitees
                if normal_address(guest.email) != self.line.mailbox
            ],
            "categories": [CATEGORY],
            "transactionId": str(uuid.uuid5(_TRANSACTIONS, meeting.reference)),
            "singleValueExtendedProperties": [{"id": REFERENCE_ID, "value": meeting.reference}],
        }
        if meeting.online:
            body |= {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
        return body


def _entry(written: Written) -> Entry:
    try:
        starts_at, ends_at = instant_from(written.start), instant_from(written.end)
    except (Unreadable, OverflowError):
        raise BadPayload("Microsoft 365 sent an entry without a time.") from None
    told = f"{starts_at.isoformat()}/{ends_at.isoformat()}/{written.is_cancelled}"
    version = sha256(told.encode()).hexdigest()[:32]
    return Entry(written.id, version, starts_at, ends_at, written.is_cancelled)


def _time(at: datetime, zone_name: str | None) -> dict[str, str]:
    """Return an instant as Graph wants it: in that zone, as Exchange calls it, where it knows one like it."""
    name = zone_name if zone_name in WINDOWS_ZONES else windows_name(zone_name, at.year)
    zone = find_zone(name)
    local = at.astimezone(zone or UTC).replace(tzinfo=None)
    return {"dateTime": local.isoformat(), "timeZone": name if name and zone else "UTC"}


@lru_cache(maxsize=1024)
def windows_name(zone_name: str | None, year: int) -> str | None:
    """Return a Windows zone whose clocks show the same all year, None where there is none.

    It stands in invitations, so that nobody reads a time of another zone than the meeting's.
    """
    zone = find_zone(zone_name)
    if zone is None:
        return None
    same = [
        name
        for name in sorted(WINDOWS_ZONES)
        if _offsets(WINDOWS_ZONES[name], year) == _offsets(zone.key, year)
    ]
    exact = [name for name in same if WINDOWS_ZONES[name] == zone.key]
    return next(iter(exact or same), None)


@lru_cache(maxsize=1024)
def _offsets(zone_name: str, year: int) -> tuple[timedelta | None, ...]:
    first, zone = datetime(year, 1, 1, tzinfo=UTC), find_zone(zone_name)
    return (
        tuple((first + timedelta(days=day)).astimezone(zone).utcoffset() for day in range(366))
        if zone
        else ()
    )
