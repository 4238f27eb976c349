"""How the installation itself is: figures from the database, and what they mean. Holds nothing of any person.

Looks at counts and ages alone, with queries whose cost is bounded or goes with what waits, not with history.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.models import (
    Calendar,
    CalendarStatus,
    Credential,
    CredentialStatus,
    Heartbeat,
    LanePause,
    OutboxMail,
    OutboxState,
    Pair,
)
from tracker.services.outbox import IS_EVENT, IS_MAIL, UNSENT, longest_waiting

# The beat ticks every second; so long without a tick and nobody is at work.
STANDSTILL = timedelta(minutes=5)
# Turns that are given out, and none of them taken for so long: longer than any task can last.
IDLE = timedelta(minutes=15)
FAILURES_IN_A_ROW = 3
MAIL_LATE = timedelta(minutes=30)
READING_LATE = timedelta(hours=1)
JUDGING_LATE = timedelta(hours=1)
# Calendars that were not read for so long make their pairs' ledgers stale (the ledger's own default).
STALE = timedelta(days=3)
# Ages of calendars are counted up to each of these.
AGES = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), STALE)
RECENT_MAILS = 1_000
RECENT = timedelta(hours=1)
SHARES = (0.5, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class JobVitals:
    """One job of the schedule; `failures` are those in a row."""

    name: str
    ticked_at: datetime
    ended_at: datetime | None
    failed_at: datetime | None
    failures: int
    error: str | None


@dataclass(frozen=True, slots=True)
class CalendarVitals:
    """The connected calendars: how many, how old the last reading, how late the next one.

    `read_within` counts those that were read to their end no longer ago than each of AGES.
    """

    connected: int
    read_within: tuple[int, ...]
    never_read: int
    oldest_read_at: datetime | None
    most_overdue_at: datetime | None
    problems: Mapping[str, int]

    @property
    def stale(self) -> int:
        """Return how many were not read for three days, or never."""
        return self.connected - self.read_within[-1]


@dataclass(frozen=True, slots=True)
class OutboxVitals:
    """What is on its way out, and since when the mail and the event wait that have waited longest.

    `stuck_since` is the same of mail that was never tried, or that stands in a line where nothing moves: one
    that a full mailbox puts off while others arrive is that mailbox's trouble. `dwell_s` are the seconds that
    the mail of the last hour had waited when it was sent, at each of SHARES.
    """

    waiting: int
    dead: int
    mail_since: datetime | None
    event_since: datetime | None
    stuck_since: datetime | None
    dwell_s: tuple[float, ...]
    paused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vitals:
    """The installation at one moment."""

    now: datetime
    jobs: Sequence[JobVitals]
    calendars: CalendarVitals
    outbox: OutboxVitals
    refused_consents: int
    pairs_due: int
    pairs_due_since: datetime | None

    @property
    def last_tick_at(self) -> datetime | None:
        """Return when any job had its turn last."""
        return max((job.ticked_at for job in self.jobs), default=None)

    @property
    def idle_since(self) -> datetime | None:
        """Return when a job ended last, well or not, if that is long ago; None while somebody is at work.

        Where none ever did: when the turn was given out that has waited longest for a second one.
        """
        ends = [at for job in self.jobs for at in (job.ended_at, job.failed_at) if at]
        since = max(ends) if ends else min((job.ticked_at for job in self.jobs), default=None)
        return since if since and self.now - since > IDLE else None


def take_vitals(db: OrmSession, now: datetime) -> Vitals:
    """Return how the installation is."""
    return Vitals(
        now=now,
        jobs=[
            JobVitals(row.name, row.ticked_at, row.ended_at, row.failed_at, row.failures, row.error)
            for row in db.scalars(select(Heartbeat).order_by(Heartbeat.name))
        ],
        calendars=_calendars(db, now),
        outbox=_outbox(db, now),
        refused_consents=_count(db, Credential.status == CredentialStatus.REFUSED),
        pairs_due=_count(db, Pair.review_due_at <= now),
        pairs_due_since=db.scalar(select(func.min(Pair.review_due_at)).where(Pair.review_due_at <= now)),
    )


def find_ills(vitals: Vitals) -> list[str]:
    """Return what is wrong with the installation's own work, in words; empty while all goes on.

    What only people can mend (a dead letter, a calendar whose owner has to connect it again) is in the
    figures, and does not count here: whoever is woken at night should be able to do something.
    """
    return list(_ills(vitals))


def _ills(vitals: Vitals) -> Iterator[str]:
    now = vitals.now
    if vitals.last_tick_at is None or now - vitals.last_tick_at > STANDSTILL:
        yield "the schedule stands still"
    elif vitals.idle_since:
        yield "nobody does the work: is `cadencia worker` running?"
    for job in vitals.jobs:
        if job.failures >= FAILURES_IN_A_ROW:
            yield f"the job {job.name} failed {job.failures} times in a row ({job.error})"
    # Events are no mail: an endpoint out of reach is for whoever added it, and the doctor names it.
    since = vitals.outbox.stuck_since
    if since and now - since > MAIL_LATE:
        yield "mail is late"
    if "mail" in vitals.outbox.paused:
        yield "the mail server is out of reach"
    overdue = vitals.calendars.most_overdue_at
    if overdue and now - overdue > READING_LATE:
        yield "the reading of calendars is behind"
    if vitals.pairs_due_since and now - vitals.pairs_due_since > JUDGING_LATE:
        yield "the judging of pairs is behind"


def _calendars(db: OrmSession, now: datetime) -> CalendarVitals:
    connected = Calendar.status == CalendarStatus.CONNECTED
    within = [func.sum(case((Calendar.last_read_at >= now - age, 1), else_=0)) for age in AGES]
    never = func.sum(case((Calendar.last_read_at.is_(None), 1), else_=0))
    oldest, overdue = func.min(Calendar.last_read_at), func.min(Calendar.next_read_at)
    row = db.execute(select(func.count(), never, oldest, overdue, *within).where(connected)).one()
    problems = db.execute(
        select(Calendar.problem, func.count())
        .where(connected, Calendar.problem.is_not(None))
        .group_by(Calendar.problem)
    )
    count, unread, oldest_at, overdue_at, *read = row
    return CalendarVitals(
        connected=count,
        read_within=tuple(number or 0 for number in read),
        never_read=unread or 0,
        oldest_read_at=oldest_at,
        most_overdue_at=overdue_at if overdue_at and overdue_at <= now else None,
        problems={str(problem): number for problem, number in problems},
    )


def _outbox(db: OrmSession, now: datetime) -> OutboxVitals:
    paused = select(LanePause.lane).where(LanePause.until > now).order_by(LanePause.lane)
    return OutboxVitals(
        waiting=_count(db, UNSENT),
        dead=_count(db, OutboxMail.state == OutboxState.FAILED),
        mail_since=_waits_since(db, IS_MAIL),
        event_since=_waits_since(db, IS_EVENT),
        stuck_since=_waits_since(db, and_(IS_MAIL, or_(OutboxMail.attempts == 0, _nothing_sent_since()))),
        dwell_s=_dwell(db, now),
        paused=tuple(db.scalars(paused)),
    )


def _waits_since(db: OrmSession, which: ColumnElement[bool]) -> datetime | None:
    row = longest_waiting(db, which)
    return row.created_at if row else None


def _nothing_sent_since() -> ColumnElement[bool]:
    latest = select(func.max(_LATEST_SENT.c.sent_at)).scalar_subquery()
    return or_(latest.is_(None), OutboxMail.created_at > latest)


# By number, newest first: there is no index by time of sending, and none is worth having for this.
_LATEST_SENT = (
    select(OutboxMail.created_at, OutboxMail.sent_at)
    .where(OutboxMail.state == OutboxState.SENT, IS_MAIL)
    .order_by(OutboxMail.id.desc())
    .limit(RECENT_MAILS)
    .subquery()
)


def _dwell(db: OrmSession, now: datetime) -> tuple[float, ...]:
    waits = sorted(
        (sent_at - created_at).total_seconds()
        for created_at, sent_at in db.execute(select(_LATEST_SENT))
        if sent_at and now - sent_at <= RECENT
    )
    return tuple(waits[round(share * (len(waits) - 1))] for share in SHARES) if waits else ()


def _count(db: OrmSession, which: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).where(which)) or 0
