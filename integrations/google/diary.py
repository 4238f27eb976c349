"""Free time, and writing sessions into one account's own calendar.

Writes no entry but sessions of ours, and none over somebody's change: each write names the version that it
replaces, and one that already went through is found instead of made again. Reads no titles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any

import msgspec

from integrations.google.client import GoogleApi, Line
from integrations.google.errors import CHANGED, NO_CALENDAR
from integrations.google.mapping import REFERENCE
from integrations.google.payload import Time, read_as
from tracker.errors import BadPayload, ConnectorError
from tracker.events import Window
from tracker.freeslots import merge_windows
from tracker.ports import Entry, Invitee, Meeting
from tracker.tags import normal_address

MOST_CALENDARS = 50  # in one question
PRIMARY = "primary"
_FIELDS = "id,etag,status,start,end,originalStartTime"
_TELL_ALL = "all"


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    etag: str
    status: str = "confirmed"
    start: Time | None = None
    end: Time | None = None
    original_start_time: Time | None = None


class _Span(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime


class _Busy(msgspec.Struct, frozen=True):
    busy: tuple[_Span, ...] = ()
    errors: tuple[msgspec.Raw, ...] = ()


class _Answer(msgspec.Struct, frozen=True):
    calendars: dict[str, _Busy]


@dataclass(frozen=True, slots=True)
class GoogleDiary:
    """The primary calendar of `account`: `line` may write to it, `busy_line` may ask who is busy."""

    api: GoogleApi
    account: str
    line: Line
    busy_line: Line

    def free_busy(self, people: Sequence[str], window: Window) -> Mapping[str, tuple[Window, ...] | None]:
        """Return when these addresses are busy inside the window; None for whom Google does not tell."""
        found: dict[str, _Busy] = {}
        asked = sorted({normal_address(person) for person in people})
        for at in range(0, len(asked), MOST_CALENDARS):
            found |= self._ask_busy(asked[at : at + MOST_CALENDARS], window)
        return {person: _spans(found.get(normal_address(person)), window) for person in people}

    def create(self, meeting: Meeting) -> Entry:
        """Write the meeting under an id that follows from its reference, so that a second try finds it."""
        online = {"conferenceDataVersion": 1} if meeting.online else {}
        request = self.api.events.insert(
            calendarId=PRIMARY, body=self._body(meeting), sendUpdates=_TELL_ALL, fields=_FIELDS, **online
        )
        try:
            # If the process dies here, or the answer gets lost, the next try is told that the id is taken.
            return _entry(read_as(self.line.fetch(request), _Event))
        except ConnectorError as error:
            if error.code != "taken":
                raise
        entry = self.look(event_id_of(meeting.reference))
        if entry is None:
            raise ConnectorError(NO_CALENDAR, code="not_found")
        return entry

    def look(self, provider_event_id: str) -> Entry | None:
        """Return the entry, or instance of a series, as it is now; a cancelled one says so."""
        request = self.api.events.get(calendarId=PRIMARY, eventId=provider_event_id, fields=_FIELDS)
        try:
            event = read_as(self.line.fetch(request), _Event)
        except ConnectorError as error:
            if error.code != "not_found":
                raise
            return None
        # Of a cancelled entry there may be nothing left but its id.
        is_husk = event.status == "cancelled" and event.start is None and event.original_start_time is None
        return None if is_husk else _entry(event)

    def move(self, entry: Entry, starts_at: datetime, ends_at: datetime) -> Entry:
        """Give the entry its new time; one that has it already, and stands, was moved by an earlier try."""
        times = {"start": _when(starts_at), "end": _when(ends_at)}
        request = self.api.events.patch(
            calendarId=PRIMARY,
            eventId=entry.provider_event_id,
            body=times,
            sendUpdates=_TELL_ALL,
            fields=_FIELDS,
        )
        request.headers["If-Match"] = entry.version
        try:
            # If the process dies here, the next try no longer matches, and finds the new times below.
            return _entry(read_as(self.line.fetch(request), _Event))
        except ConnectorError as error:
            if error.code != "changed":
                raise
        found = self.look(entry.provider_event_id)
        if found is None or found.is_cancelled or (found.starts_at, found.ends_at) != (starts_at, ends_at):
            raise ConnectorError(CHANGED, code="changed")
        return found

    def cancel(self, entry: Entry) -> None:
        """Call the meeting off for all who are invited; one that is gone already is no error."""
        request = self.api.events.delete(
            calendarId=PRIMARY, eventId=entry.provider_event_id, sendUpdates=_TELL_ALL
        )
        request.headers["If-Match"] = entry.version
        try:
            # If the process dies here, the next try is told that the entry is gone.
            self.line.fetch(request)
        except ConnectorError as error:
            if error.code == "not_found":
                return
            if error.code != "changed":
                raise
        else:
            return
        found = self.look(entry.provider_event_id)
        if found is not None and not found.is_cancelled:
            raise ConnectorError(CHANGED, code="changed")

    def _ask_busy(self, people: list[str], window: Window) -> dict[str, _Busy]:
        question = {
            "timeMin": window.start.isoformat(),
            "timeMax": window.end.isoformat(),
            "calendarExpansionMax": MOST_CALENDARS,
            "items": [{"id": person} for person in people],
        }
        return read_as(self.busy_line.fetch(self.api.freebusy.query(body=question)), _Answer).calendars

    def _body(self, meeting: Meeting) -> dict[str, Any]:
        room = {
            # Google makes one room for a request id, however often it is sent.
            "requestId": event_id_of(meeting.reference),
            "conferenceSolutionKey": {"type": "hangoutsMeet"},
        }
        return {
            "id": event_id_of(meeting.reference),
            "summary": meeting.title,
            "description": meeting.notes,
            "start": {**_when(meeting.starts_at), "timeZone": meeting.timezone},
            "end": {**_when(meeting.ends_at), "timeZone": meeting.timezone},
            "attendees": [self._attendee(invitee) for invitee in meeting.invitees],
            "extendedProperties": {"shared": {REFERENCE: meeting.reference}},
            **({"conferenceData": {"createRequest": room}} if meeting.online else {}),
        }

    def _attendee(self, invitee: Invitee) -> dict[str, str]:
        is_host = normal_address(invitee.email) == self.account
        answered = {"responseStatus": "accepted"} if is_host else {}
        return {"email": invitee.email, "displayName": invitee.name, **answered}


def event_id_of(reference: str) -> str:
    """Return the id of the entry with that reference: of the letters that Google allows (base32hex)."""
    return sha256(reference.encode()).hexdigest()


def _when(at: datetime) -> dict[str, str | None]:
    # A day that somebody made of it gives way to the time.
    return {"dateTime": at.astimezone(UTC).isoformat(), "date": None}


def _entry(event: _Event) -> Entry:
    # A cancelled instance may have no times but its slot's.
    start = _instant(event.start or event.original_start_time)
    end = _instant(event.end) or start
    if start is None or end is None:
        raise BadPayload("What answered in Google's place did not send an event.")
    return Entry(event.id, event.etag, start, end, event.status == "cancelled")


def _instant(told: Time | None) -> datetime | None:
    if told is None or told.date_time is None:
        # No meeting of ours is a day; one that somebody made a day begins, for us, at its midnight in UTC.
        return _midnight(told.day) if told and told.day else None
    return told.date_time.astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _spans(found: _Busy | None, window: Window) -> tuple[Window, ...] | None:
    if found is None or found.errors:
        return None
    spans = (Window(span.start.astimezone(UTC), span.end.astimezone(UTC)) for span in found.busy)
    return merge_windows(spans, within=window)
