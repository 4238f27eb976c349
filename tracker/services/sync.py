"""Reading people's calendars. The network comes first, then one transaction for rows and cursor together.

A reading that fails leaves everything as it was, and says so on the calendar. Never logs an address, a title
or what a provider answered.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import change_rows, in_order
from tracker.errors import ConnectorError
from tracker.events import Pull, PullKind, SetAside
from tracker.models import Calendar, CalendarStatus, Copy, Provider
from tracker.models.calendars import cursor_binding
from tracker.ports import Vault
from tracker.services import rhythm
from tracker.services.audit import Act, record
from tracker.services.claims import CALENDARS, Kind, Stopping, claim_due, give_back
from tracker.services.intake import NOTHING, Intake, shows_the_same, take_pull
from tracker.services.pulls import INTERNAL, MOST_RUNNING, Job, Pulls, Reading, SyncPorts, Unneeded, prepare
from tracker.services.review import note_readings
from tracker.services.unseen import shown_from
from tracker.store import Store, portions

MASS_REMOVAL = "mass_removal"
PORTION = 64  # calendars that are claimed, prepared and, where nothing changed, noted at once
PATIENCE_S = 0.2  # what was read waits so long for another answer that could be noted with it
MOST_SET_ASIDE = 50  # shown to the owner; a calendar with more of them has one and the same trouble

Progress = Callable[[int, int], None]
_Good = tuple[Job, Pull]  # a reading to the end, that was taken in

_log = logging.getLogger(__name__)


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


def sync_calendar(ports: SyncPorts, calendar_id: int, now: datetime) -> SyncResult:
    """Read one connected calendar and take in what changed."""
    (result,) = sync_many(ports, [calendar_id], now)
    return result


def sync_due(
    ports: SyncPorts,
    now: datetime,
    on_progress: Progress | None = None,
    on_more: Callable[[], None] | None = None,
    which: Kind = CALENDARS,
) -> list[SyncResult]:
    """Read a portion of the calendars of this kind whose time has come, and which nobody else is reading.

    `on_more` is called before the first is read if more than this portion was due. Where `on_progress` raises
    Stopping, the calendars that were not read are due again.
    """
    claim = claim_due(ports.store, which, now, PORTION)
    if on_more and not claim.is_last:
        on_more()
    try:
        return sync_many(ports, claim.ids, now, on_progress)
    except Stopping:
        give_back(ports.store, which, claim.ids, now)
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
    """Read these calendars, several at once; return how it went, in the order of their ids.

    One that is gone is left out. What `on_progress` raises comes out, after whatever was begun has ended.
    """
    ids = list(calendar_ids)
    results = []
    for result in _results(ports, ids, now):
        results.append(result)
        if on_progress:
            on_progress(len(results), len(ids))
    return sorted(results, key=lambda result: result.calendar_id)


def _results(ports: SyncPorts, ids: list[int], now: datetime) -> Iterator[SyncResult]:
    """Pull in a few threads, write in this one: SQLite has one writer at a time anyway.

    What has news is written by itself, at once. The rest waits for its like: each has so little to note that
    a transaction costs many times as much. Whoever stops us loses that; it is read once more.
    """
    waiting: list[Reading] = []
    with Pulls(ports.sources) as pulls:
        for job in _jobs(ports, ids, now):
            if isinstance(job, SyncResult):
                yield job
                continue
            pulls.begin(job)
            if pulls.running >= MOST_RUNNING:
                yield from _finish_next(ports, pulls, waiting, now)
        while pulls.running:
            yield from _finish_next(ports, pulls, waiting, now)
    yield from _finish_safely(ports, waiting, now)


def _jobs(ports: SyncPorts, ids: list[int], now: datetime) -> Iterator[Job | SyncResult]:
    for portion in portions(ids, PORTION):
        unneeded = []
        for job in prepare(ports, portion, now):
            if isinstance(job, Job):
                yield job
            else:
                unneeded.append(job)
        _look_again_later(ports.store, [each.calendar_id for each in unneeded], now)
        yield from (_result(each, Outcome.NOT_NEEDED) for each in unneeded)


def _finish_next(
    ports: SyncPorts, pulls: Pulls, waiting: list[Reading], now: datetime
) -> Iterator[SyncResult]:
    """Take what came first; `waiting` is noted when it is a portion, or when nothing comes for a while."""
    reading = pulls.next(PATIENCE_S if waiting else None)
    if reading is not None and reading.is_news:
        reading = _look_through(ports.store, reading)
    if reading is not None and reading.is_news:
        yield from _finish_safely(ports, [reading], now)
    elif reading is not None:
        waiting.append(reading)
    if reading is None or len(waiting) >= PORTION:
        ready, waiting[:] = list(waiting), []
        yield from _finish_safely(ports, ready, now)


def _look_through(store: Store, reading: Reading) -> Reading:
    """Let the entries of a FULL pull go where all of it was known, also what its owner is told of it.

    Whoever takes in others of that calendar until it is noted moves its last reading: then nothing is noted.
    """
    job, pull = reading.job, reading.answer
    if isinstance(pull, ConnectorError) or pull.kind is not PullKind.FULL or job.is_rescoped:
        return reading
    if job.scope.rules.keeps_absences or job.told != (pull.looked_at, _aside(pull)):
        return reading
    with store.read() as db:
        is_known = shows_the_same(db, job.calendar_id, pull)
    return Reading(job, replace(pull, events=()), is_known=True) if is_known else reading


def _result(job: Job | Unneeded, outcome: Outcome, problem: str | None = None) -> SyncResult:
    return SyncResult(job.calendar_id, job.person, job.provider, outcome, problem)


def _finish_safely(ports: SyncPorts, readings: Sequence[Reading], now: datetime) -> list[SyncResult]:
    """Write what these say; where one can not be written, that is noted as its failure, and of it alone."""
    try:
        return _finish(ports, readings, now)
    except SQLAlchemyError:
        raise
    except Exception as error:
        if len(readings) > 1:
            return [result for each in readings for result in _finish_safely(ports, [each], now)]
        (job,) = (each.job for each in readings)
        _log.error("calendar %d: could not be taken in: %s", job.calendar_id, type(error).__name__)
        failure = ConnectorError("could not be taken in", code=INTERNAL)
        return _finish(ports, [Reading(job, failure)], now)


def _finish(ports: SyncPorts, readings: Sequence[Reading], now: datetime) -> list[SyncResult]:
    if not readings:
        return []
    # If the process dies before the commit, the calendars are read again from the old cursors: nothing is
    # lost.
    with ports.store.write() as db:
        due = _lock_as_before(db, [each.job for each in readings])
        results = [
            _take_in(db, each, now) if each.job.calendar_id in due else _result(each.job, Outcome.NOT_NEEDED)
            for each in readings
        ]
        good = [
            (each.job, each.answer)
            for each, result in zip(readings, results, strict=True)
            if isinstance(each.answer, Pull) and result.outcome in (Outcome.READ, Outcome.UNCHANGED)
        ]
        _note_good(db, ports.vault, good, due, now)
        return results


def _lock_as_before(db: OrmSession, jobs: Sequence[Job]) -> dict[int, datetime | None]:
    """Return those calendars that nobody read, moved or disconnected since the job was prepared.

    Nobody does until we commit, and a notice of a change waits as well: it must not be lost to our next time,
    so each comes with the time at which it is to be read by now. All who lock several do so by their ids.
    """
    ids = {"calendars": [job.calendar_id for job in jobs]}
    rows = {row.id: row for row in db.connection().execute(_LOCKED, ids)}
    connected = [job for job in jobs if _is_as_before(job, rows.get(job.calendar_id))]
    return {job.calendar_id: rows[job.calendar_id].next_read_at for job in connected}


# Written once: to make a statement costs more than to run it.
_LOCKED = (
    select(Calendar.id, Calendar.status, Calendar.address, Calendar.last_read_at, Calendar.next_read_at)
    .where(Calendar.id.in_(bindparam("calendars", expanding=True)))
    .order_by(Calendar.id)
    .with_for_update(key_share=True)
)


def _is_as_before(job: Job, row: Any) -> bool:
    known = (CalendarStatus.CONNECTED, job.sealed, job.last_read_at)
    return row is not None and (row.status, row.address, row.last_read_at) == known


def _note_good(
    db: OrmSession, vault: Vault, good: Sequence[_Good], due: dict[int, datetime | None], now: datetime
) -> None:
    """Note that these were read to their end, and when they are read next."""
    if not good:
        return
    places = rhythm.next_readings(db, [job.calendar_id for job, _ in good], now)
    rows = [
        {
            "id": job.calendar_id,
            "last_read_at": now,
            "last_tried_at": now,
            "next_read_at": _next_reading(job, places[job.calendar_id], due[job.calendar_id]),
            "problem": None,
            "failures": 0,
            "claims": 0,
            "removals_held": 0,
            "removals_accepted": 0,
            **_new_cursor(vault, job, pull),
        }
        for job, pull in good
    ]
    # Most cursors stay what they are: then they are not sealed and written anew.
    change_rows(db, Calendar, [row for row in rows if "cursor" not in row])
    change_rows(db, Calendar, [row for row in rows if "cursor" in row])
    note_readings(db, {job.scope.owner_id for job, _ in good}, now)


def _next_reading(job: Job, place: datetime, due_at: datetime | None) -> datetime:
    """Return when to read next; at `due_at`, if somebody wished for that since the job was prepared."""
    return place if due_at is None or due_at == job.due_at else min(place, due_at)


def _new_cursor(vault: Vault, job: Job, pull: Pull) -> dict[str, str | None]:
    if pull.cursor == job.cursor and not job.is_rescoped:
        return {}
    cursor = vault.seal(pull.cursor, cursor_binding(job.scope.owner_id)) if pull.cursor else None
    return {"cursor": cursor}


def _take_in(db: OrmSession, reading: Reading, now: datetime) -> SyncResult:
    job, answer = reading.job, reading.answer
    if isinstance(answer, ConnectorError):
        return _note_failure(db.get_one(Calendar, job.calendar_id), job, answer, now)
    if answer.kind is PullKind.UNCHANGED:
        return _result(job, Outcome.UNCHANGED)
    intake = NOTHING
    if not reading.is_known:
        calendar = db.get_one(Calendar, job.calendar_id)
        intake = take_pull(db, calendar, job.scope, answer, now)
        if intake.held:
            return _hold(calendar, job, intake, now)
        calendar.scope, calendar.shows_from = job.scope.digest, shown_from(calendar, answer)
        _tell_owner(db, calendar, answer)
        db.flush()
    result = _result(job, Outcome.READ)
    return replace(result, intake=intake, looked_at=answer.looked_at, set_aside=answer.set_aside)


def _aside(pull: Pull) -> list[dict[str, str]]:
    return [{"place": s.place, "issue": s.issue} for s in pull.set_aside[:MOST_SET_ASIDE]]


def _tell_owner(db: OrmSession, calendar: Calendar, pull: Pull) -> None:
    """Note what the owner is shown of the reading; a DELTA adds to what the last whole reading said.

    How much a DELTA looked at is not how many entries there are: that, a whole reading tells.
    """
    shown = select(func.count()).where(Copy.calendar_id == calendar.id, Copy.gone_at.is_(None))
    aside = _aside(pull)
    if pull.kind is PullKind.DELTA:
        aside += [known for known in calendar.set_aside if known not in aside]
    else:
        calendar.looked_at = pull.looked_at
    calendar.kept = db.scalar(shown) or 0
    calendar.set_aside = aside[:MOST_SET_ASIDE]


def _hold(calendar: Calendar, job: Job, intake: Intake, now: datetime) -> SyncResult:
    calendar.problem, calendar.removals_held = MASS_REMOVAL, intake.held
    calendar.removals_accepted = calendar.claims = 0
    calendar.last_tried_at = now
    calendar.next_read_at = rhythm.after_failure(calendar, now)
    return replace(_result(job, Outcome.HELD, MASS_REMOVAL), intake=intake)


def _note_failure(calendar: Calendar, job: Job, error: ConnectorError, now: datetime) -> SyncResult:
    calendar.problem = error.code
    calendar.failures += 1
    calendar.claims = 0
    calendar.last_tried_at = now
    calendar.next_read_at = rhythm.after_failure(calendar, now, error)
    return _result(job, Outcome.FAILED, error.code)


def _look_again_later(store: Store, calendar_ids: Sequence[int], now: datetime) -> None:
    if not calendar_ids:
        return
    connected = and_(Calendar.id.in_(calendar_ids), Calendar.status == CalendarStatus.CONNECTED)
    with store.write() as db:
        # If the process dies before the commit, their claims run out, and they are looked at again.
        db.execute(
            update(Calendar)
            .where(in_order(Calendar.id, connected))
            .values(next_read_at=rhythm.when_not_needed(now), claims=0)
            .execution_options(synchronize_session=False)
        )
