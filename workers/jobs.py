"""The one list of what runs without anybody asking, for the schedule of `cadencia up` and for workers alike.

A job looks into the database for what is due and does a portion of it. It may be killed at any moment, run
twice at once, or not for ten days: rows say what was done. Logs no address, no title, no words of an error.
"""

import logging
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from integrations.registry import Ports, ping_monitor
from tracker.errors import ConnectorError
from tracker.logs import logged_as
from tracker.services.alarms import tell_admins
from tracker.services.attendance import ask_attendance
from tracker.services.carrying import carry_out
from tracker.services.claims import AWAITED, CALENDARS, PAIRS, Stopping, claim_due, claim_one
from tracker.services.digest.post import Post, enqueue_weekly_digests
from tracker.services.endpoint_events import tell_changes
from tracker.services.endpoints import deliver_due
from tracker.services.health import find_ills, take_vitals
from tracker.services.housekeeping import tidy
from tracker.services.leases import held_alone
from tracker.services.mailbox import read_mailbox
from tracker.services.nudges.mailing import SHARES
from tracker.services.nudges.noticing import notice
from tracker.services.nudges.rounds import write_letters
from tracker.services.outbox import send_due
from tracker.services.push import tend_channels
from tracker.services.review import review_claimed
from tracker.services.sync import sync_due, sync_many
from tracker.services.turns import note_end, note_failure

MINUTE = timedelta(minutes=1)
PAIRS_AT_ONCE = 500
MAILS_AT_ONCE = 50
BOOKINGS_AT_ONCE = 20
# No task lasts longer: Celery ends the process of one that does.
HARD_LIMIT = 10 * MINUTE

_log = logging.getLogger(__name__)


class Queue(StrEnum):
    """The queues, in the order in which a worker serves them."""

    CLICKS = "clicks"  # what somebody waits for, and what providers tell us of
    READING = "reading"
    JUDGING = "judging"
    POSTING = "posting"
    BULK = "bulk"


class Turn(Protocol):
    """What a running job may tell whoever runs it."""

    def more(self) -> None:
        """Say that there is more to do than one portion: somebody may begin with the next at once."""

    def heed(self, done: int, of: int) -> None:
        """Pass a point at which the job can be left. Raises Stopping."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do every so often. One that runs `alone` is done by one process at a time."""

    name: str
    every: timedelta
    queue: Queue
    run: Callable[[Ports, datetime, Turn], object]
    alone: bool = False


def read_calendars(ports: Ports, now: datetime, turn: Turn) -> None:
    """Read a portion of the calendars that are due."""
    sync_due(ports, now, turn.heed, turn.more)


def read_awaited(ports: Ports, now: datetime, turn: Turn) -> None:
    """Read a portion of the calendars that are due and that a provider, or their owner, told us of."""
    sync_due(ports, now, turn.heed, turn.more, AWAITED)


def read_calendar(ports: Ports, calendar_id: int) -> None:
    """Read one calendar of which somebody said that it changed, if it still is to be read."""
    now = ports.clock.now()
    if claim_one(ports.store, CALENDARS, calendar_id, now):
        sync_many(ports, [calendar_id], now)


def read_post(ports: Ports, now: datetime, _turn: Turn) -> None:
    """Read what came into the program's own mailbox, where there is one."""
    report = read_mailbox(ports, now)
    if report is not None and report.problem is not None:
        _log.warning("the program's mailbox could not be read: %s", report.problem)


def judge_pairs(ports: Ports, now: datetime, turn: Turn) -> None:
    """Judge a portion of the pairs that are due."""
    claim = claim_due(ports.store, PAIRS, now, PAIRS_AT_ONCE)
    if not claim.is_last:
        turn.more()
    if claim.ids:
        review_claimed(ports.store, claim.ids, now)


def send_mail(ports: Ports, now: datetime, turn: Turn) -> None:
    """Send some of the mails that wait."""
    report = send_due(ports.store, ports.mailer, now, MAILS_AT_ONCE)
    if report.stopped:
        _log.warning("sending mail: %s", report.stopped)
    elif report.sent + report.retried + report.failed >= MAILS_AT_ONCE:
        turn.more()


def write_bookings(ports: Ports, now: datetime, turn: Turn) -> None:
    """Bring into calendars what pairs booked, moved and called off."""
    carried = carry_out(ports, now, BOOKINGS_AT_ONCE)
    if carried.done + carried.later + carried.stuck >= BOOKINGS_AT_ONCE:
        turn.more()


def write_digests(ports: Ports, now: datetime, _turn: Turn) -> None:
    """Write the digests of those whose Monday morning has come."""
    settings = ports.settings
    enqueue_weekly_digests(ports.store, Post(ports.writer, settings.mail_from, settings.base_url), now)


def tell_endpoints(ports: Ports, now: datetime, _turn: Turn) -> None:
    """Tell chats and programs what is new: an endpoint that is out of reach holds up nobody else."""
    tell_changes(ports.store, now)
    deliver_due(ports, now)


def look_after_channels(ports: Ports, now: datetime, turn: Turn) -> None:
    """Have providers tell of changes: open, renew and stop channels."""
    tend_channels(ports, now, turn.heed)


def ask_who_came(ports: Ports, now: datetime, turn: Turn) -> None:
    """Ask who was in the online meetings that ended, where a program wants that."""
    ask_attendance(ports, now, turn.heed)


def notice_what_is_due(ports: Ports, now: datetime, turn: Turn) -> None:
    """Notice what people are to be reminded of, and tell who runs this what only they can mend."""
    tell_admins(ports, now)
    notice(ports.store, now, turn.heed)


def write_reminders(ports: Ports, now: datetime, turn: Turn) -> None:
    """Write to those to whom something is due, a share of the people after the other.

    Free times are asked for one letter after the other, so another process may begin with the next share.
    """

    def heed(done: int, of: int) -> None:
        if done == 1:
            turn.more()
        turn.heed(done, of)

    for share in range(SHARES):
        with held_alone(ports.store, f"reminders:{share}", _holder(), now, HARD_LIMIT) as is_ours:
            if is_ours:
                write_letters(ports, now, heed, share)


def ping(ports: Ports, now: datetime, _turn: Turn) -> None:
    """Give the outside monitor a sign of life, and say there when something is wrong."""
    if ports.settings.monitor_url:
        with ports.store.read() as db:
            ills = find_ills(take_vitals(db, now))
        for ill in ills:
            _log.warning("not well: %s", ill)
        try:
            ping_monitor(ports.settings, is_well=not ills)
        except ConnectorError as error:
            # That no ping came is for the monitor to notice: it is no failure of ours.
            _log.warning("%s", error)


def tidy_up(ports: Ports, now: datetime, turn: Turn) -> None:
    """Take away what is too old to be needed."""
    if tidy(ports.store, now).has_more:
        turn.more()


JOBS = (
    Job("bookings", MINUTE / 12, Queue.CLICKS, write_bookings),
    # Its own job, not an order among all that is due: after a standstill there may be hours of that.
    Job("awaited", MINUTE / 12, Queue.CLICKS, read_awaited),
    Job("reading", MINUTE / 4, Queue.READING, read_calendars),
    Job("mailbox", MINUTE, Queue.READING, read_post, alone=True),
    Job("judging", MINUTE / 2, Queue.JUDGING, judge_pairs),
    # Somebody who asked for a sign-in link sits and waits.
    Job("posting", MINUTE / 12, Queue.POSTING, send_mail),
    Job("endpoints", MINUTE / 2, Queue.POSTING, tell_endpoints),
    Job("monitor", MINUTE, Queue.POSTING, ping, alone=True),
    Job("channels", MINUTE, Queue.BULK, look_after_channels, alone=True),
    Job("attendance", 5 * MINUTE, Queue.BULK, ask_who_came, alone=True),
    Job("noticing", 5 * MINUTE, Queue.BULK, notice_what_is_due, alone=True),
    Job("reminders", 5 * MINUTE, Queue.BULK, write_reminders),
    Job("digests", 5 * MINUTE, Queue.BULK, write_digests, alone=True),
    Job("housekeeping", 60 * MINUTE, Queue.BULK, tidy_up, alone=True),
)


def run_job(ports: Ports, job: Job, turn: Turn) -> None:
    """Run a portion of the job and note how it went. Raises Stopping alone."""
    with logged_as(job=job.name, run=secrets.token_hex(4)):
        _run(ports, job, turn)


def _run(ports: Ports, job: Job, turn: Turn) -> None:
    now = ports.clock.now()
    try:
        if job.alone:
            _run_alone(ports, job, now, turn)
        else:
            job.run(ports, now, turn)
        note_end(ports.store, job.name, now)
    except Stopping:
        raise
    except Exception as error:
        # What an exception says may hold an address: its name has to do.
        _log.error("%s failed (%s); it is tried again", job.name, type(error).__name__)
        _note_failure(ports, job, now, error)


def _run_alone(ports: Ports, job: Job, now: datetime, turn: Turn) -> None:
    with held_alone(ports.store, f"job:{job.name}", _holder(), now, HARD_LIMIT) as is_ours:
        if is_ours:
            job.run(ports, now, turn)


def _note_failure(ports: Ports, job: Job, now: datetime, error: Exception) -> None:
    try:
        note_failure(ports.store, job.name, now, error)
    except Exception as second:
        # Most likely it is the database that failed, both times.
        _log.error("%s: the failure could not be noted (%s)", job.name, type(second).__name__)


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:64]
