"""From nudges to letters: to whom, when it is polite, all in one. Puts letters into the outbox, sends none.

Free times are asked for before the transaction. Any number of processes may do this at once: a nudge is told
in the transaction that marks it as told, and a letter whose nudges are not all open any more is not written.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession

from tracker.manners import IGNORED_MANY, free_from, next_opening, pace_of
from tracker.models import Absence, AuditEntry, Nudge, OutboxMail, Person
from tracker.services.needs import Posting
from tracker.services.nudges.bundling import Bundler, Due, SuggestTimes, load_due
from tracker.services.outbox import Note, enqueue
from tracker.store import Store

TEMPLATE = "nudge"
CHUNK = 500
# As far back as letters count when it is asked whether somebody reacts.
LOOK_BACK = timedelta(weeks=12)

Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


class NudgePorts(Posting, Protocol):
    """What it takes to write nudges."""

    @property
    def store(self) -> Store:
        """Return the database."""


@dataclass(frozen=True, slots=True)
class MailReport:
    """How many letters were written, and for how many people the moment is not good yet."""

    written: int = 0
    later: int = 0


def mail_nudges(
    ports: NudgePorts, suggest_times: SuggestTimes, now: datetime, on_progress: Progress | None = None
) -> MailReport:
    """Write to everybody to whom something is due, if the moment is good; else find a better one."""
    bundler = Bundler(ports.settings, suggest_times, now)
    written = later = 0
    for person_id in _people_due(ports.store, now):
        is_written = _try_to_mail(ports, bundler, person_id)
        written, later = written + is_written, later + (not is_written)
        if on_progress:
            on_progress(written + later, written + later)
    return MailReport(written, later)


def _try_to_mail(ports: NudgePorts, bundler: Bundler, person_id: int) -> bool:
    """Write to this person; what fails for one is tried again at the next round, and stops no other."""
    try:
        return _mail(ports, bundler, person_id)
    except SQLAlchemyError:
        raise
    except Exception as error:
        # What an exception says may hold an address: its name has to do.
        _log.error("person %d: could not be reminded: %s", person_id, type(error).__name__)
        return False


def _people_due(store: Store, now: datetime) -> Iterator[int]:
    last = 0
    while True:
        with store.read() as db:
            ids = db.scalars(
                select(Nudge.person_id)
                .where(Nudge.due_at <= now, Nudge.person_id > last)
                .group_by(Nudge.person_id)
                .order_by(Nudge.person_id)
                .limit(CHUNK)
            ).all()
        yield from ids
        if len(ids) < CHUNK:
            return
        last = ids[-1]


def _mail(ports: NudgePorts, bundler: Bundler, person_id: int) -> bool:
    now = bundler.now
    with ports.store.read() as db:
        person = db.get_one(Person, person_id)
        due = load_due(db, person_id, now)
        better = better_moment(db, person, ports.settings.nudges_a_week, now) if due else None
    if better != now:
        _put_off(ports.store, person_id, better, now)
        return False
    bundle = bundler.bundle(person, due)
    facts = {"bundle": bundle, "base_url": ports.settings.base_url}
    note = Note(
        TEMPLATE,
        person,
        facts,
        dedupe_key=f"nudge/{person_id}/{due[0].nudge.id}",
        unsubscribe_url=bundle.unsubscribe_link,
    )
    # Died before the commit: nothing was said, and the next tick begins anew.
    with ports.store.write() as db:
        if not _tell(db, due, now):
            db.rollback()
            return False
        enqueue(db, ports.writer, note, sender=ports.settings.mail_from, now=now)
    return True


def _tell(db: OrmSession, due: Sequence[Due], now: datetime) -> bool:
    """Mark all of these as told; False where one of them was answered, or told, in the meantime."""
    ids = [each.nudge.id for each in due]
    told = update(Nudge).where(Nudge.id.in_(ids), Nudge.due_at <= now)
    done = db.scalars(told.values(told_at=now, due_at=None).returning(Nudge.id)).all()
    return len(done) == len(ids)


def _put_off(store: Store, person_id: int, until: datetime | None, now: datetime) -> None:
    """Have what is due come up again then; what is worth nothing by then comes to nothing."""
    mine = update(Nudge).where(Nudge.person_id == person_id, Nudge.due_at <= now)
    over = Nudge.expires_at <= (until or now)
    with store.write() as db:
        db.execute((mine if until is None else mine.where(over)).values(due_at=None, closed_at=now))
        if until is not None and until > now:
            db.execute(mine.values(due_at=until))


def better_moment(db: OrmSession, person: Person, most_a_week: int, now: datetime) -> datetime | None:
    """Return when to write to this person: `now`, a later moment, or None for not at all."""
    if person.nudges_off_at is not None:
        return None
    start = max(now, person.snoozed_until or now)
    written = _letters_to(db, person.id, now)
    last_act = _last_act_of(db, person.id, now) if written else now
    ignored = sum(at > last_act for at in written)
    free = free_from(written, pace_of(most_a_week, min(ignored, IGNORED_MANY)), start)
    return next_opening(free, person.timezone, _days_away(db, person.id, free.date())) if free else None


def _letters_to(db: OrmSession, person_id: int, now: datetime) -> Sequence[datetime]:
    return db.scalars(
        select(OutboxMail.created_at).where(
            OutboxMail.person_id == person_id,
            OutboxMail.kind == TEMPLATE,
            OutboxMail.created_at > now - LOOK_BACK,
        )
    ).all()


def _last_act_of(db: OrmSession, person_id: int, now: datetime) -> datetime:
    return (
        db.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.actor_id == person_id)) or now - LOOK_BACK
    )


def _days_away(db: OrmSession, person_id: int, first: date) -> frozenset[date]:
    rows = db.execute(
        select(Absence.starts_on, Absence.ends_on).where(
            Absence.person_id == person_id, Absence.ends_on >= first
        )
    )
    return frozenset(
        row.starts_on + timedelta(days=n)
        for row in rows
        for n in range(min((row.ends_on - row.starts_on).days, 366) + 1)
    )
