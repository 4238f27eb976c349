"""Reading people's calendars. The network comes first, then one transaction for rows and cursor together.

A reading that fails leaves everything as it was, and says so on the calendar. Never logs an address, a title
or what a provider answered.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import ConnectorError, SyncTokenExpired
from tracker.events import Pull, PullKind, SetAside
from tracker.models import Calendar, CalendarStatus, Copy, Person, Provider
from tracker.models.base import UtcDateTime
from tracker.models.calendars import address_binding, cursor_binding
from tracker.ports import Access, Sources, Vault
from tracker.services import rhythm
from tracker.services.audit import Act, record
from tracker.services.claims import CALENDARS, Stopping, claim_due, give_back
from tracker.services.credentials import CredentialPorts, access_of
from tracker.services.intake import NOTHING, Intake, shows_the_same, take_pull
from tracker.services.review import note_reading
from tracker.services.scope import Owner, Scope, load_scope
from tracker.store import Store

MASS_REMOVAL = "mass_removal"
INTERNAL = "internal"
THREADS = 4
PORTION = 64  # calendars that are claimed at once
MOST_SET_ASIDE = 50  # shown to the owner; a calendar with more of them has one and the same trouble

Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


class SyncPorts(CredentialPorts, Protocol):
    """What a reading needs of the outside world; `integrations.registry` opens it."""

    @property
    def sources(self) -> Sources:
        """Return what opens calendars."""


class Outcome(StrEnum):
    """How a reading went. `held`: it would have removed too many sessions and waits for a person."""

    READ = "read"
    UNCHANGED = "unchanged"
    HELD = "held"
    FAILED = "failed"
    NOT_NEEDED = "not_needed"  # nobody is paired with the owner, or another process was faster


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What came of one calendar; `problem` is a stable code, None where it was read to its end."""

    calendar_id: int
    person: str
    provider: Provider
    outcome: Outcome
    problem: str | None = None
    intake: Intake = NOTHING
    looked_at: int = 0
    set_aside: tuple[SetAside, ...] = ()


@dataclass(frozen=True, slots=True)
class _Job:
    """One reading to be done; `sealed` is the address as stored, to tell whether it still is that one.

    `is_rescoped`: what is asked now is not what was asked last. `due_at` is when the calendar was to be read
    next as the job was prepared: another time in the end means that somebody wished for another reading.
    """

    calendar_id: int
    person: str
    provider: Provider
    sealed: str = field(repr=False)
    address: str = field(repr=False)
    cursor: str | None = field(repr=False)
    access: Access | None
    scope: Scope
    last_read_at: datetime | None
    due_at: datetime | None
    is_rescoped: bool

    def result(self, outcome: Outcome, problem: str | None = None) -> SyncResult:
        """Return how it went."""
        return SyncResult(self.calendar_id, self.person, self.provider, outcome, problem)


def sync_calendar(ports: SyncPorts, calendar_id: int, now: datetime) -> SyncResult:
    """Read one connected calendar and take in what changed."""
    job = _prepare(ports, calendar_id, now)
    if isinstance(job, SyncResult):
        return job
    return _finish(ports, job, _pull(ports.sources, job), now)


def sync_due(
    ports: SyncPorts,
    now: datetime,
    on_progress: Progress | None = None,
    on_more: Callable[[], None] | None = None,
) -> list[SyncResult]:
    """Read a portion of the calendars whose time has come, and which nobody else is reading.

    `on_more` is called before the first is read if more than this portion was due. Where `on_progress` raises
    Stopping, the calendars that were not read are due again.
    """
    claim = claim_due(ports.store, CALENDARS, now, PORTION)
    if on_more and not claim.is_last:
        on_more()
    try:
        return sync_many(ports, claim.ids, now, on_progress)
    except Stopping:
        give_back(ports.store, CALENDARS, claim.ids, now)
        raise


def sync_all(
    ports: SyncPorts,
    now: datetime,
    *,
    person_id: int | None = None,
    on_progress: Progress | None = None,
) -> list[SyncResult]:
    """Read all connected calendars now, or those of one person; in the order of their ids."""
    connected = select(Calendar.id).where(Calendar.status == CalendarStatus.CONNECTED)
    if person_id is not None:
        connected = connected.where(Calendar.person_id == person_id)
    with ports.store.read() as db:
        ids = db.scalars(connected.order_by(Calendar.id)).all()
    return sync_many(ports, ids, now, on_progress)


def accept_removals(db: OrmSession, calendar_id: int, act: Act) -> None:
    """Let as many sessions go from this calendar as its last reading wanted to remove; read it soon."""
    calendar = db.get_one(Calendar, calendar_id)
    calendar.removals_accepted = calendar.removals_held
    calendar.next_read_at = act.at
    record(db, act, "removals.accepted", f"calendar:{calendar_id}", count=calendar.removals_held)


def sync_many(
    ports: SyncPorts, calendar_ids: Iterable[int], now: datetime, on_progress: Progress | None = None
) -> list[SyncResult]:
    """Read these calendars, several at once; return how it went, in the order of their ids."""
    ids = list(calendar_ids)
    results = []
    for result in _results(ports, ids, now):
        results.append(result)
        if on_progress:
            on_progress(len(results), len(ids))
    return sorted(results, key=lambda result: result.calendar_id)


def _results(ports: SyncPorts, ids: list[int], now: datetime) -> Iterator[SyncResult]:
    """Pull in a few threads, take in one after the other: SQLite has one writer at a time anyway."""
    running: dict[Future[Pull | ConnectorError], _Job] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="sync") as pool:
        for calendar_id in ids:
            job = _prepare(ports, calendar_id, now)
            if isinstance(job, SyncResult):
                yield job
                continue
            running[pool.submit(_pull, ports.sources, job)] = job
            if len(running) >= 2 * THREADS:
                yield from _finish_done(ports, running, now)
        while running:
            yield from _finish_done(ports, running, now)


def _finish_done(
    ports: SyncPorts, running: dict[Future[Pull | ConnectorError], _Job], now: datetime
) -> Iterator[SyncResult]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield _finish_safely(ports, running.pop(future), future, now)


def _prepare(ports: SyncPorts, calendar_id: int, now: datetime) -> _Job | SyncResult:
    with ports.store.read() as db:
        calendar: Any = db.connection().execute(_CALENDAR, {"calendar": calendar_id}).one()
        owner = Owner(calendar.person_id, calendar.timezone, calendar.reads_absences)
        scope = load_scope(db, owner, ports.settings, now)
    if scope is None or calendar.status is not CalendarStatus.CONNECTED:
        _look_again_later(ports.store, calendar_id, now)
        return SyncResult(calendar_id, calendar.email, calendar.provider, Outcome.NOT_NEEDED)
    is_rescoped = calendar.scope != scope.digest
    cursor = None if is_rescoped else calendar.cursor
    return _Job(
        calendar_id=calendar_id,
        person=calendar.email,
        provider=calendar.provider,
        sealed=calendar.address,
        address=ports.vault.open(calendar.address, address_binding(owner.id)),
        cursor=ports.vault.open(cursor, cursor_binding(owner.id)) if cursor else None,
        access=access_of(ports, calendar),
        scope=scope,
        last_read_at=calendar.last_read_at,
        due_at=calendar.next_read_at,
        is_rescoped=is_rescoped,
    )


# Most readings bring nothing. Theirs are the statements that are written once, here and where they are asked
# of others: to make a statement costs more than to run it, and to load a row as an object more than that.
_CALENDAR = (
    select(
        Calendar.person_id,
        Calendar.provider,
        Calendar.status,
        Calendar.address,
        Calendar.cursor,
        Calendar.scope,
        Calendar.credential_id,
        Calendar.reads_absences,
        Calendar.last_read_at,
        Calendar.next_read_at,
        Person.email,
        Person.timezone,
    )
    .join(Person, Person.id == Calendar.person_id)
    .where(Calendar.id == bindparam("calendar"))
)
_AS_BEFORE = (
    select(Calendar.next_read_at)
    .where(Calendar.id == bindparam("calendar"), Calendar.status == CalendarStatus.CONNECTED)
    .where(Calendar.address == bindparam("sealed"))
    .where(Calendar.last_read_at.is_not_distinct_from(bindparam("read_before", type_=UtcDateTime)))
    .with_for_update()
)
_TOLD = select(Calendar.looked_at, Calendar.set_aside).where(Calendar.id == bindparam("calendar"))
_GOOD: dict[str, Any] = {
    "last_read_at": bindparam("now"),
    "last_tried_at": bindparam("now"),
    "next_read_at": bindparam("then"),
    "problem": None,
    "failures": 0,
    "claims": 0,
    "removals_held": 0,
    "removals_accepted": 0,
}
_READ = update(Calendar).where(Calendar.id == bindparam("calendar")).values(_GOOD)
_READ_ON = _READ.values(cursor=bindparam("new_cursor"))


def _pull(sources: Sources, job: _Job) -> Pull | ConnectorError:
    try:
        source = sources.open(job.provider, job.address, job.scope.timezone, job.access)
        try:
            return source.pull(job.cursor, job.scope.window, job.scope.rules)
        except SyncTokenExpired:
            return source.pull(None, job.scope.window, job.scope.rules)
    except ConnectorError as error:
        return error
    except Exception as error:
        # A broken connector must not stop the other calendars. What the exception says may hold anything
        # that was in the calendar: only its name is told.
        _log.error("calendar %d: the connector failed: %s", job.calendar_id, type(error).__name__)
        return ConnectorError("the connector failed", code=INTERNAL)


def _finish_safely(
    ports: SyncPorts, job: _Job, future: Future[Pull | ConnectorError], now: datetime
) -> SyncResult:
    try:
        return _finish(ports, job, future.result(), now)
    except SQLAlchemyError:
        raise
    except Exception as error:
        _log.error("calendar %d: could not be taken in: %s", job.calendar_id, type(error).__name__)
        return _finish(ports, job, ConnectorError("could not be taken in", code=INTERNAL), now)


def _finish(ports: SyncPorts, job: _Job, answer: Pull | ConnectorError, now: datetime) -> SyncResult:
    # If the process dies before the commit, the calendar is read again from the old cursor: nothing is lost.
    with ports.store.write() as db:
        as_before = _lock_as_before(db, job)
        if as_before is None:
            return job.result(Outcome.NOT_NEEDED)
        if isinstance(answer, ConnectorError):
            return _note_failure(db.get_one(Calendar, job.calendar_id), job, answer, now)
        result = _take_in(db, job, answer, now)
        if result.outcome is not Outcome.HELD:
            then = _next_reading(db, job, as_before.next_read_at, now)
            _note_reading(db, ports.vault, job, answer, (now, then))
        return result


def _lock_as_before(db: OrmSession, job: _Job) -> Any:
    """Return the calendar's row if nobody read, moved or disconnected it since the job was prepared.

    Nobody does until we commit, and a notice of a change waits as well: it must not be lost to our next time.
    """
    known = {"calendar": job.calendar_id, "sealed": job.sealed, "read_before": job.last_read_at}
    return db.connection().execute(_AS_BEFORE, known).first()


def _next_reading(db: OrmSession, job: _Job, due_at: datetime | None, now: datetime) -> datetime:
    """Return when to read next; at `due_at`, if somebody wished for that since we asked the provider."""
    then = rhythm.next_reading(db, job.calendar_id, now)
    return then if due_at is None or due_at == job.due_at else min(then, due_at)


def _take_in(db: OrmSession, job: _Job, pull: Pull, now: datetime) -> SyncResult:
    if pull.kind is PullKind.UNCHANGED:
        return job.result(Outcome.UNCHANGED)
    intake = NOTHING
    if not _says_the_same(db, job, pull):
        calendar = db.get_one(Calendar, job.calendar_id)
        intake = take_pull(db, calendar, job.scope, pull, now)
        if intake.held:
            return _hold(calendar, job, intake, now)
        calendar.scope = job.scope.digest
        _tell_owner(db, calendar, pull)
        db.flush()
    return replace(
        job.result(Outcome.READ), intake=intake, looked_at=pull.looked_at, set_aside=pull.set_aside
    )


def _says_the_same(db: OrmSession, job: _Job, pull: Pull) -> bool:
    """Tell whether all of a FULL pull was known, also what its owner is told of it."""
    if pull.kind is not PullKind.FULL or job.is_rescoped or job.scope.rules.keeps_absences:
        return False
    told = db.connection().execute(_TOLD, {"calendar": job.calendar_id}).one()
    return told == (pull.looked_at, _aside(pull)) and shows_the_same(db, job.calendar_id, pull)


def _note_reading(
    db: OrmSession, vault: Vault, job: _Job, pull: Pull, times: tuple[datetime, datetime]
) -> None:
    now, then = times
    values: dict[str, object] = {"calendar": job.calendar_id, "now": now, "then": then}
    if pull.cursor == job.cursor:
        db.connection().execute(_READ, values)
    else:
        cursor = vault.seal(pull.cursor, cursor_binding(job.scope.owner_id)) if pull.cursor else None
        db.connection().execute(_READ_ON, {**values, "new_cursor": cursor})
    note_reading(db, job.scope.owner_id, now)


def _aside(pull: Pull) -> list[dict[str, str]]:
    return [{"place": s.place, "issue": s.issue} for s in pull.set_aside[:MOST_SET_ASIDE]]


def _tell_owner(db: OrmSession, calendar: Calendar, pull: Pull) -> None:
    """Note what the owner is shown of the reading; a DELTA adds to what the last whole reading said."""
    shown = select(func.count()).where(Copy.calendar_id == calendar.id, Copy.gone_at.is_(None))
    aside = _aside(pull)
    if pull.kind is PullKind.DELTA:
        aside += [known for known in calendar.set_aside if known not in aside]
    calendar.looked_at = pull.looked_at
    calendar.kept = db.scalar(shown) or 0
    calendar.set_aside = aside[:MOST_SET_ASIDE]


def _hold(calendar: Calendar, job: _Job, intake: Intake, now: datetime) -> SyncResult:
    calendar.problem, calendar.removals_held = MASS_REMOVAL, intake.held
    calendar.removals_accepted = calendar.claims = 0
    calendar.last_tried_at = now
    calendar.next_read_at = rhythm.after_failure(calendar, now)
    return replace(job.result(Outcome.HELD, MASS_REMOVAL), intake=intake)


def _note_failure(calendar: Calendar, job: _Job, error: ConnectorError, now: datetime) -> SyncResult:
    calendar.problem = error.code
    calendar.failures += 1
    calendar.claims = 0
    calendar.last_tried_at = now
    calendar.next_read_at = rhythm.after_failure(calendar, now, error)
    return job.result(Outcome.FAILED, error.code)


def _look_again_later(store: Store, calendar_id: int, now: datetime) -> None:
    with store.write() as db:
        calendar = db.get_one(Calendar, calendar_id)
        if calendar.status is CalendarStatus.CONNECTED:
            calendar.next_read_at, calendar.claims = rhythm.when_not_needed(now), 0
