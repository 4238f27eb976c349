"""Doing at the provider what bookings ask for: one at a time, and each as if it could be the second try.

The provider is called outside of any transaction. An entry carries the booking's reference, so a second try
finds what the first one wrote; before an entry is moved or cancelled it is looked at, and what somebody
changed there meanwhile holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import ConnectorError
from tracker.models import TO_DO, Booking, BookingState, Person
from tracker.ports import Diary, Entry, Invitee, Meeting
from tracker.services.audit import Act, record
from tracker.services.connections import read_soon
from tracker.services.hosts import Account, DiaryPorts, find_hosts, load_accounts, open_diary
from tracker.services.inviting import enqueue_invitations, notes_of, title_of
from tracker.services.outbox import backoff_s
from tracker.store import Store

# Longer than any one call can take: a lease that runs out means that the process which held it is gone.
LEASE = timedelta(minutes=10)
MOST_TRIES = 40  # about a week with these waits; then a person has to look at it
LOOKS = 3  # an entry that changes between every look and the next is left for later

# What may pass by itself. After the first few nobody knows whether the provider did what it was asked.
_UNSURE = frozenset({"unreachable", "server_error", "not_a_calendar", "cut_off"})
_PASSING = _UNSURE | {"rate_limited", "changed", "token_refused", "untrusted", "proxy_refused"}

MOVED_THERE, CANCELLED_THERE = "moved_there", "cancelled_there"
TOO_LATE, INTERNAL, NO_CALENDAR = "too_late", "internal", "no_calendar"


_Hold = Callable[[], None]


@dataclass(slots=True)
class Carried:
    """What became of the bookings that were due; `stuck` ones wait for a person."""

    done: int = 0
    later: int = 0
    stuck: int = 0


@dataclass(frozen=True, slots=True)
class _Job:
    """A booking that this process alone may see to now. `attempt` fences off whoever held it before."""

    id: int
    attempt: int
    tries: int
    wanted: int
    state: BookingState
    account: Account
    meeting: Meeting
    entry_id: str | None
    stands_at: datetime | None
    was_unsure: bool
    aims: frozenset[int] = frozenset()  # starts, in seconds, that earlier tries gave it, or may have


class _Outrun(Exception):
    """The lease ran out, and somebody else sees to the booking by now."""


@dataclass(frozen=True, slots=True)
class _Done:
    """How it ended; `entry` is what stands at the provider now, None where nothing does."""

    state: BookingState
    entry: Entry | None = None
    problem: str | None = None


def carry_out(ports: DiaryPorts, now: datetime, limit: int = 50) -> Carried:
    """Do what up to `limit` bookings ask for that are due, earliest first.

    Any number of processes may do this at once.
    """
    report = Carried()
    for _ in range(limit):
        with ports.store.write() as db:
            claim = _claim_next(db, now, report)
        if claim is None:
            break
        # Died here, or anywhere below where nothing else is said: the lease runs out, and the next one goes
        # on from what the row says.
        with ports.store.write() as db:
            booking = _held(db, *claim)
            job = _prepare(db, ports, booking, now, report) if booking else None
        # Died here: nothing was asked of the provider. The row says `unsure` all the same.
        if job is not None:
            _carry(ports, job, now, report)
    return report


def _claim_next(db: OrmSession, now: datetime, report: Carried) -> tuple[int, int] | None:
    """Lease the next booking that is due: its id and the number of the attempt. None where none is."""
    while booking := _next_due(db, now):
        if booking.leased_until is None or booking.tries < MOST_TRIES:
            booking.attempts += 1
            booking.tries += 1
            booking.leased_until = now + LEASE
            return booking.id, booking.attempts
        _get_stuck(booking, INTERNAL, report)  # it ends its process at every try
        db.flush()
    return None


def _next_due(db: OrmSession, now: datetime) -> Booking | None:
    # SQLite has no SKIP LOCKED and needs none: there only one process writes at a time.
    due = (
        Booking.state.in_(TO_DO),
        Booking.due_at <= now,
        or_(Booking.leased_until.is_(None), Booking.leased_until <= now),
    )
    query = select(Booking).where(*due).order_by(Booking.due_at, Booking.id).limit(1)
    return db.scalars(query.with_for_update(of=Booking, skip_locked=True)).one_or_none()


def _prepare(
    db: OrmSession, ports: DiaryPorts, booking: Booking, now: datetime, report: Carried
) -> _Job | None:
    """Return what is to be done at the provider; where none is needed, do it at once and return None."""
    if booking.state is not BookingState.CANCEL and booking.starts_at <= now:
        _get_stuck(booking, TOO_LATE, report)
        return None
    if _is_moot(booking):
        booking.state, booking.due_at, booking.leased_until = BookingState.CANCELLED, None, None
        report.done += 1
        return None
    account = None if booking.by_mail else _account_of(db, ports, booking)
    if account is not None:
        was_unsure = booking.unsure
        booking.calendar_id = account.calendar.id
        # From here on nobody knows, until the outcome is written, whether the provider has it.
        booking.unsure = booking.unsure or booking.state is BookingState.CREATE
        job = _job(db, ports, booking, account, was_unsure=was_unsure)
        if booking.state is BookingState.MOVE:
            booking.aims = [*booking.aims, int(booking.starts_at.timestamp())]
        return job
    if booking.by_mail or _may_choose(booking):
        _go_by_mail(db, ports, booking, now, report)
    else:
        _get_stuck(booking, NO_CALENDAR, report)
    return None


def _is_moot(booking: Booking) -> bool:
    """Tell whether there is surely nothing to call off."""
    is_written = booking.by_mail or booking.provider_event_id is not None
    return booking.state is BookingState.CANCEL and not booking.unsure and not is_written


def _may_choose(booking: Booking) -> bool:
    """Tell whether another calendar, or mail, will do: surely nothing was written anywhere yet."""
    return booking.state is BookingState.CREATE and not booking.unsure and booking.provider_event_id is None


def _account_of(db: OrmSession, ports: DiaryPorts, booking: Booking) -> Account | None:
    people = [booking.pair.mentor_id, booking.pair.mentee_id]
    chosen = [a for a in load_accounts(db, ports.vault, people) if a.calendar.id == booking.calendar_id]
    if not chosen and _may_choose(booking):
        chosen = find_hosts(db, ports, booking.pair, booking.asked_by)
    return chosen[0] if chosen else None


def _job(db: OrmSession, ports: DiaryPorts, booking: Booking, account: Account, *, was_unsure: bool) -> _Job:
    pair, host = booking.pair, db.get_one(Person, account.person_id)
    meeting = Meeting(
        reference=booking.reference,
        title=title_of(pair, host.language),
        notes=notes_of(pair, host.language, ports.settings.base_url),
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        timezone=host.timezone,
        invitees=tuple(_invitee(person, account) for person in (pair.mentor, pair.mentee)),
        online=booking.online,
    )
    return _Job(
        id=booking.id,
        attempt=booking.attempts,
        tries=booking.tries,
        wanted=booking.wanted,
        state=booking.state,
        account=account,
        meeting=meeting,
        entry_id=booking.provider_event_id,
        stands_at=booking.stands_at,
        was_unsure=was_unsure,
        aims=frozenset(booking.aims),
    )


def _invitee(person: Person, account: Account) -> Invitee:
    # The host is on the entry as the account that it is written to, or would be invited a second time.
    is_host = person.id == account.person_id and "@" in account.address
    return Invitee(person.name, account.address if is_host else person.email)


def _carry(ports: DiaryPorts, job: _Job, now: datetime, report: Carried) -> None:
    try:
        done = _DO[job.state](open_diary(ports, job.account), job, partial(_hold, ports.store, job))
    except _Outrun:
        return
    except ConnectorError as error:
        _settle_failure(ports, job, error, now, report)
    else:
        # Died here: the provider has it and the row does not know. The next try finds the entry by its
        # reference, or sees that it already is as it was asked to be, and writes no second one.
        _settle(ports, job, done, now, report)


def _hold(store: Store, job: _Job) -> None:
    """Make sure, after a look and before what it leads to, that the booking is still ours. Raises _Outrun.

    Whoever has it by now looks at the entry later than we did: if they change it first, ours is refused as
    out of date, and we come by here again; if we do, they see it.
    """
    with store.read() as db:
        if db.scalar(select(Booking.attempts).where(Booking.id == job.id)) != job.attempt:
            raise _Outrun


def _create(diary: Diary, job: _Job, hold: _Hold) -> _Done:
    entry = diary.create(job.meeting)
    if entry.is_cancelled:
        return _Done(BookingState.CANCELLED, entry, CANCELLED_THERE)
    if _is_as_wanted(entry, job):
        return _Done(BookingState.WRITTEN, entry)
    if job.wanted == 1:
        # An earlier try wrote it, and nobody asked us for another time since: it was moved there.
        return _Done(BookingState.WRITTEN, entry, MOVED_THERE)
    return _move(diary, replace(job, entry_id=entry.provider_event_id, stands_at=None), hold)


def _move(diary: Diary, job: _Job, hold: _Hold) -> _Done:
    for _ in range(LOOKS):
        entry = _look(diary, job)
        if isinstance(entry, _Done):
            return entry
        if _is_as_wanted(entry, job):
            return _Done(BookingState.WRITTEN, entry)
        hold()
        try:
            moved = diary.move(entry, job.meeting.starts_at, job.meeting.ends_at)
            return _Done(BookingState.WRITTEN, moved)
        except ConnectorError as error:
            if error.code != "changed":
                raise
    raise ConnectorError("The entry keeps changing.", code="changed")


def _cancel(diary: Diary, job: _Job, hold: _Hold) -> _Done:
    if job.entry_id is None:
        # An earlier try may have written it. This finds it, or writes what is cancelled at once.
        entry = diary.create(job.meeting)
        job = replace(job, entry_id=entry.provider_event_id, stands_at=entry.starts_at)
    for _ in range(LOOKS):
        found = _look(diary, job)
        if isinstance(found, _Done):
            return replace(found, problem=None) if found.state is BookingState.CANCELLED else found
        hold()
        try:
            diary.cancel(found)
            return _Done(BookingState.CANCELLED, replace(found, is_cancelled=True))
        except ConnectorError as error:
            if error.code != "changed":
                raise
    raise ConnectorError("The entry keeps changing.", code="changed")


_DO = {BookingState.CREATE: _create, BookingState.MOVE: _move, BookingState.CANCEL: _cancel}


def _look(diary: Diary, job: _Job) -> Entry | _Done:
    """Return the entry, or how it ends where somebody changed it there: the calendar wins."""
    entry = diary.look(job.entry_id or "")
    if entry is None or entry.is_cancelled:
        return _Done(BookingState.CANCELLED, entry, CANCELLED_THERE)
    was_moved = job.stands_at is not None and entry.starts_at != job.stands_at
    # An earlier try may have moved it: that was us, and nobody's wish is to give way to it.
    by_us = int(entry.starts_at.timestamp()) in job.aims
    if was_moved and not by_us and not _is_as_wanted(entry, job):
        return _Done(BookingState.WRITTEN, entry, MOVED_THERE)
    return entry


def _is_as_wanted(entry: Entry, job: _Job) -> bool:
    return (entry.starts_at, entry.ends_at) == (job.meeting.starts_at, job.meeting.ends_at)


def _settle(ports: DiaryPorts, job: _Job, done: _Done, now: datetime, report: Carried) -> None:
    with ports.store.write() as db:
        booking = _held(db, job.id, job.attempt)
        if booking is None:
            return
        booking.leased_until, booking.unsure, booking.tries, booking.aims = None, False, 0, []
        if done.entry is not None:
            booking.provider_event_id = done.entry.provider_event_id
            booking.version = done.entry.version
            booking.stands_at = done.entry.starts_at
        # The ledger is to see it at once.
        read_soon(db, [booking.pair.mentor_id, booking.pair.mentee_id], _act(now))
        if booking.wanted != job.wanted and done.state is BookingState.WRITTEN:
            # Something else was asked for in the meantime: it is done next, to what stands there now.
            if booking.state is BookingState.CREATE:
                booking.state = BookingState.MOVE
            report.later += 1
            return
        booking.state, booking.problem, booking.due_at = done.state, done.problem, None
        if done.entry is not None and done.state is BookingState.WRITTEN:
            booking.starts_at, booking.ends_at = done.entry.starts_at, done.entry.ends_at
        record(db, _act(now), f"booking.{done.state}", f"booking:{booking.id}", problem=done.problem)
        report.done += 1


def _settle_failure(
    ports: DiaryPorts, job: _Job, error: ConnectorError, now: datetime, report: Carried
) -> None:
    # Died before this: the lease runs out, and the refusal is simply heard again.
    with ports.store.write() as db:
        booking = _held(db, job.id, job.attempt)
        if booking is None:
            return
        booking.leased_until = None
        booking.unsure = job.was_unsure or (job.state is BookingState.CREATE and error.code in _UNSURE)
        booking.problem = error.code
        if error.code in _PASSING or error.retry_after_s is not None:
            if job.tries >= MOST_TRIES:
                _get_stuck(booking, error.code, report)
                return
            wait_s = max(error.retry_after_s or 0, backoff_s(job.id, job.tries))
            booking.due_at = now + timedelta(seconds=wait_s)
            report.later += 1
        elif booking.wanted != job.wanted:
            booking.due_at = now  # what is asked for now may well be possible
            report.later += 1
        elif _may_choose(booking):
            _choose_another(db, ports, booking, now)
            report.later += 1
        else:
            _get_stuck(booking, error.code, report)


def _held(db: OrmSession, booking_id: int, attempt: int) -> Booking | None:
    """Return the booking if it is still ours to see to: who slept past the lease changes nothing."""
    booking = db.get(Booking, booking_id, with_for_update=True)
    if booking is None or booking.attempts != attempt or booking.leased_until is None:
        return None
    return booking


def _choose_another(db: OrmSession, ports: DiaryPorts, booking: Booking, now: datetime) -> None:
    """Let the next of the two's calendars have it, after the last one the mail."""
    ids = [host.calendar.id for host in find_hosts(db, ports, booking.pair, booking.asked_by)]
    after = ids[ids.index(booking.calendar_id) + 1 :] if booking.calendar_id in ids else ids
    booking.calendar_id = after[0] if after else None
    booking.by_mail = not after
    booking.due_at = now


def _go_by_mail(db: OrmSession, ports: DiaryPorts, booking: Booking, now: datetime, report: Carried) -> None:
    booking.by_mail = True
    enqueue_invitations(db, ports, booking, now)
    is_off = booking.state is BookingState.CANCEL
    booking.state = BookingState.CANCELLED if is_off else BookingState.WRITTEN
    booking.stands_at, booking.problem, booking.due_at = booking.starts_at, None, None
    booking.leased_until = None
    record(db, _act(now), f"booking.{booking.state}", f"booking:{booking.id}", by_mail=True)
    report.done += 1


def _get_stuck(booking: Booking, reason: str, report: Carried) -> None:
    booking.problem, booking.due_at, booking.leased_until = reason, None, None
    report.stuck += 1


def _act(now: datetime) -> Act:
    return Act(None, "schedule", now)
