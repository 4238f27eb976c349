"""A pair's numbers, its health, and when time alone can change what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from tracker.ledger.document import Health, HealthReason, Outcome, PeriodVerdict, Verdict
from tracker.ledger.evidence import Side
from tracker.ledger.meetings import Meeting, in_utc
from tracker.ledger.periods import Plan
from tracker.ledger.rules import Rules

_HELD = Outcome.HELD
_SCHEDULED = Outcome.SCHEDULED
_MET = Verdict.MET
_MISSED = Verdict.MISSED


class Numbers(NamedTuple):
    """The counts of one pair over its periods that are met or missed."""

    due: int
    met: int
    attendance: float | None
    consecutive_missed: int
    missed_by_mentor: int
    missed_by_mentee: int


def count_numbers(verdicts: tuple[PeriodVerdict, ...], slots: list[list[Meeting]]) -> Numbers:
    """Count what was due and what was held; periods neither met nor missed are passed over."""
    due = met = in_a_row = 0
    blamed: list[Side] = []
    for period, slot in zip(verdicts, slots, strict=True):
        if period.verdict is _MET:
            met += period.required
            due += period.required
            in_a_row = 0
        elif period.verdict is _MISSED:
            met += len([m for m in slot if m.outcome is _HELD]) if slot else 0
            due += period.required
            in_a_row += 1
            blamed += period.missed_by
    attendance = met / due if due else None
    return Numbers(due, met, attendance, in_a_row, blamed.count(Side.MENTOR), blamed.count(Side.MENTEE))


def find_next_session(meetings: Iterable[Meeting]) -> datetime | None:
    """Tell when the earliest session that is still to come starts."""
    return min((m.start for m in meetings if m.outcome is _SCHEDULED), default=None)


class Standing(NamedTuple):
    """What health is judged from; `over` counts the periods that are over."""

    plan: Plan
    verdicts: tuple[PeriodVerdict, ...]
    over: int
    observed_until: datetime | None
    consecutive_missed: int


def judge_health(standing: Standing, rules: Rules, now: datetime) -> tuple[Health, tuple[HealthReason, ...]]:
    """Judge the pair as a whole; the first state that fits is its health."""
    plan = standing.plan
    if plan.size and now < plan.bounds[0]:
        return Health.NOT_STARTED, ()
    if standing.over == plan.size:
        return Health.ENDED, ()
    if standing.observed_until is None or now - standing.observed_until >= rules.stale_after:
        return Health.UNKNOWN, (HealthReason.STALE,)
    if standing.consecutive_missed >= rules.escalate_after:
        return Health.OFF_TRACK, (HealthReason.MISSED,)
    risks = tuple(find_risks(standing, now))
    return (Health.AT_RISK if risks else Health.ON_TRACK), risks


def find_risks(standing: Standing, now: datetime) -> Iterable[HealthReason]:
    """Give the reasons for which a pair is at risk."""
    if standing.consecutive_missed:
        yield HealthReason.MISSED
    if standing.over and standing.verdicts[standing.over - 1].verdict is Verdict.DISPUTED:
        yield HealthReason.DISPUTED
    plan = standing.plan
    current = plan.find_current(now)
    if (
        0 <= current < plan.size
        and standing.verdicts[current].verdict is Verdict.OPEN
        and now >= plan.two_thirds(current)
    ):
        yield HealthReason.NOTHING_SCHEDULED


def find_next_review(
    plan: Plan, meetings: list[Meeting], observed_until: datetime | None, rules: Rules, now: datetime
) -> datetime | None:
    """Tell the earliest instant after `now` at which time alone can change the ledger, if there is one."""
    quiet_since = now - rules.confirm_within
    turns = [
        end if end > now else end + rules.confirm_within
        for end in [m.end for m in meetings]
        if end > quiet_since
    ]
    turns += plan.next_turns(now)
    if observed_until is not None and now - observed_until < rules.stale_after:
        turns += stale_limit(observed_until, rules)
    return in_utc(min(turns)) if turns else None


def stale_limit(observed_until: datetime, rules: Rules) -> list[datetime]:
    """Tell when calendars not read since become stale; never, if that lies beyond the year 9999."""
    try:
        return [observed_until + rules.stale_after]
    except OverflowError:
        return []
