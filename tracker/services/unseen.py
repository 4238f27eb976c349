"""Periods of which no calendar of a pair can tell: a mailbox knows nothing from before it was asked.

A connected calendar tells its past at the first reading; a mailbox tells sessions from when people began to
invite it. Never lets what it can not know count as missed.
"""

from collections.abc import Sequence
from typing import Any

from tracker.ledger import Absence, Away, Cadence
from tracker.ledger.periods import lay_plan
from tracker.models import CalendarStatus, Provider


def find_unseen(
    calendars: Sequence[Any], agreement: Any, cadence: Cadence, grace_days: int
) -> tuple[Absence, ...]:
    """Return the days of those periods, as an absence of both without a kind; empty where there are none.

    Whole periods: of one that was seen in part nobody knows whether its session lay in the other part.
    """
    connected = [c for c in calendars if c.status is CalendarStatus.CONNECTED]
    if not connected or any(c.provider is not Provider.MAILBOX for c in connected):
        return ()
    asked_at = min(c.connected_at for c in connected)
    # What another calendar showed before it was taken away is known.
    seen = [c.last_read_at for c in calendars if c.provider is not Provider.MAILBOX and c.last_read_at]
    seen_until = max(seen, default=None)
    plan = lay_plan(agreement.timezone, agreement.starts_on, agreement.ends_on, cadence, grace_days)
    unseen = [
        i
        for i in range(plan.size)
        if plan.bounds[i] < asked_at and (seen_until is None or plan.closings[i] > seen_until)
    ]
    if not unseen:
        return ()
    last_on = plan.dates[unseen[-1] + 1].fromordinal(plan.days[unseen[-1] + 1] - 1)
    return (Absence(who=Away.BOTH, first_on=plan.dates[unseen[0]], last_on=last_on),)
