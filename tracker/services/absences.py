"""Leave of a person and pauses of a pair: days on which nobody is expected to meet. Never asks why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.models import Absence, Pair, Person
from tracker.services.audit import Act, record
from tracker.services.review import touch_pairs
from tracker.wording import N_

LEAVE, PAUSE = "leave", "pause"


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of days, the first and the last included."""

    first: date
    last: date


def add_leave(db: OrmSession, person: Person, days: Days, act: Act) -> Absence:
    """Note that the person is away on these days. Raises BadInput where they end before they begin."""
    absence = _absence(days, LEAVE, act)
    absence.person_id = person.id
    either = or_(Pair.mentor_id == person.id, Pair.mentee_id == person.id)
    _add(db, absence, db.scalars(select(Pair.id).where(either)).all(), act)
    return absence


def add_pause(db: OrmSession, pair: Pair, days: Days, act: Act) -> Absence:
    """Note that the pair pauses on these days. Raises BadInput where they end before they begin."""
    absence = _absence(days, PAUSE, act)
    absence.pair_id = pair.id
    _add(db, absence, [pair.id], act)
    return absence


def _absence(days: Days, kind: str, act: Act) -> Absence:
    if days.last < days.first:
        raise BadInput(N_("The last day comes before the first."))
    return Absence(starts_on=days.first, ends_on=days.last, kind=kind, created_at=act.at)


def _add(db: OrmSession, absence: Absence, pair_ids: Sequence[int], act: Act) -> None:
    db.add(absence)
    db.flush()
    subject = f"person:{absence.person_id}" if absence.person_id else f"pair:{absence.pair_id}"
    days = {"first": absence.starts_on.isoformat(), "last": absence.ends_on.isoformat()}
    record(db, act, f"{absence.kind}.added", subject, **days)
    touch_pairs(db, pair_ids, act.at)
