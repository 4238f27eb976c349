"""Who was in a Meet room, as far as Google's records name people whom we can tell apart.

A record names accounts by a number and never by an address. The number of an account is told to nobody but
whoever acts for it, so each person is asked for their own; nobody's name is looked at, and no directory.
Where somebody in the room stays unknown, and somebody who is looked for was not found, nothing is claimed:
the stranger may be the one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from integrations.google.client import GoogleApi, Line, MeetApi
from integrations.google.payload import read_as
from tracker.errors import BadPayload, ConnectorError
from tracker.events import Conference, Window
from tracker.ports import Stay
from tracker.tags import normal_address

LONGEST_CALL = timedelta(hours=24)  # Google ends every call by then
MOST_PAGES = 100
# People's names are never asked for, so they never leave Google.
_RECORDS = "nextPageToken,conferenceRecords(name,startTime,endTime)"
_PARTICIPANTS = "nextPageToken,participants(name,signedinUser/user)"
_SESSIONS = "nextPageToken,participantSessions(startTime,endTime)"
# For these somebody's number is not to be had; anything else is trouble that passes.
_NOT_TOLD = frozenset({"no_account", "not_delegated", "no_scope", "no_right", "reconnect"})


class _Struct(msgspec.Struct, frozen=True, rename="camel"):
    """Names as the API writes them."""


class _Record(_Struct, frozen=True):
    name: str
    start_time: datetime
    end_time: datetime | None = None


class _SignedIn(_Struct, frozen=True):
    user: str = ""


class _Participant(_Struct, frozen=True):
    name: str
    signedin_user: _SignedIn | None = None


class _Session(_Struct, frozen=True):
    start_time: datetime
    end_time: datetime | None = None


class _Page(_Struct, frozen=True):
    conference_records: tuple[_Record, ...] = ()
    participants: tuple[_Participant, ...] = ()
    participant_sessions: tuple[_Session, ...] = ()
    next_page_token: str = ""


class _Account(msgspec.Struct, frozen=True):
    id: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class GoogleRecorder:
    """Meeting records as `line` may read them.

    `identity_of` gives the line that acts for a person, None where nobody may: that person stays unknown.
    """

    api: GoogleApi
    meet: MeetApi
    line: Line
    identity_of: Callable[[str], Line | None]

    def stays(
        self, conference: Conference, window: Window, people: frozenset[str]
    ) -> tuple[Stay, ...] | None:
        """Return who of `people` was in the room in `window`; None where that can not be told for sure."""
        if conference.kind != "meet":
            return None
        records = [r for r in self._records(conference.key, window) if _meets(r, window)]
        if not records or any(record.end_time is None for record in records):
            return None
        seen = _Seen(self._numbers(people))
        for record in records:
            for participant in self._participants(record):
                seen.note(participant, self._sessions(participant), window)
        return seen.told(people)

    def _records(self, code: str, window: Window) -> Iterator[_Record]:
        asked = " AND ".join((
            f'space.meeting_code = "{code}"',
            f'start_time >= "{_text(window.start - LONGEST_CALL)}"',
            f'start_time < "{_text(window.end)}"',
        ))  # fmt: skip
        for page in self._pages(self.meet.records.list, filter=asked, fields=_RECORDS, pageSize=100):
            yield from page.conference_records

    def _participants(self, record: _Record) -> Iterator[_Participant]:
        resource = self.meet.records.participants()
        for page in self._pages(resource.list, parent=record.name, fields=_PARTICIPANTS, pageSize=250):
            yield from page.participants

    def _sessions(self, participant: _Participant) -> Iterator[_Session]:
        resource = self.meet.records.participants().participantSessions()
        for page in self._pages(resource.list, parent=participant.name, fields=_SESSIONS, pageSize=250):
            yield from page.participant_sessions

    def _pages(self, method: Any, **question: Any) -> Iterator[_Page]:
        token = None
        for _ in range(MOST_PAGES):
            page = read_as(self.line.fetch(method(pageToken=token, **question)), _Page)
            yield page
            token = page.next_page_token
            if not token:
                return
        raise BadPayload("Google's list of a meeting does not come to an end.", code="too_large")

    def _numbers(self, people: frozenset[str]) -> dict[str, str]:
        """Return the numbers of the accounts of those who could be asked, by their addresses."""
        numbers = {}
        for person in sorted(people):
            line = self.identity_of(normal_address(person))
            number = self._ask_number(line) if line else None
            if number:
                numbers[person] = number
        return numbers

    def _ask_number(self, line: Line) -> str | None:
        try:
            return read_as(line.fetch(self.api.userinfo.get(fields="id")), _Account).id
        except ConnectorError as error:
            if error.code not in _NOT_TOLD:
                raise
        return None


@dataclass(slots=True)
class _Seen:
    """Whom the records show. `numbers` are the accounts' by address; aliases share one."""

    numbers: dict[str, str]
    stays: dict[str, list[Stay]] = field(default_factory=dict)  # by number
    has_strangers: bool = False

    def note(self, participant: _Participant, sessions: Iterator[_Session], window: Window) -> None:
        """Take in one participant, who may come and go."""
        user = participant.signedin_user.user if participant.signedin_user else ""
        number = user.removeprefix("users/")
        emails = sorted(email for email, known in self.numbers.items() if known == number)
        if not emails:
            self.has_strangers = True
            return
        found = self.stays.setdefault(number, [])
        for session in sessions:
            start, end = session.start_time, session.end_time
            if end is not None and start < window.end and end > window.start:
                found.append(Stay(emails[0], start.astimezone(UTC), end.astimezone(UTC)))

    def told(self, people: frozenset[str]) -> tuple[Stay, ...] | None:
        """Return the stays, sorted; None if somebody who was not found may be one of the strangers."""
        found = {number for number, stays in self.stays.items() if stays}
        missing = [person for person in people if self.numbers.get(person) not in found]
        if self.has_strangers and missing:
            return None
        every = [stay for stays in self.stays.values() for stay in stays]
        return tuple(sorted(every, key=lambda stay: (stay.joined_at, stay.email, stay.left_at)))


def _meets(record: _Record, window: Window) -> bool:
    return record.start_time < window.end and (record.end_time is None or record.end_time > window.start)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
