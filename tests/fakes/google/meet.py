"""Meeting records as the Meet API keeps them: who was in which room, for whoever was there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.google.calendar import Resource
from tests.fakes.google.description import Refused
from tests.fakes.google.office import Office, account_number, stamp

KEPT_FOR = timedelta(days=30)
_CONDITION = re.compile(r'(space\.meeting_code|start_time|end_time)\s*(=|>=|<=|<|>)\s*"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Call:
    """One conference. `stays` are (who, joined, left): an account's address, or `anonymous`, or `phone`."""

    name: str
    code: str
    start: datetime
    end: datetime | None
    owner: str
    stays: tuple[tuple[str, datetime, datetime | None], ...]

    @property
    def people(self) -> list[str]:
        """Return who was there, each once, in the order of coming."""
        return list(dict.fromkeys(who for who, *_ in self.stays))

    def record(self) -> Resource:
        """Return the conference record."""
        ended = {"endTime": stamp(self.end), "expireTime": stamp(self.end + KEPT_FOR)} if self.end else {}
        return {"name": self.name, "space": "spaces/s1", "startTime": stamp(self.start), **ended}

    def participant(self, number: int) -> Resource:
        """Return one participant."""
        who = self.people[number]
        if who in ("anonymous", "phone"):
            user: Resource = {f"{who}User": {"displayName": "Somebody"}}
        else:
            named = {"user": f"users/{account_number(who)}", "displayName": "Somebody"}
            user = {"signedinUser": named}
        mine = [stay for stay in self.stays if stay[0] == who]
        return {"name": f"{self.name}/participants/p{number}", "earliestStartTime": stamp(mine[0][1]), **user}

    def sessions(self, number: int) -> Iterator[Resource]:
        """Yield the stays of one participant."""
        who, place = self.people[number], f"{self.name}/participants/p{number}/participantSessions"
        for n, (_, joined, left) in enumerate(stay for stay in self.stays if stay[0] == who):
            ended = {"endTime": stamp(left)} if left else {}
            yield {"name": f"{place}/s{n}", "startTime": stamp(joined), **ended}


@dataclass
class MeetingRooms:
    """All conferences that were held."""

    office: Office
    calls: list[Call] = field(default_factory=list)
    page_size: int = 100

    def hold(
        self, owner: str, code: str, *stays: tuple[str, datetime, datetime | None], ended: bool = True
    ) -> Call:
        """Record a conference in the room `code`, from its first coming to its last going."""
        ends = [left for *_, left in stays if left]
        call = Call(
            name=f"conferenceRecords/c{len(self.calls)}", code=code, start=min(j for _, j, _ in stays),
            end=max(ends) if ended else None, owner=owner, stays=stays,
        )  # fmt: skip
        self.calls.append(call)
        return call

    def records(self, person: str, query: dict[str, Any]) -> Resource:
        """Answer `conferenceRecords.list` for that person: what they own or took part in."""
        conditions = _read_filter(query.get("filter", ""))
        seen = [
            call.record() for call in sorted(self.calls, key=lambda call: call.start, reverse=True)
            if self._may_see(person, call) and all(_holds(call, *c) for c in conditions)
        ]  # fmt: skip
        return self._page("conferenceRecords", seen, query)

    def participants(self, person: str, call_id: str, query: dict[str, Any]) -> Resource:
        """Answer `participants.list`."""
        call = self._call(person, call_id)
        found = [call.participant(number) for number in range(len(call.people))]
        return self._page("participants", found, query)

    def sessions(self, person: str, call_id: str, participant: str, query: dict[str, Any]) -> Resource:
        """Answer `participantSessions.list`."""
        call = self._call(person, call_id)
        return self._page("participantSessions", list(call.sessions(int(participant[1:]))), query)

    def _call(self, person: str, call_id: str) -> Call:
        for call in self.calls:
            if call.name == f"conferenceRecords/{call_id}" and self._may_see(person, call):
                return call
        raise Refused(403, "PERMISSION_DENIED")

    def _may_see(self, person: str, call: Call) -> bool:
        is_kept = call.end is None or self.office.now < call.end + KEPT_FOR
        return is_kept and (person == call.owner or person in call.people)

    def _page(self, name: str, found: list[Resource], query: dict[str, Any]) -> Resource:
        at = int(query.get("pageToken") or 0)
        end = at + min(query.get("pageSize", 100), self.page_size)
        return {name: found[at:end], **({"nextPageToken": str(end)} if end < len(found) else {})}


def _read_filter(text: str) -> list[tuple[str, str, str]]:
    parts = [part.strip() for part in text.split(" AND ")] if text else []
    read = [_CONDITION.fullmatch(part) for part in parts]
    if not all(read):
        raise Refused(400, "INVALID_ARGUMENT")
    return [(match[1], match[2], match[3]) for match in read if match]


def _holds(call: Call, name: str, sign: str, text: str) -> bool:
    if name == "space.meeting_code":
        return sign == "=" and call.code == text
    at, bound = call.start if name == "start_time" else call.end, datetime.fromisoformat(text)
    if at is None:
        return False
    return {"=": at == bound, ">=": at >= bound, "<=": at <= bound, "<": at < bound, ">": at > bound}[sign]
