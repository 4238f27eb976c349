"""Which session serves which period: the range of periods it may serve, and the greedy filling of slots."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter

from tracker.ledger.document import Outcome
from tracker.ledger.meetings import Meeting
from tracker.ledger.periods import NOWHERE, Plan

Slots = list[list[Meeting]]

_CLASSES = (Outcome.HELD, Outcome.AWAITING, Outcome.DISPUTED, Outcome.UNCONFIRMED, Outcome.SCHEDULED)
_lo = attrgetter("lo")


def place_meetings(meetings: list[Meeting], plan: Plan, grace_days: int) -> None:
    """Find the periods in which each session starts, in which it began, and which it may serve."""
    if plan.periods:
        for meeting in meetings:
            place_meeting(meeting, plan, grace_days)


def place_meeting(meeting: Meeting, plan: Plan, grace_days: int) -> None:
    """Place one session; its eligible periods are neighbours, so the first and the last say it all."""
    day = meeting.start_day = plan.zone.day_of(meeting.start)
    lo = bisect_right(plan.end_days, day - grace_days)
    hi = bisect_right(plan.first_days, day + grace_days) - 1
    start_period = origin_period = plan.find_day(day)
    if meeting.origin != meeting.start:
        origin_period = plan.find_day(plan.zone.day_of(meeting.origin))
        if origin_period != NOWHERE:
            nearest = min(max(bisect_right(plan.first_days, day) - 1, 0), len(plan.periods) - 1)
            lo, hi = min(lo, nearest, origin_period), max(hi, nearest, origin_period)
    meeting.start_period, meeting.origin_period, meeting.lo, meeting.hi = start_period, origin_period, lo, hi


def fill_slots(meetings: list[Meeting], required: int, excusable: list[bool]) -> Slots:
    """Give each period the sessions that serve it, in the order in which its slots are filled."""
    slots: Slots = [[] for _ in excusable]
    ordinary = [index for index, excused in enumerate(excusable) if not excused]
    excused = [index for index, excused in enumerate(excusable) if excused]
    able = sorted((m for m in meetings if m.lo <= m.hi), key=_lo)
    for outcome in _CLASSES:
        waiting = [m for m in able if m.outcome is outcome]
        if waiting:
            left = fill_periods(waiting, ordinary, slots, required)
            if left and excused:
                fill_periods(sorted(left, key=_lo), excused, slots, required)
    return slots


def fill_periods(waiting: list[Meeting], periods: list[int], slots: Slots, required: int) -> list[Meeting]:
    """Fill open slots of some periods, in order, from sessions of one class (by `lo`); give the rest."""
    pool: list[Meeting] = []
    left: list[Meeting] = []
    arrived = 0
    for index in periods:
        while arrived < len(waiting) and waiting[arrived].lo <= index:
            pool.append(waiting[arrived])
            arrived += 1
        if pool and len(slots[index]) < required:
            left += [m for m in pool if m.hi < index]
            pool = [m for m in pool if m.hi >= index]
            take_best(pool, slots[index], required, index)
    return left + pool + waiting[arrived:]


def take_best(pool: list[Meeting], slot: list[Meeting], required: int, index: int) -> None:
    """Move sessions from the pool into a period's open slots, the one with the least time left first."""
    if len(pool) > 1:
        pool.sort(key=lambda m: (m.hi, m.origin_period != index, m.start, m.id))
    room = required - len(slot)
    slot += pool[:room]
    del pool[:room]
