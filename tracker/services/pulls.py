"""What is asked of people's calendars: prepared a portion at a time, then pulled in a few threads.

Never writes, and is in no transaction while a provider is asked. Never logs what a provider answered.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, Protocol, Self

from sqlalchemy import bindparam, select

from tracker.errors import ConnectorError, SyncTokenExpired
from tracker.events import Pull, PullKind
from tracker.models import Calendar, CalendarStatus, Person, Provider
from tracker.models.calendars import address_binding, cursor_binding
from tracker.ports import Access, Sources
from tracker.services.credentials import CredentialPorts, access_of
from tracker.services.scope import Owner, Scope, load_scopes

INTERNAL = "internal"
THREADS = 4
MOST_RUNNING = 2 * THREADS  # so many calendars are in memory at most, whole as they may be

_log = logging.getLogger(__name__)


class SyncPorts(CredentialPorts, Protocol):
    """What a reading needs of the outside world; `integrations.registry` opens it."""

    @property
    def sources(self) -> Sources:
        """Return what opens calendars."""


@dataclass(frozen=True, slots=True)
class Job:
    """One reading to be done; `sealed` is the address as stored, to tell whether it still is that one.

    `is_rescoped`: what is asked now is not what was asked last. `due_at` is when the calendar was to be read
    next as the job was prepared: another time in the end means that somebody wished for another reading.
    `told` is what its owner is shown of the last reading: how much was looked at, and what was set aside.
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
    told: tuple[int, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Unneeded:
    """A calendar that is not to be read now: it was disconnected, or its owner has no pair."""

    calendar_id: int
    person: str
    provider: Provider


@dataclass(frozen=True, slots=True)
class Reading:
    """What a provider said. `is_known`: it listed what is known already, and its entries were let go."""

    job: Job
    answer: Pull | ConnectorError
    is_known: bool = False

    @property
    def is_news(self) -> bool:
        """Tell whether there are entries to take in; else there is little to note, and little in memory."""
        is_read = isinstance(self.answer, Pull) and self.answer.kind is not PullKind.UNCHANGED
        return is_read and not self.is_known


def prepare(ports: SyncPorts, calendar_ids: Sequence[int], now: datetime) -> Iterator[Job | Unneeded]:
    """Yield what is to be asked of these calendars, in the order of their ids; one that is gone is left out.

    A few statements, however many they are. Each address is opened when its turn comes.
    """
    with ports.store.read() as db:
        rows = db.connection().execute(_CALENDARS, {"calendars": calendar_ids}).all()
        owners = [Owner(row.person_id, row.timezone, row.reads_absences) for row in rows]
        scopes = load_scopes(db, owners, ports.settings, now)
    for row, owner in zip(rows, owners, strict=True):
        scope = scopes.get(owner)
        if scope is None or row.status is not CalendarStatus.CONNECTED:
            yield Unneeded(row.id, row.email, row.provider)
        else:
            yield _job(ports, row, scope)


# To load a row as an object costs more than to read it, and to make a statement more than to run it.
_CALENDARS = (
    select(
        Calendar.id,
        Calendar.person_id,
        Calendar.provider,
        Calendar.status,
        Calendar.address,
        Calendar.cursor,
        Calendar.scope,
        Calendar.looked_at,
        Calendar.set_aside,
        Calendar.credential_id,
        Calendar.reads_absences,
        Calendar.last_read_at,
        Calendar.next_read_at,
        Person.email,
        Person.timezone,
    )
    .join(Person, Person.id == Calendar.person_id)
    .where(Calendar.id.in_(bindparam("calendars", expanding=True)))
    .order_by(Calendar.id)
)


def _job(ports: SyncPorts, row: Any, scope: Scope) -> Job:
    is_rescoped = row.scope != scope.digest
    cursor = None if is_rescoped else row.cursor
    return Job(
        calendar_id=row.id,
        person=row.email,
        provider=row.provider,
        sealed=row.address,
        address=ports.vault.open(row.address, address_binding(row.person_id)),
        cursor=ports.vault.open(cursor, cursor_binding(row.person_id)) if cursor else None,
        access=access_of(ports, row),
        scope=scope,
        last_read_at=row.last_read_at,
        due_at=row.next_read_at,
        is_rescoped=is_rescoped,
        told=(row.looked_at, row.set_aside),
    )


class Pulls:
    """A few threads that ask providers. Of one thread alone; leaving it waits for whatever was begun."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sync")
        self._done: SimpleQueue[Future[Reading]] = SimpleQueue()
        self.running = 0  # begun, and not handed out yet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def begin(self, job: Job) -> None:
        """Ask for it as soon as a thread is free."""
        self._pool.submit(_read, self._sources, job).add_done_callback(self._done.put)
        self.running += 1

    def next(self, patience_s: float | None) -> Reading | None:
        """Return what came first, None where nothing came for so long; for ever, where that is None."""
        try:
            done = self._done.get(timeout=patience_s)
        except Empty:
            return None
        self.running -= 1
        return done.result()


def _read(sources: Sources, job: Job) -> Reading:
    try:
        return Reading(job, _pull(sources, job))
    except ConnectorError as error:
        return Reading(job, error)
    except Exception as error:
        # A broken connector must not stop the other calendars. What the exception says may hold anything
        # that was in the calendar: only its name is told.
        _log.error("calendar %d: the connector failed: %s", job.calendar_id, type(error).__name__)
        return Reading(job, ConnectorError("the connector failed", code=INTERNAL))


def _pull(sources: Sources, job: Job) -> Pull:
    source = sources.open(job.provider, job.address, job.scope.timezone, job.access)
    try:
        return source.pull(job.cursor, job.scope.window, job.scope.rules)
    except SyncTokenExpired:
        return source.pull(None, job.scope.window, job.scope.rules)
