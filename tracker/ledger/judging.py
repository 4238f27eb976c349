"""Judging one pair: evidence, policy and now in, a ledger out. Reads no clock, no file and no database."""

from __future__ import annotations

from datetime import datetime

from tracker.ledger.document import Ledger, SessionOutcome
from tracker.ledger.evidence import Evidence, Policy
from tracker.ledger.health import Standing, count_numbers, find_next_review, find_next_session, judge_health
from tracker.ledger.meetings import Meeting, in_utc, read_meeting
from tracker.ledger.outcomes import settle_outcome
from tracker.ledger.periods import Plan, lay_plan
from tracker.ledger.replacements import assign_replacements, failed_meetings
from tracker.ledger.rules import Rules, read_policy
from tracker.ledger.serving import fill_slots, place_meeting
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
    meetings = []
    for session in evidence.sessions:
        meeting = read_meeting(session, now, rules.reschedule_within)
        if meeting is not None:
            settle_outcome(meeting, now, rules)
            meetings.append(meeting)
    failed = failed_meetings(meetings)
    assign_replacements(meetings, failed, rules.reschedule_within)
    if plan.size:
        for meeting in meetings:
            place_meeting(meeting, plan)
    return write_ledger(evidence, plan, meetings, failed, rules, now)


def write_ledger(
    evidence: Evidence,
    plan: Plan,
    meetings: list[Meeting],
    failed: list[Meeting],
    rules: Rules,
    now: datetime,
) -> Ledger:
    """Fill the periods from sessions that are settled and placed, and sum up."""
    required = evidence.cadence.sessions
    observed_until = None if evidence.observed_until is None else min(in_utc(evidence.observed_until), now)
    excusable = find_excusable(plan, evidence.absences)
    slots = fill_slots(meetings, required, excusable)
    moment = Moment(plan, plan.count_over(now), observed_until, excusable, group_failed(failed))
    verdicts = judge_periods(slots, required, moment)
    numbers = count_numbers(verdicts, slots)
    standing = Standing(plan, verdicts, moment.over, observed_until, numbers.consecutive_missed)
    health, reasons = judge_health(standing, rules, now)
    return Ledger(
        evidence.pair,
        now,
        verdicts,
        tuple(
            [
                SessionOutcome(m.id, m.outcome, m.late, m.absent, in_utc(m.origin), m.replaces)
                for m in meetings
            ]
        ),
        *numbers,
        find_next_session(meetings),
        health,
        reasons,
        find_next_review(plan, meetings, observed_until, rules, now),
    )
