"""Periods of which no calendar of a pair can tell, since none of them reaches back so far.

Most calendars tell all their past at the first reading. A feed of Exchange's tells some months of it, and the
program's mailbox what it was invited to since it was connected. What nobody could see never counts as missed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tracker.events import Pull, PullKind
from tracker.ledger import Absence, Away, Cadence
from tracker.ledger.periods import lay_plan
from tracker.models import Calendar, CalendarStatus


def find_unseen(
    calendars: Sequence[Any], agreement: Any, cadence: Cadence, grace_days: int
) -> tuple[Absence, ...]:
    """Return the days of those periods, as an absence of both without a kind; empty where there are none.

    Whole periods: of one that was seen in part nobody knows whether its session lay in the other part.
    """
    connected = [c for c in calendars if c.status is CalendarStatus.CONNECTED]
    if not connected or any(c.shows_from is None for c in connected):
        return ()
    known_from = min(c.shows_from for c in connected)
    # What another calendar showed before it was taken away is known.
    seen = [c.last_read_at for c in calendars if c.shows_from is None and c.last_read_at]
    seen_until = max(seen, default=None)
    plan = lay_plan(agreement.timezone, agreement.starts_on, agreement.ends_on, cadence, grace_days)
    unseen = [
        i
        for i in range(plan.size)
        if plan.bounds[i] < known_from and (seen_until is None or plan.closings[i] > seen_until)
    ]
    if not unseen:
        return ()
    last_on = plan.dates[unseen[-1] + 1].fromordinal(plan.days[unseen[-1] + 1] - 1)
    return (Absence(who=Away.BOTH, first_on=plan.dates[unseen[0]], last_on=last_on),)


def shown_from(calendar: Calendar, pull: Pull) -> datetime | None:
    """Return from when on the calendar is known, now that this was read of it.

    Its first reading since it was connected tells: what it showed from then on was seen, however much of its
    past it drops later. Where it was connected before, and nothing lies between, it is known as it was.
    """
    read_at = calendar.last_read_at
    if pull.kind is not PullKind.FULL or (read_at is not None and read_at >= calendar.connected_at):
        return calendar.shows_from
    if pull.shows_from is None:
        return None
    known_from = min(pull.shows_from, calendar.connected_at)
    return calendar.shows_from if read_at is not None and known_from <= read_at else known_from
