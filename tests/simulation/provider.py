"""Everybody's calendars, in memory: what each shows at a moment follows from the lives alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.life import LENGTH, Life, Meeting, day_of
from tracker.clock import FixedClock
from tracker.errors import ConnectorError
from tracker.events import (
    Attendee,
    CalendarEvent,
    CopyRole,
    EventKind,
    EventStatus,
    Pull,
    PullKind,
    Response,
    TagRule,
    Window,
)
from tracker.ports import Access
from tracker.tags import TagRules

DELETED = -1
Entry = tuple[datetime, int, int]  # since when, which meeting, which of its states (or DELETED)


def email_of(number: int, side: str) -> str:
    """Return the address of one side of the pair of that number."""
    return f"{side}{number}@example.com"


def entries_of(life: Life, side: str) -> list[Entry]:
    """Return all that the calendar of one side will ever show, in order of time."""
    entries = [(s.at, m, i) for m, meeting in enumerate(life.meetings) for i, s in enumerate(meeting.states)]
    if side == life.guest:
        deleted = ((meeting.guest_deleted_at, m) for m, meeting in enumerate(life.meetings))
        entries += [(at, m, DELETED) for at, m in deleted if at is not None]
    return sorted(entries)


def event_of(life: Life, meeting: Meeting, number: int, side: str) -> CalendarEvent:
    """Return how the calendar of one side shows the meeting in its state of that number."""
    state, slot = meeting.states[number], meeting.slot
    kind = EventKind.SINGLE if slot is None else EventKind.EXCEPTION if number else EventKind.OCCURRENCE
    answer = Response.DECLINED if state.declined else Response.ACCEPTED
    host, guest = email_of(life.number, life.host), email_of(life.number, life.guest)
    return CalendarEvent(
        provider_event_id=_name(meeting, side),
        uid=meeting.uid,
        lineage=meeting.uid,
        kind=kind,
        start=state.start,
        end=state.start + LENGTH,
        status=EventStatus.CANCELLED if state.is_off else EventStatus.CONFIRMED,
        version=str(number),
        series_id=meeting.uid if slot else None,
        original_start=slot,
        original_end=slot + LENGTH if slot and number else None,
        copy_role=CopyRole.ORGANISER if side == life.host else CopyRole.ATTENDEE,
        organiser=host,
        attendees=(Attendee(host, Response.ACCEPTED), Attendee(guest, answer)),
        created_at=meeting.states[0].at,
        updated_at=state.at,
        tag_rule=TagRule.MARKER,
    )


def _name(meeting: Meeting, side: str) -> str:
    return f"{meeting.uid}/{meeting.slot or ''}/{side}"


@dataclass(slots=True)
class Diary:
    """One calendar, as a provider gives it: all of it, or what changed since a cursor."""

    life: Life
    side: str
    entries: list[Entry]
    clock: FixedClock

    def pull(self, cursor: str | None, window: Window, _rules: TagRules) -> Pull:
        """Answer. Raises ConnectorError while the calendar fails."""
        now = self.clock.instant
        if self.life.is_failing(self.side, day_of(now)):
            raise ConnectorError("it is down", code="unreachable")
        known, there = int(cursor or 0), bisect_right(self.entries, now, key=lambda entry: entry[0])
        if cursor is not None and known == there:
            return Pull(PullKind.UNCHANGED, window, cursor=cursor)
        newest = {meeting: state for _, meeting, state in self.entries[known:there]}
        kind = PullKind.FULL if cursor is None else PullKind.DELTA
        gone = [m for m, state in newest.items() if state == DELETED]
        return Pull(
            kind,
            window,
            cursor=str(there),
            events=tuple(self._event(m, state) for m, state in newest.items() if state != DELETED),
            removed=tuple(_name(self.life.meetings[m], self.side) for m in gone),
            looked_at=len(newest),
        )

    def _event(self, meeting: int, state: int) -> CalendarEvent:
        return event_of(self.life, self.life.meetings[meeting], state, self.side)


class Calendars:
    """All calendars, by address."""

    def __init__(self, lives: Sequence[Life], clock: FixedClock) -> None:
        self._diaries = {
            email_of(life.number, side): Diary(life, side, entries_of(life, side), clock)
            for life in lives
            for side in life.calendars
        }

    def open(self, _provider: str, address: str, _timezone: str, _access: Access | None = None) -> Diary:
        """Return the calendar at that address."""
        return self._diaries[address]

    def news_days(self, address: str) -> set[int]:
        """Return on which days a reading finds something new: those on which push would tell."""
        diary = self._diaries[address]
        days = {max(day_of(at), 0) for at, _, _ in diary.entries}
        outage = diary.life.outage
        if outage and outage[0] == diary.side:
            days = {outage[2] + 1 if outage[1] <= day <= outage[2] else day for day in days}
        return days
