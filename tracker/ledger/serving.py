"""Which session serves which period: the range of periods it may serve, and the greedy filling of slots."""

from __future__ import annotations

from operator import attrgetter

from tracker.ledger.document import Outcome
from tracker.ledger.meetings import Meeting
from tracker.ledger.periods import Plan

Slots = list[list[Meeting]]

_CLASSES = (Outcome.HELD, Outcome.AWAITING, Outcome.DISPUTED, Outcome.UNCONFIRMED, Outcome.SCHEDULED)
_lo = attrgetter("lo")


def place_meeting(meeting: Meeting, plan: Plan) -> None:
    """Find the periods in which a session starts, in which it began, and which it may serve.

    Eligible periods are neighbours, so the first and the last say it all.
    """
    start, origin = meeting.start, meeting.origin
    meeting.lo, meeting.hi = plan.find_eligible(start)
    meeting.start_period = meeting.origin_period = plan.find_period(start)
    if origin != start:
        meeting.origin_period = plan.find_period(origin)
        if 0 <= meeting.origin_period < plan.size:
            reach_origin(meeting, plan.size - 1)


def reach_origin(meeting: Meeting, last: int) -> None:
    """Widen a session's range to every period from that of its origin to that of its start."""
    nearest = min(max(meeting.start_period, 0), last)
    meeting.lo = min(meeting.lo, nearest, meeting.origin_period)
    meeting.hi = max(meeting.hi, nearest, meeting.origin_period)


def fill_slots(meetings: list[Meeting], required: int, excusable: list[bool]) -> Slots:
    """Give each period the sessions that serve it, in the order in which its slots are filled."""
    slots: Slots = [[] for _ in excusable]
    ordinary = [index for index, excused in enumerate(excusable) if not excused]
    excused = [index for index, excused in enumerate(excusable) if excused]
    able = sorted([m for m in meetings if m.lo <= m.hi], key=_lo)
    for outcome in _CLASSES:
        waiting = [m for m in able if m.outcome is outcome]
        if waiting:
            fill_periods(waiting, ordinary, slots, required)
            if excused:
                fill_periods([m for m in waiting if m.serves < 0], excused, slots, required)
    return slots


def fill_periods(waiting: list[Meeting], periods: list[int], slots: Slots, required: int) -> None:
    """Fill open slots of some periods, in order, from sessions of one class (sorted by `lo`)."""
    pool: list[Meeting] = []
    arrivals = iter(waiting)
    coming = next(arrivals, None)
    for index in periods:
        while coming is not None and coming.lo <= index:
            pool.append(coming)
            coming = next(arrivals, None)
        if pool and len(slots[index]) < required:
            pool = [m for m in pool if m.hi >= index]
            take_best(pool, slots[index], required, index)


def take_best(pool: list[Meeting], slot: list[Meeting], required: int, index: int) -> None:
    """Move sessions from the pool into a period's open slots, the one with the least time left first."""
    if len(pool) > 1:
        pool.sort(key=lambda m: (m.hi, m.origin_period != index, m.start, m.id))
    taken = pool[: required - len(slot)]
    del pool[: len(taken)]
    slot += taken
    for meeting in taken:
        meeting.serves = index
