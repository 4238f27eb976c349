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
from tracker.ledger.periods import Plan, is_weekday

_HELD = Outcome.HELD
_MET = Verdict.MET
_EXCUSED = Verdict.EXCUSED
_PLANNED = Verdict.PLANNED
_OPEN = Verdict.OPEN
_UNKNOWN = Verdict.UNKNOWN
_MISSED = Verdict.MISSED
_ON_TIME = Reason.ON_TIME
_NOBODY: tuple[Side, ...] = ()
# Of an over period whose slots are all filled, the worst one decides.
_WORST_FIRST = (
    (Outcome.DISPUTED, Verdict.DISPUTED),
    (Outcome.UNCONFIRMED, Verdict.UNCONFIRMED),
    (Outcome.AWAITING, Verdict.AWAITING),
    (Outcome.SCHEDULED, Verdict.RESCHEDULED),
)
_STRONGEST_FIRST = (Reason.RESCHEDULED, Reason.LATE, Reason.EARLY, Reason.ON_TIME)


class Moment(NamedTuple):
    """What judging a period needs beyond its own sessions; lists and keys go by the index of the period."""

    plan: Plan
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
    away = [0] * plan.size
    if plan.size:
        for day in absent_weekdays(absences, plan.days[0], plan.days[-1]):
            away[bisect_right(plan.days, day) - 1] += 1
    return [2 * gone > weekdays or not weekdays for weekdays, gone in zip(plan.weekdays, away, strict=True)]


def absent_weekdays(absences: tuple[Absence, ...], first: int, end: int) -> set[int]:
    """List the Mondays to Fridays in [first, end) on which one or both are away."""
    days: set[int] = set()
    for absence in absences:
        since, until = absence.first_on.toordinal(), absence.last_on.toordinal() + 1
        days.update(day for day in range(max(since, first), min(until, end)) if is_weekday(day))
    return days


def judge_period(index: int, slot: list[Meeting], required: int, moment: Moment) -> PeriodVerdict:
    """Judge one period from its serving sessions."""
    plan = moment.plan
    reason: Reason | None = None
    missed_by = _NOBODY
    full = len(slot) == required
    if full and all([m.outcome is _HELD for m in slot]):
        verdict, reason = _MET, explain_met(slot, index, plan.size)
    elif moment.excusable[index]:
        verdict = _EXCUSED
    elif index >= moment.over:
        verdict = _PLANNED if full else _OPEN
    elif full:
        verdict = find_worst(slot)
    elif moment.observed_until is None or moment.observed_until < plan.closings[index]:
        verdict = _UNKNOWN
    else:
        verdict = _MISSED
        reason, missed_by = explain_missed(moment.failed_in.get(index, []))
    ids = tuple([m.id for m in slot])
    return PeriodVerdict(plan.dates[index], plan.dates[index + 1], required, verdict, reason, ids, missed_by)


def explain_met(slot: list[Meeting], index: int, size: int) -> Reason:
    """Give the strongest reason among the sessions that serve a met period."""
    if len(slot) == 1:
        return explain_serving(slot[0], index, size)
    reasons = {explain_serving(m, index, size) for m in slot}
    return next(reason for reason in _STRONGEST_FIRST if reason in reasons)


def explain_serving(meeting: Meeting, index: int, size: int) -> Reason:
    """Tell how one session came to serve a period; a move from or to outside them is no rescheduling."""
    start, origin = meeting.start_period, meeting.origin_period
    if start != origin and 0 <= start < size and 0 <= origin < size:
        return Reason.RESCHEDULED
    if start == index:
        return _ON_TIME
    return Reason.LATE if start > index else Reason.EARLY


def find_worst(slot: list[Meeting]) -> Verdict:
    """Give the verdict of an over period that is full, though not of held sessions alone."""
    outcomes = {m.outcome for m in slot}
    return next(verdict for outcome, verdict in _WORST_FIRST if outcome in outcomes)


def explain_missed(failed: list[Meeting]) -> tuple[Reason, tuple[Side, ...]]:
    """Tell why a period was missed, and by whom, from the failed sessions that touch it."""
    if not failed:
        return Reason.NO_SESSION, _NOBODY
    no_show = any(m.outcome is Outcome.NOT_HELD for m in failed)
    return (
        Reason.NO_SHOW if no_show else Reason.CANCELLED,
        sort_sides(side for m in failed for side in m.absent),
    )
