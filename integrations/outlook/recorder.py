"""Who was in a Teams meeting, by the attendance reports of whoever called it.

The meeting is found through the organiser's own calendar entry, whose link is used and not kept. People who
were not asked for are never returned, and no name is read. Only the worldwide cloud has these reports.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode

import msgspec

from integrations.conference import find_conference
from integrations.outlook.client import Line
from integrations.outlook.errors import as_no_right
from integrations.outlook.listing import Listing
from integrations.outlook.mapping import is_mine, join_url
from integrations.outlook.payload import Instant, decode
from tracker.errors import BadPayload, ConnectorError
from tracker.events import Conference, Window
from tracker.ports import Stay
from tracker.tags import normal_address

MOST_PAGES = 50
_ORGANISER = re.compile(r'"Oid"\s*:\s*"([0-9a-fA-F-]{36})"')


class _Meeting(msgspec.Struct, frozen=True):
    id: str


class _Report(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    meeting_start_date_time: Instant
    meeting_end_date_time: Instant

    def touches(self, window: Window) -> bool:
        """Tell whether the session that it reports lies, at least in part, in the window."""
        return self.meeting_start_date_time < window.end and self.meeting_end_date_time > window.start


class _Interval(msgspec.Struct, frozen=True, rename="camel"):
    join_date_time: Instant
    leave_date_time: Instant


class _Record(msgspec.Struct, frozen=True, rename="camel"):
    email_address: str | None = None
    attendance_intervals: tuple[_Interval, ...] | None = None


class _Attendance(msgspec.Struct, frozen=True, rename="camel"):
    attendance_records: tuple[_Record, ...] = ()


class _Meetings(msgspec.Struct, frozen=True):
    value: tuple[_Meeting, ...]


class _Reports(msgspec.Struct, frozen=True):
    value: tuple[_Report, ...]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


_MEETINGS = msgspec.json.Decoder(_Meetings)
_REPORTS = msgspec.json.Decoder(_Reports)
_ATTENDANCES = msgspec.json.Decoder(_Attendance)


@dataclass(frozen=True, slots=True)
class TeamsRecorder:
    """The records of the meetings that the line's mailbox called."""

    line: Line

    def stays(
        self, conference: Conference, window: Window, people: frozenset[str]
    ) -> tuple[Stay, ...] | None:
        """Return the stays of those of `people` (addresses) who were there in `window`, sorted.

        None where nothing was recorded, where another called the meeting, and where somebody else was there
        while one of `people` was not found: guests and other accounts may be anybody, the missing one as
        well. Raises ConnectorError (`no_scope`, `no_right`, ...).
        """
        try:
            url = self._join_url(conference, window) if conference.kind == "teams" else None
            records = list(self._records(url, window)) if url else []
        except ConnectorError as error:
            raise as_no_right(error) from None
        if not records:
            return None
        wanted = frozenset(map(normal_address, people))
        found = sorted(_stays(records, window, wanted), key=lambda s: (s.joined_at, s.email))
        has_strangers = any(normal_address(record.email_address or "") not in wanted for record in records)
        return None if has_strangers and wanted - {stay.email for stay in found} else tuple(found)

    def _join_url(self, conference: Conference, window: Window) -> str | None:
        """Return the link of the owner's own entry of that meeting in the window."""
        for item in Listing(self.line).links(window):
            if (url := join_url(item)) and is_mine(item) and find_conference([url], []) == conference:
                return url
        return None

    def _records(self, url: str, window: Window) -> Iterator[_Record]:
        """Yield who was there; a series shares one meeting, each of its sessions has a report of its own."""
        owner = self._owner(url)
        wanted = urlencode(
            {"$filter": f"JoinWebUrl eq '{url.replace(chr(39), chr(39) * 2)}'"}, quote_via=quote
        )
        meetings = decode(_MEETINGS, self.line.get(f"/{owner}/onlineMeetings?{wanted}")).value
        for meeting in meetings[:1]:
            reports = f"/{owner}/onlineMeetings/{quote(meeting.id, safe='')}/attendanceReports"
            for report in self._reports(reports):
                if report.touches(window):
                    address = f"{reports}/{quote(report.id, safe='')}?$expand=attendanceRecords"
                    yield from decode(_ATTENDANCES, self.line.get(address)).attendance_records

    def _reports(self, address: str) -> Iterator[_Report]:
        for _ in range(MOST_PAGES):
            page = decode(_REPORTS, self.line.get(address))
            yield from page.value
            if page.next_link is None:
                return
            address = page.next_link
        raise BadPayload("Microsoft 365's list of reports does not come to an end.", code="too_large")

    def _owner(self, url: str) -> str:
        """Return whose meetings are asked for: an application names people by the directory's id."""
        told = _ORGANISER.search(unquote(url))
        return f"users/{told[1]}" if told and not self.line.is_own else self.line.owner


def _stays(records: list[_Record], window: Window, people: frozenset[str]) -> Iterator[Stay]:
    for record in records:
        email = normal_address(record.email_address or "")
        for stay in record.attendance_intervals or ():
            is_inside = stay.join_date_time < window.end and stay.leave_date_time > window.start
            if email in people and is_inside:
                yield Stay(email, stay.join_date_time, stay.leave_date_time)
