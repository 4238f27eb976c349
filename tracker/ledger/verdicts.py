"""What the ledger says of each period."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from tracker.ledger.document import Outcome, PeriodVerdict, Reason, Verdict
from tracker.ledger.evidence import Absence, Side
from tracker.ledger.meetings import Meeting
from tracker.ledger.outcomes import sort_sides
from tracker.ledger.periods import NOWHERE, Period, Plan, is_weekday

_HELD = Outcome.HELD
_MET = Verdict.MET
_NOBODY: tuple[Side, ...] = ()
# Of an over period whose slots are all filled, the worst one decides.
_WORST_FIRST = (
    (Outcome.DISPUTED, Verdict.DISPUTED),
    (Outcome.UNCONFIRMED, Verdict.UNCONFIRMED),
    (Outcome.AWAITING, Verdict.AWAITING),
    (Outcome.SCHEDULED, Verdict.RESCHEDULED),
)
_STRONGEST_FIRST = (Reason.RESCHEDULED, Reason.LATE, Reason.EARLY)


class Moment(NamedTuple):
    """What judging a period needs beyond its own sessions; lists and keys go by the index of the period."""

    over: int
    observed_until: datetime | None
    excusable: list[bool]
    failed_in: dict[int, list[Meeting]]


def group_failed(failed: list[Meeting]) -> dict[int, list[Meeting]]:
    """Group failed sessions by the periods in which they have their origin or their start."""
    groups: dict[int, list[Meeting]] = defaultdict(list)
    for meeting in failed:
        for index in {meeting.origin_period, meeting.start_period} - {NOWHERE}:
            groups[index].append(meeting)
    return groups


def find_excusable(plan: Plan, absences: tuple[Absence, ...]) -> list[bool]:
    """Tell of each period whether fewer than half of its Mondays to Fridays are free of absences."""
    away = [0] * len(plan.periods)
    for day in absent_weekdays(plan, absences):
        away[plan.find_day(day)] += 1
    return [
        period.weekdays == 0 or 2 * (period.weekdays - gone) < period.weekdays
        for period, gone in zip(plan.periods, away, strict=True)
    ]


def absent_weekdays(plan: Plan, absences: tuple[Absence, ...]) -> set[int]:
    """List the Mondays to Fridays of the agreement's periods on which one or both are away."""
    if not plan.periods:
        return set()
    first, end = plan.first_days[0], plan.end_days[-1]
    days: set[int] = set()
    for absence in absences:
        span = range(max(absence.first_on.toordinal(), first), min(absence.last_on.toordinal() + 1, end))
        days.update(day for day in span if is_weekday(day))
    return days


def judge_period(
    index: int, period: Period, slot: list[Meeting], required: int, moment: Moment
) -> PeriodVerdict:
    """Judge one period from its serving sessions."""
    reason: Reason | None = None
    missed_by = _NOBODY
    full = len(slot) == required
    if full and all(m.outcome is _HELD for m in slot):
        verdict, reason = _MET, explain_met(slot, index, period)
    elif moment.excusable[index]:
        verdict = Verdict.EXCUSED
    elif index >= moment.over:
        verdict = Verdict.PLANNED if full else Verdict.OPEN
    elif full:
        verdict = find_worst(slot)
    elif moment.observed_until is None or moment.observed_until < period.closes_at:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.MISSED
        reason, missed_by = explain_missed(moment.failed_in.get(index, []))
    ids = tuple([m.id for m in slot])
    return PeriodVerdict(period.starts_on, period.ends_before, required, verdict, reason, ids, missed_by)


def explain_met(slot: list[Meeting], index: int, period: Period) -> Reason:
    """Give the strongest reason among the sessions that serve a met period."""
    reasons = {explain_serving(m, index, period) for m in slot}
    return next((reason for reason in _STRONGEST_FIRST if reason in reasons), Reason.ON_TIME)


def explain_serving(meeting: Meeting, index: int, period: Period) -> Reason:
    """Tell how one session came to serve a period; outside all periods it can only be early or late."""
    if meeting.start_period != meeting.origin_period and NOWHERE not in (
        meeting.start_period,
        meeting.origin_period,
    ):
        return Reason.RESCHEDULED
    if meeting.start_day >= period.end_day:
        return Reason.LATE
    return Reason.EARLY if meeting.start_day < period.first_day else Reason.ON_TIME


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
