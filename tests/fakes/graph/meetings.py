"""Teams meetings and their attendance reports: one for each session that ended."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tests.fakes.graph.mailbox import Refused
from tests.fakes.graph.people import MEETINGS, REPORTS, Holder, object_id
from tests.fakes.graph.shapes import Json

if TYPE_CHECKING:
    from collections.abc import Mapping

Times = tuple[datetime, datetime]


@dataclass
class Meeting:
    """One link, called by `owner`."""

    owner: str
    join_url: str
    reports: dict[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return what Graph calls it."""
        return base64.b64encode(f"1*{object_id(self.owner)}*0**{self.join_url[:60]}".encode()).decode()


@dataclass
class Teams:
    """All meetings, by their links. `page_size` is how many reports come at a time."""

    meetings: dict[str, Meeting] = field(default_factory=dict)
    page_size: int = 2
    root: str = ""

    def hold(self, owner: str, join_url: str, times: Times, there: Mapping[str | None, list[Times]]) -> None:
        """Let a session of the meeting have taken place; `there`: who was there and when; guests as None."""
        meeting = self.meetings.setdefault(join_url, Meeting(owner, join_url))
        report = str(uuid.uuid4())
        meeting.reports[report] = {
            "id": report,
            "totalParticipantCount": len(there),
            "meetingStartDateTime": _text(times[0]),
            "meetingEndDateTime": _text(times[1]),
            "attendanceRecords": [_record(email, stays) for email, stays in there.items()],
        }

    def answer(self, holder: Holder, who: str, path: list[str], query: Mapping[str, str]) -> Json:
        """Answer below `onlineMeetings` of somebody, whom an application names by the directory's id."""
        holder.need(MEETINGS)
        mine = [m for m in self.meetings.values() if who == _name(holder, m.owner)]
        match path:
            case []:
                wanted = query.get("$filter", "")
                return {"value": [{"id": m.id} for m in mine if wanted == f"JoinWebUrl eq '{m.join_url}'"]}
            case [meeting_id, "attendanceReports"]:
                holder.need(REPORTS)
                return self._list(_one(mine, meeting_id), int(query.get("$skip", "0")), who)
            case [meeting_id, "attendanceReports", report] if query == {"$expand": "attendanceRecords"}:
                holder.need(REPORTS)
                return _one(mine, meeting_id).reports[report]
        raise Refused(404, "ResourceNotFound")

    def _list(self, meeting: Meeting, at: int, who: str) -> Json:
        found = [{**r, "attendanceRecords": []} for r in meeting.reports.values()]
        page: Json = {"value": found[at : at + self.page_size]}
        if at + self.page_size < len(found):
            owner = "me" if "@" in who else f"users/{who}"
            link = f"{self.root}/v1.0/{owner}/onlineMeetings/{meeting.id}/attendanceReports"
            page["@odata.nextLink"] = f"{link}?$skip={at + self.page_size}"
        return page


def _name(holder: Holder, owner: str) -> str:
    return owner if holder.owner else object_id(owner)


def _one(meetings: list[Meeting], meeting_id: str) -> Meeting:
    for meeting in meetings:
        if meeting.id == meeting_id:
            return meeting
    raise Refused(404, "NotFound")


def _record(email: str | None, stays: list[Times]) -> Json:
    intervals = [
        {
            "joinDateTime": _text(joined),
            "leaveDateTime": _text(left),
            "durationInSeconds": int((left - joined).total_seconds()),
        }
        for joined, left in stays
    ]
    return {
        "id": "1", "emailAddress": email, "role": "Attendee", "identity": {"displayName": "Somebody"},
        "totalAttendanceInSeconds": 60, "attendanceIntervals": intervals,
    }  # fmt: skip


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f0Z}"
