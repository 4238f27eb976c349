"""Leave of a person and pauses of a pair: days on which nobody is expected to meet. Never asks why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput, NotAllowed
from tracker.models import Absence, Calendar, Pair, Person
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
    _add(db, absence, _pairs_of(db, person), act)
    return absence


def add_pause(db: OrmSession, pair: Pair, days: Days, act: Act) -> Absence:
    """Note that the pair pauses on these days. Raises BadInput where they end before they begin."""
    absence = _absence(days, PAUSE, act)
    absence.pair_id = pair.id
    _add(db, absence, [pair.id], act)
    return absence


def list_absences(db: OrmSession, pair: Pair, person: Person, today: date) -> Sequence[Absence]:
    """Return the pair's pauses and the person's own leave that are not over, earliest first."""
    theirs = or_(Absence.pair_id == pair.id, Absence.person_id == person.id)
    query = select(Absence).where(theirs, Absence.ends_on >= today)
    return db.scalars(query.order_by(Absence.starts_on, Absence.id)).all()


def remove_absence(db: OrmSession, absence_id: int, *, by: Person, pair: Pair, act: Act) -> None:
    """Take back a pause of the pair or leave of `by`; one that is gone already is no error.

    Raises NotAllowed for anybody else's, and for leave that a calendar told: it goes when the entry goes.
    """
    absence = db.get(Absence, absence_id)
    if absence is None:
        return
    is_theirs = absence.pair_id == pair.id or absence.person_id == by.id
    if not is_theirs or absence.calendar_id is not None:
        raise NotAllowed(f"absence {absence_id} is not theirs to remove")
    subject, days = _told(absence)
    record(db, act, f"{absence.kind}.removed", subject, **days)
    db.delete(absence)
    touch_pairs(db, [pair.id] if absence.pair_id else _pairs_of(db, by), act.at)


def leave_told_by(db: OrmSession, calendar_id: int) -> Sequence[Absence]:
    """Return the leave that a calendar told of."""
    return db.scalars(select(Absence).where(Absence.calendar_id == calendar_id).order_by(Absence.id)).all()


def cut_short(db: OrmSession, absences: Sequence[Absence], today: date) -> int:
    """Forget what of these is to come, and return how many that changes; days that have passed stay."""
    coming = [absence for absence in absences if absence.starts_on > today]
    running = [absence for absence in absences if absence.starts_on <= today < absence.ends_on]
    for absence in running:
        absence.ends_on = today
    for absence in coming:
        db.delete(absence)
    return len(coming) + len(running)


def forget_coming(db: OrmSession, calendar: Calendar, act: Act) -> int:
    """Forget the leave to come that a calendar told of; return how many entries changed.

    What has passed stays, without a verdict becoming worse. The pairs are still to be touched.
    """
    changed = cut_short(db, leave_told_by(db, calendar.id), act.at.date())
    if changed:
        db.flush()
        record(db, act, "absences.forgotten", f"calendar:{calendar.id}", count=changed)
    return changed


def _absence(days: Days, kind: str, act: Act) -> Absence:
    if days.last < days.first:
        raise BadInput(N_("The last day comes before the first."))
    return Absence(starts_on=days.first, ends_on=days.last, kind=kind, created_at=act.at)


def _add(db: OrmSession, absence: Absence, pair_ids: Sequence[int], act: Act) -> None:
    db.add(absence)
    db.flush()
    subject, days = _told(absence)
    record(db, act, f"{absence.kind}.added", subject, **days)
    touch_pairs(db, pair_ids, act.at)


def _told(absence: Absence) -> tuple[str, dict[str, str]]:
    subject = f"person:{absence.person_id}" if absence.person_id else f"pair:{absence.pair_id}"
    return subject, {"first": absence.starts_on.isoformat(), "last": absence.ends_on.isoformat()}


def _pairs_of(db: OrmSession, person: Person) -> Sequence[int]:
    either = or_(Pair.mentor_id == person.id, Pair.mentee_id == person.id)
    return db.scalars(select(Pair.id).where(either)).all()
