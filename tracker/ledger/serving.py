"""Which session serves which period: the range of periods it may serve, and the greedy filling of slots."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter

from tracker.ledger.document import Outcome
from tracker.ledger.meetings import Meeting
from tracker.ledger.outcomes import Settled
from tracker.ledger.periods import Plan

Slots = list[list[Meeting]]

_OTHER_CLASSES = (Outcome.AWAITING, Outcome.DISPUTED, Outcome.UNCONFIRMED, Outcome.SCHEDULED)
_lo = attrgetter("lo")


def place_meetings(meetings: list[Meeting], plan: Plan) -> None:
    """Find the periods in which each session starts, in which it began, and which it may serve.

    Eligible periods are neighbours, so the first and the last say it all.
    """
    last = plan.size - 1
    zone, bounds, openings, closings = plan.grid
    for meeting in meetings:
        start = meeting.start if zone is None else zone.day_of(meeting.start)
        lo = hi = period = bisect_right(bounds, start) - 1
        meeting.start_period = meeting.origin_period = period
        if not 0 <= period <= last:
            lo, hi = max(period, 0), min(period, last)
        # Bound i ends the period before period i, so that its closing is that one's.
        while lo and start < closings[lo]:
            lo -= 1
        while hi < last and start >= openings[hi + 1]:
            hi += 1
        meeting.lo = lo
        meeting.hi = hi
        if meeting.origin is not meeting.start:
            reach_origin(meeting, plan)


def reach_origin(meeting: Meeting, plan: Plan) -> None:
    """Widen a session's range to every period from that of its origin to that of its start."""
    zone, bounds, _, _ = plan.grid
    origin = bisect_right(bounds, meeting.origin if zone is None else zone.day_of(meeting.origin)) - 1
    meeting.origin_period = origin
    if origin != meeting.start_period and 0 <= origin < plan.size:
        nearest = min(max(meeting.start_period, 0), plan.size - 1)
        meeting.lo = min(meeting.lo, nearest, origin)
        meeting.hi = max(meeting.hi, nearest, origin)


def fill_slots(settled: Settled, required: int, excusable: list[bool]) -> tuple[Slots, list[int]]:
    """Give each period the sessions that serve it, in the order of its slots, and how many are held."""
    slots: Slots = [[] for _ in excusable]
    fill_class(settled.held, slots, required, excusable)
    held_counts = [len(slot) for slot in slots]
    if settled.undecided:
        for outcome in _OTHER_CLASSES:
            fill_class([m for m in settled.undecided if m.outcome is outcome], slots, required, excusable)
    return slots, held_counts


def fill_class(waiting: list[Meeting], slots: Slots, required: int, excusable: list[bool]) -> None:
    """Fill slots with the sessions of one class: first those of periods not excusable, then the others."""
    if not waiting:
        return
    waiting = sorted(waiting, key=_lo)
    periods = range(waiting[0].lo, max([m.hi for m in waiting]) + 1)
    ordinary = [index for index in periods if not excusable[index]]
    fill_periods(waiting, ordinary, slots, required)
    if len(ordinary) < len(periods):
        left = [m for m in waiting if not m.serves]
        fill_periods(left, [index for index in periods if excusable[index]], slots, required)


def fill_periods(waiting: list[Meeting], periods: list[int], slots: Slots, required: int) -> None:
    """Fill open slots of some periods, in order, from sessions (sorted by `lo`)."""
    pool: list[Meeting] = []
    arrivals = iter(waiting)
    coming = next(arrivals, None)
    for index in periods:
        while coming is not None and coming.lo <= index:
            pool.append(coming)
            coming = next(arrivals, None)
        if pool and len(slots[index]) < required:
            if len(pool) > 1:
                sort_pool(pool, index)
            slot = slots[index]
            while pool and len(slot) < required:
                meeting = pool.pop(0)
                if meeting.hi >= index:  # else its time has passed
                    meeting.serves = True
                    slot.append(meeting)


def sort_pool(pool: list[Meeting], index: int) -> None:
    """Put the sessions first that should take a slot of a period: those with the least time left."""
    pool.sort(key=lambda m: (m.hi, m.origin_period != index, m.start, m.id))
