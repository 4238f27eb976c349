"""From nudges to letters: to whom, when it is polite, all in one. Puts letters into the outbox, sends none.

Free times are asked for before the transaction. Any number of processes may do this at once: a nudge is told
in the transaction that marks it as told, and a letter whose nudges are not all open any more is not written.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, bindparam, case, func, select, true, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import among
from tracker.manners import IGNORED_MANY, LONGEST_LEAVE_DAYS, free_from, next_opening, pace_of
from tracker.models import Absence, AuditEntry, Nudge, OutboxMail, Person
from tracker.services.needs import Posting
from tracker.services.nudges.bundling import Bundler, Due, Matters, SuggestTimes, load_matters
from tracker.services.outbox import Note, add_rows, letter_row
from tracker.store import Store, portions

TEMPLATE = "nudge"
# People who are written to in one transaction. With more, the letters of the first wait longer for the free
# times of the last; with fewer, the statements cost more than what they fetch.
PORTION = 50
# Shares of the people, so that several processes write at once. Who does a share holds its lease: nobody is
# written to by two.
SHARES = 16
# What could not be written is tried again after so long: not at once, and for ever.
REST = timedelta(minutes=10)
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


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter for the outbox, and the nudges that it tells."""

    nudge_ids: Sequence[int]
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _PutOff:
    """A person to whom nothing is said before `until`; None: what is due comes to nothing."""

    person_id: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class _Habits:
    """When people were written to, when they last did anything, and when they are away; by person."""

    written: Mapping[int, Sequence[datetime]]
    last_act: Mapping[int, datetime]
    away: Mapping[int, frozenset[date]]


def mail_nudges(
    ports: NudgePorts,
    suggest_times: SuggestTimes,
    now: datetime,
    on_progress: Progress | None = None,
    share: int | None = None,
) -> MailReport:
    """Write to everybody to whom something is due, if the moment is good; else find a better one.

    With a `share` (0 to SHARES - 1), to those of that share alone. `on_progress` is called after each person;
    what it raises leaves those of the same portion for later.
    """
    bundler = Bundler(ports.settings, suggest_times, now)
    with ports.store.read() as db:
        # Put in order here: asked to do it, SQLite walks through everybody's nudges, due or not.
        ids = sorted(set(db.scalars(select(Nudge.person_id).where(Nudge.due_at <= now, _is_of(share)))))
    written = done = 0
    for portion in portions(ids, PORTION):
        found: list[_Letter | _PutOff] = []
        for each in _compose(ports, bundler, portion):
            done += 1
            found.append(each)
            if on_progress:
                on_progress(done, len(ids))
        written += _keep(ports.store, found, now)
    return MailReport(written, done - written)


def _is_of(share: int | None) -> ColumnElement[bool]:
    return true() if share is None else Nudge.person_id % SHARES == share


def _compose(ports: NudgePorts, bundler: Bundler, ids: Sequence[int]) -> Iterator[_Letter | _PutOff]:
    """Yield for each of these people what is to become of their nudges.

    What fails for one is tried again some minutes later, and stops no other.
    """
    with ports.store.read() as db:
        people = {person.id: person for person in db.scalars(select(Person).where(among(db, Person.id, ids)))}
        matters = load_matters(db, ids, bundler.now)
        habits = _load_habits(db, ids, bundler.now)
    for person_id in ids:
        try:
            yield _treat(ports, bundler, people[person_id], matters, habits)
        except SQLAlchemyError:
            raise
        except Exception as error:
            # What an exception says may hold an address: its name has to do.
            _log.error("person %d: could not be reminded: %s", person_id, type(error).__name__)
            yield _PutOff(person_id, bundler.now + REST)


def _treat(
    ports: NudgePorts, bundler: Bundler, person: Person, matters: Matters, habits: _Habits
) -> _Letter | _PutOff:
    due = matters.due_to(person.id)
    better = _better_moment(person, habits, ports.settings.nudges_a_week, bundler.now) if due else None
    return _write(ports, bundler, person, due) if better == bundler.now else _PutOff(person.id, better)


def _write(ports: NudgePorts, bundler: Bundler, person: Person, due: Sequence[Due]) -> _Letter:
    bundle = bundler.bundle(person, due)
    note = Note(
        TEMPLATE,
        person,
        {"bundle": bundle, "base_url": ports.settings.base_url},
        dedupe_key=f"nudge/{person.id}/{due[0].nudge.id}",
        unsubscribe_url=bundle.unsubscribe_link,
    )
    row = letter_row(ports.writer, note, sender=ports.settings.mail_from, now=bundler.now)
    return _Letter([each.nudge.id for each in due], row)


def _keep(store: Store, found: Sequence[_Letter | _PutOff], now: datetime) -> int:
    """Put the letters into the outbox, and put off the others; return how many were written."""
    letters = [each for each in found if isinstance(each, _Letter)]
    # Died before the commit: nothing was said, and the next tick begins anew.
    with store.write() as db:
        _put_off(db, [each for each in found if isinstance(each, _PutOff)], now)
        open_ids = _lock_open(db, [each for letter in letters for each in letter.nudge_ids], now)
        # Where one of them was answered, or told, in the meantime, the letter says what is not so.
        told = [letter for letter in letters if open_ids.issuperset(letter.nudge_ids)]
        ids = [each for letter in told for each in letter.nudge_ids]
        db.connection().execute(
            update(Nudge).where(among(db, Nudge.id, ids)).values(told_at=now, due_at=None)
        )
        add_rows(db, [letter.row for letter in told])
    return len(told)


def _lock_open(db: OrmSession, nudge_ids: Sequence[int], now: datetime) -> set[int]:
    """Return those of the nudges that are still due; nobody changes them until we are done."""
    still_due = select(Nudge.id).where(among(db, Nudge.id, nudge_ids), Nudge.due_at <= now)
    return set(db.scalars(still_due.order_by(Nudge.id).with_for_update()))


def _put_off(db: OrmSession, some: Sequence[_PutOff], now: datetime) -> None:
    """Have what is due come up again then; what is worth nothing by then comes to nothing."""
    never = [{"person": each.person_id, "now": now} for each in some if each.until is None]
    later = [{"person": each.person_id, "now": now, "until": each.until} for each in some if each.until]
    for statement, rows in ((_CLOSE, never), (_CLOSE_OVER, later), (_DELAY, later)):
        if rows:
            db.connection().execute(statement, rows)


_MINE = update(Nudge).where(Nudge.person_id == bindparam("person"), Nudge.due_at <= bindparam("now"))
_NOW = bindparam("now", type_=Nudge.expires_at.type)
# What is never to be told is worth nothing any more. Were it to come back, HR's two days would begin anew.
_END = case((Nudge.expires_at < _NOW, Nudge.expires_at), else_=_NOW)
_CLOSE = _MINE.values(due_at=None, closed_at=_NOW, expires_at=_END)
_CLOSE_OVER = _CLOSE.where(Nudge.expires_at <= bindparam("until"))
_DELAY = _MINE.values(due_at=bindparam("until"))


def better_moment(db: OrmSession, person: Person, most_a_week: int, now: datetime) -> datetime | None:
    """Return when to write to this person: `now`, a later moment, or None for not at all."""
    return _better_moment(person, _load_habits(db, [person.id], now), most_a_week, now)


def _better_moment(person: Person, habits: _Habits, most_a_week: int, now: datetime) -> datetime | None:
    if person.nudges_off_at is not None:
        return None
    start = max(now, person.snoozed_until or now)
    written = habits.written.get(person.id, ())
    last_act = habits.last_act.get(person.id, now - LOOK_BACK)
    ignored = sum(at > last_act for at in written)
    free = free_from(written, pace_of(most_a_week, min(ignored, IGNORED_MANY)), start)
    return next_opening(free, person.timezone, habits.away.get(person.id, ())) if free else None


def _load_habits(db: OrmSession, ids: Sequence[int], now: datetime) -> _Habits:
    return _Habits(_load_written(db, ids, now), _load_last_acts(db, ids), _load_away(db, ids, now))


def _load_written(db: OrmSession, ids: Sequence[int], now: datetime) -> dict[int, list[datetime]]:
    written: dict[int, list[datetime]] = defaultdict(list)
    letters = select(OutboxMail.person_id, OutboxMail.created_at).where(
        among(db, OutboxMail.person_id, ids),
        OutboxMail.kind == TEMPLATE,
        OutboxMail.created_at > now - LOOK_BACK,
    )
    for row in db.execute(letters):
        written[row.person_id].append(row.created_at)
    return written


def _load_last_acts(db: OrmSession, ids: Sequence[int]) -> dict[int, datetime]:
    actor = AuditEntry.actor_id
    rows = db.execute(
        select(actor, func.max(AuditEntry.at).label("at")).where(among(db, actor, ids)).group_by(actor)
    )
    return {row.actor_id: row.at for row in rows}


def _load_away(db: OrmSession, ids: Sequence[int], now: datetime) -> dict[int, frozenset[date]]:
    # Where it is yesterday for somebody, yesterday's leave still counts.
    yesterday = now.date() - timedelta(days=1)
    away: dict[int, frozenset[date]] = {}
    leaves = select(Absence.person_id, Absence.starts_on, Absence.ends_on).where(
        among(db, Absence.person_id, ids), Absence.ends_on >= yesterday
    )
    for row in db.execute(leaves):
        count = min((row.ends_on - row.starts_on).days, LONGEST_LEAVE_DAYS) + 1
        days = frozenset(row.starts_on + timedelta(days=n) for n in range(count))
        away[row.person_id] = away.get(row.person_id, frozenset()) | days
    return away
