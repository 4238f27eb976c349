"""Judging one pair: evidence, policy and now in, a ledger out. Reads no clock, no file and no database."""

from __future__ import annotations

from datetime import datetime

from tracker.ledger.document import Ledger, SessionOutcome
from tracker.ledger.evidence import Evidence, Policy
from tracker.ledger.health import Standing, count_numbers, find_next_review, find_next_session, judge_health
from tracker.ledger.meetings import in_utc, read_meetings
from tracker.ledger.outcomes import Settled, settle_outcomes
from tracker.ledger.periods import lay_plan
from tracker.ledger.replacements import assign_replacements
from tracker.ledger.rules import Rules, read_policy
from tracker.ledger.serving import fill_slots, place_meetings
from tracker.ledger.verdicts import Moment, find_excusable, group_failed, judge_periods


def judge(evidence: Evidence, *, now: datetime, policy: Policy | None = None) -> Ledger:
    """Judge one pair as known at `now` (aware), under `policy` or, when it is None, the evidence's own.

    Raises `ValueError` for a naive `now`, `OverflowError` for dates within reach of the years 1 or 9999.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    now = in_utc(now)
    rules = read_policy(policy or evidence.policy)
    plan = lay_plan(
        evidence.timezone, evidence.starts_on, evidence.ends_on, evidence.cadence, rules.grace_days
    )
    meetings = read_meetings(evidence.sessions, now, rules.reschedule_within)
    settled = settle_outcomes(meetings, now, rules)
    assign_replacements(settled, rules.reschedule_within)
    if plan.size:
        place_meetings(meetings, plan)
    observed_until = None if evidence.observed_until is None else min(in_utc(evidence.observed_until), now)
    moment = Moment(
        plan=plan,
        required=evidence.cadence.sessions,
        over=plan.count_over(now),
        observed_until=observed_until,
        excusable=find_excusable(plan, evidence.absences),
        failed_in=group_failed(settled.failed),
    )
    return write_ledger(evidence.pair, settled, moment, rules, now)


def write_ledger(pair: str, settled: Settled, moment: Moment, rules: Rules, now: datetime) -> Ledger:
    """Fill the periods from sessions that are settled and placed, and sum up."""
    slots, held_counts = fill_slots(settled, moment.required, moment.excusable)
    verdicts = judge_periods(slots, held_counts, moment)
    numbers = count_numbers(verdicts, held_counts, moment.required)
    health, reasons = judge_health(Standing(moment, verdicts, numbers.consecutive_missed), rules, now)
    outcomes = [
        SessionOutcome(m.id, m.outcome, m.late, m.absent, m.origin, m.replaces) for m in settled.meetings
    ]
    return Ledger(
        pair,
        now,
        verdicts,
        tuple(outcomes),
        *numbers,
        find_next_session(settled.undecided),
        health,
        reasons,
        find_next_review(settled.meetings, moment, rules, now),
    )
