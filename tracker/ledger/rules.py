"""A policy made ready for judging: its numbers as spans of time."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from tracker.ledger.evidence import Policy


class Rules(NamedTuple):
    """The spans of one policy; days are 24 h each, except `grace_days`, which counts local dates."""

    grace_days: int
    reschedule_within: timedelta
    confirm_within: timedelta
    notice: timedelta
    silence_is_held: bool
    escalate_after: int
    stale_after: timedelta


@lru_cache(maxsize=256)
def read_policy(policy: Policy) -> Rules:
    """Turn a policy into spans."""
    return Rules(
        grace_days=policy.grace_days,
        reschedule_within=timedelta(days=policy.reschedule_within_days),
        confirm_within=timedelta(days=policy.confirm_within_days),
        notice=timedelta(hours=policy.notice_hours),
        silence_is_held=policy.unconfirmed_counts_as == "held",
        escalate_after=policy.escalate_after,
        # The schema sets no upper limit: beyond what a timedelta holds, nothing ever goes stale anyway.
        stale_after=timedelta(days=min(policy.stale_after_days, timedelta.max.days)),
    )
