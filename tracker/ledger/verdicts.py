"""What the ledger says of each period."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from tracker.ledger.document import Outcome, PeriodVerdict, Reason, Verdict
from tracker.ledger.evidence import Absence, Side
from tracker.ledger.meetings import Meeting
from tracker.ledger.outcomes import sort_sides
from tracker.ledger.periods import Plan
from tracker.ledger.serving import Slots

_MET = Verdict.MET
_EXCUSED = Verdict.EXCUSED
_PLANNED = Verdict.PLANNED
_OPEN = Verdict.OPEN
_UNKNOWN = Verdict.UNKNOWN
_MISSED = Verdict.MISSED
_RESCHEDULED = Reason.RESCHEDULED
_LATE = Reason.LATE
_EARLY = Reason.EARLY
_ON_TIME = Reason.ON_TIME
_NOBODY: tuple[Side, ...] = ()
_WEEKEND = (6, 0)  # ordinals modulo 7
# Of an over period whose slots are all filled, the worst one decides.
_WORST_FIRST = (
    (Outcome.DISPUTED, Verdict.DISPUTED),
    (Outcome.UNCONFIRMED, Verdict.UNCONFIRMED),
    (Outcome.AWAITING, Verdict.AWAITING),
    (Outcome.SCHEDULED, Verdict.RESCHEDULED),
)
_STRONGEST_FIRST = (_RESCHEDULED, _LATE, _EARLY, _ON_TIME)


class Moment(NamedTuple):
    """What judging a period needs beyond its own sessions; lists and keys go by the index of the period."""

    plan: Plan
    required: int
    over: int
    observed_until: datetime | None
    excusable: list[bool]
    failed_in: dict[int, list[Meeting]]


def group_failed(failed: list[Meeting]) -> dict[int, list[Meeting]]:
    """Group failed sessions by the periods in which they have their origin or their start."""
    groups: dict[int, list[Meeting]] = defaultdict(list)
    for meeting in failed:
        for index in {meeting.origin_period, meeting.start_period}:
            groups[index].append(meeting)
    return groups


def find_excusable(plan: Plan, absences: tuple[Absence, ...]) -> list[bool]:
    """Tell of each period whether fewer than half of its Mondays to Fridays are free of absences."""
    if not absences or not plan.size:
        return plan.idle
    excusable = plan.idle.copy()
    away: dict[int, int] = defaultdict(int)
    for day in list_absent_weekdays(absences, plan):
        away[bisect_right(plan.days, day)] += 1
    for after, gone in away.items():
        if 2 * gone > plan.weekdays[after - 1]:
            excusable[after - 1] = True
    return excusable


def list_absent_weekdays(absences: tuple[Absence, ...], plan: Plan) -> set[int]:
    """List the Mondays to Fridays of the plan's periods on which one or both are away."""
    days: set[int] = set()
    for absence in absences:
        first = max(absence.first_on.toordinal(), plan.days[0])
        end = min(absence.last_on.toordinal() + 1, plan.days[-1])
        days.update([day for day in range(first, end) if day % 7 not in _WEEKEND])
    return days


def judge_periods(slots: Slots, held_counts: list[int], moment: Moment) -> tuple[PeriodVerdict, ...]:
    """Judge all periods, in order, from their serving sessions and how many of them are held."""
    plan, required, over, observed_until, excusable, failed_in = moment
    verdicts = []
    index = -1
    for slot, held, starts_on, ends_before in zip(
        slots, held_counts, plan.dates, plan.dates[1:], strict=False
    ):
        index += 1
        reason: Reason | None = None
        missed_by = _NOBODY
        if held == required:
            verdict, reason = _MET, explain_met(slot, index, plan.size)
        elif excusable[index]:
            verdict = _EXCUSED
        elif index >= over:
            verdict = _PLANNED if len(slot) == required else _OPEN
        elif len(slot) == required:
            verdict = find_worst(slot)
        elif observed_until is None or observed_until < plan.closings[index]:
            verdict = _UNKNOWN
        else:
            verdict = _MISSED
            reason, missed_by = explain_missed(failed_in.get(index))
        ids = (slot[0].id,) if len(slot) == 1 else tuple([m.id for m in slot])
        verdicts.append(PeriodVerdict(starts_on, ends_before, required, verdict, reason, ids, missed_by))
    return tuple(verdicts)


def explain_met(slot: list[Meeting], index: int, size: int) -> Reason:
    """Give the strongest reason among the sessions that serve a met period."""
    if len(slot) == 1 and slot[0].start_period == slot[0].origin_period == index:
        return _ON_TIME
    reasons = {explain_serving(m, index, size) for m in slot}
    return next(reason for reason in _STRONGEST_FIRST if reason in reasons)


def explain_serving(meeting: Meeting, index: int, size: int) -> Reason:
    """Tell how one session came to serve a period; a move from or to outside them is no rescheduling."""
    start, origin = meeting.start_period, meeting.origin_period
    if start != origin and 0 <= start < size and 0 <= origin < size:
        return _RESCHEDULED
    if start == index:
        return _ON_TIME
    return _LATE if start > index else _EARLY


def find_worst(slot: list[Meeting]) -> Verdict:
    """Give the verdict of an over period that is full, though not of held sessions alone."""
    outcomes = {m.outcome for m in slot}
    return next(verdict for outcome, verdict in _WORST_FIRST if outcome in outcomes)


def explain_missed(failed: list[Meeting] | None) -> tuple[Reason, tuple[Side, ...]]:
    """Tell why a period was missed, and by whom, from the failed sessions that touch it."""
    if not failed:
        return Reason.NO_SESSION, _NOBODY
    no_show = any(m.outcome is Outcome.NOT_HELD for m in failed)
    return (
        Reason.NO_SHOW if no_show else Reason.CANCELLED,
        sort_sides(side for m in failed for side in m.absent),
    )
