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
    meeting.start_period = meeting.origin_period = period = plan.find_period(start)
    meeting.lo, meeting.hi = plan.find_served(start, period)
    if origin != start:
        meeting.origin_period = plan.find_period(origin)
        if meeting.origin_period != period and 0 <= meeting.origin_period < plan.size:
            reach_origin(meeting, plan.size - 1)


def reach_origin(meeting: Meeting, last: int) -> None:
    """Widen a session's range to every period from that of its origin to that of its start."""
    origin, nearest = meeting.origin_period, min(max(meeting.start_period, 0), last)
    if origin < nearest:
        nearest, origin = origin, nearest
    if nearest < meeting.lo:
        meeting.lo = nearest
    if origin > meeting.hi:
        meeting.hi = origin


def fill_slots(meetings: list[Meeting], required: int, excusable: list[bool]) -> Slots:
    """Give each period the sessions that serve it, in the order in which its slots are filled."""
    slots: Slots = [[] for _ in excusable]
    by_outcome: dict[Outcome, list[Meeting]] = {}
    for meeting in sorted([m for m in meetings if m.lo <= m.hi], key=_lo):
        by_outcome.setdefault(meeting.outcome, []).append(meeting)
    for outcome in _CLASSES:
        waiting = by_outcome.get(outcome)
        if waiting:
            last = max([m.hi for m in waiting])
            ordinary = [i for i in range(waiting[0].lo, last + 1) if not excusable[i]]
            fill_periods(waiting, ordinary, slots, required)
            if len(ordinary) <= last - waiting[0].lo:
                excused = [i for i in range(waiting[0].lo, last + 1) if excusable[i]]
                fill_periods([m for m in waiting if m.serves < 0], excused, slots, required)
    return slots


def fill_periods(waiting: list[Meeting], periods: list[int], slots: Slots, required: int) -> None:
    """Fill open slots of some periods, in order, from sessions of one class (sorted by `lo`)."""
    pool: list[Meeting] = []
    arrived, total = 0, len(waiting)
    for index in periods:
        while arrived < total and waiting[arrived].lo <= index:
            pool.append(waiting[arrived])
            arrived += 1
        if pool and len(slots[index]) < required:
            if len(pool) > 1:
                sort_pool(pool, index)
            take_first(pool, slots[index], required, index)


def take_first(pool: list[Meeting], slot: list[Meeting], required: int, index: int) -> None:
    """Move sessions from the head of the pool into a period's open slots; those whose time has passed drop out."""
    while pool and len(slot) < required:
        meeting = pool.pop(0)
        if meeting.hi >= index:
            meeting.serves = index
            slot.append(meeting)


def sort_pool(pool: list[Meeting], index: int) -> None:
    """Put the session first that should take a slot of a period: the one with the least time left, to begin with."""
    pool.sort(key=lambda m: (m.hi, m.origin_period != index, m.start, m.id))
