"""A pair's numbers, its health, and when time alone can change what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from tracker.ledger.document import Health, HealthReason, Outcome, PeriodVerdict, Verdict
from tracker.ledger.evidence import Side
from tracker.ledger.meetings import Meeting, in_utc
from tracker.ledger.rules import Rules
from tracker.ledger.verdicts import Moment

_MENTOR = Side.MENTOR
_MENTEE = Side.MENTEE
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


def count_numbers(verdicts: tuple[PeriodVerdict, ...], held_counts: list[int], required: int) -> Numbers:
    """Count what was due and what was held; periods neither met nor missed are passed over."""
    decided = [index for index, p in enumerate(verdicts) if p.verdict is _MET or p.verdict is _MISSED]
    due = required * len(decided)
    met = sum([held_counts[index] for index in decided])
    in_a_row = 0
    for index in reversed(decided):
        if verdicts[index].verdict is _MET:
            break
        in_a_row += 1
    blamed = [side for index in decided for side in verdicts[index].missed_by]
    attendance = met / due if due else None
    return Numbers(due, met, attendance, in_a_row, blamed.count(_MENTOR), blamed.count(_MENTEE))


def find_next_session(meetings: Iterable[Meeting]) -> datetime | None:
    """Tell when the earliest session that is still to come starts."""
    return min([m.start for m in meetings if m.outcome is _SCHEDULED], default=None)


class Standing(NamedTuple):
    """What health is judged from."""

    moment: Moment
    verdicts: tuple[PeriodVerdict, ...]
    consecutive_missed: int


def judge_health(standing: Standing, rules: Rules, now: datetime) -> tuple[Health, tuple[HealthReason, ...]]:
    """Judge the pair as a whole; the first state that fits is its health."""
    plan, observed_until = standing.moment.plan, standing.moment.observed_until
    if plan.size and now < plan.bounds[0]:
        return Health.NOT_STARTED, ()
    if standing.moment.over == plan.size:
        return Health.ENDED, ()
    if observed_until is None or now - observed_until >= rules.stale_after:
        return Health.UNKNOWN, (HealthReason.STALE,)
    if standing.consecutive_missed >= rules.escalate_after:
        return Health.OFF_TRACK, (HealthReason.MISSED,)
    risks = tuple(find_risks(standing, now))
    return (Health.AT_RISK if risks else Health.ON_TRACK), risks


def find_risks(standing: Standing, now: datetime) -> Iterable[HealthReason]:
    """Give the reasons for which a pair is at risk."""
    plan, over = standing.moment.plan, standing.moment.over
    if standing.consecutive_missed:
        yield HealthReason.MISSED
    if over and standing.verdicts[over - 1].verdict is Verdict.DISPUTED:
        yield HealthReason.DISPUTED
    current = plan.find_current(now)
    if (
        0 <= current < plan.size
        and standing.verdicts[current].verdict is Verdict.OPEN
        and now >= plan.two_thirds(current)
    ):
        yield HealthReason.NOTHING_SCHEDULED


def find_next_review(meetings: list[Meeting], moment: Moment, rules: Rules, now: datetime) -> datetime | None:
    """Tell the earliest instant after `now` at which time alone can change the ledger, if there is one."""
    plan, observed_until = moment.plan, moment.observed_until
    window = rules.confirm_within
    quiet_since = now - window
    recent = [m.end for m in meetings if m.end > quiet_since]
    turns = [end if end > now else end + window for end in recent] if recent else []
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
