"""The ledgers of the sample company if every calendar and every word is known, without a database.

The way through files, sync and services is tried in test_demo.py; this is for trying many moments quickly.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dateutil.rrule import rrulestr

from tracker.ledger import (
    Absence,
    Away,
    Cadence,
    Evidence,
    Ledger,
    Observation,
    Session,
    Side,
    Statement,
    Status,
    Unit,
    judge,
)
from workers.demo.agenda import Change, Meeting
from workers.demo.company import STALE, STALE_SINCE, Company
from workers.demo.plot import Plot


def judge_company(company: Company) -> dict[str, Ledger]:
    """Return the ledger of every pair by its key."""
    return {plot.key: judge(_evidence(company, plot), now=company.now) for plot in company.plots}


def _evidence(company: Company, plot: Plot) -> Evidence:
    term = plot.term
    stale = plot.mentor.name == STALE
    return Evidence(
        pair=plot.key,
        timezone=plot.mentee.office.timezone,
        starts_on=term.starts[0],
        ends_on=term.ends_on,
        cadence=Cadence(sessions=term.per_period, every=term.weeks or 1, unit=Unit(term.unit)),
        observed_until=company.now - (STALE_SINCE if stale else timedelta()),
        sessions=tuple(_sessions(company, plot)),
        absences=tuple(
            Absence(who=Away.MENTEE, first_on=first, last_on=last) for _, first, last in plot.leaves
        ),
    )


def _sessions(company: Company, plot: Plot) -> Iterator[Session]:
    both = {plot.mentor, plot.mentee}
    meetings = [m for m in company.tagged if both <= {m.organiser, *m.guests} and m.minutes == 45]
    for meeting in meetings:
        for number, changes in enumerate(_histories(meeting, company.now)):
            yield Session(
                id=f"{meeting.uid}/{number}",
                observations=tuple(_observation(plot, meeting, change) for change in changes),
                statements=tuple(_statements(plot, changes[-1].start, company.now)),
            )


def _histories(meeting: Meeting, now: datetime) -> Iterator[list[Change]]:
    if not meeting.repeat:
        known = [c for c in meeting.history if c.at <= now]
        if known:
            yield known
        return
    first = meeting.history[0].start
    until = meeting.ends[-1][1].astimezone(first.tzinfo).replace(tzinfo=None)
    start = first.replace(tzinfo=None)
    for naive in rrulestr(meeting.repeat, dtstart=start).between(start, until, inc=True):
        slot = naive.replace(tzinfo=first.tzinfo)
        changes = [Change(meeting.created, slot)]
        changes += [c for c in meeting.exceptions.get(slot, ()) if c.at <= now]
        if slot in meeting.dropped:
            changes.append(Change(meeting.dropped[slot], slot, cancelled=True))
        yield changes


def _observation(plot: Plot, meeting: Meeting, change: Change) -> Observation:
    start = change.start.astimezone(UTC)
    return Observation(
        at=change.at.astimezone(UTC),
        starts_at=start,
        ends_at=start + timedelta(minutes=meeting.minutes),
        status=Status.CANCELLED if change.cancelled else Status.CONFIRMED,
        declined_by=tuple(side for side in Side if plot.address(side) in change.declined),
    )


def _statements(plot: Plot, start: datetime, now: datetime) -> Iterator[Statement]:
    for said in plot.said:
        if said.start.astimezone(UTC) == start.astimezone(UTC) and said.at <= now:
            yield Statement(
                by=Side(said.side), at=said.at, held=said.held, absent=tuple(map(Side, said.absent))
            )
