"""Days away that a calendar tells of: the dates of out-of-office entries, read only where that is allowed.

Keeps dates and nothing else, and never asks why. Nobody is accused because days away were read, or because
they are read no longer: what has passed stays when the permission ends, since a verdict may rest on it.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy.orm import Session as OrmSession

from tracker.events import AwayNotice, Pull, PullKind
from tracker.models import Absence, Calendar
from tracker.services.absences import LEAVE, cut_short, forget_coming, leave_told_by
from tracker.services.audit import Act
from tracker.services.connections import pairs_of
from tracker.services.review import touch_pairs
from tracker.services.scope import Scope


def take_absences(db: OrmSession, calendar: Calendar, scope: Scope, pull: Pull, now: datetime) -> int:
    """Bring what is known of its owner's leave to what the calendar says; return how many entries changed.

    A FULL pull replaces what is to come in its window, a DELTA merges. Days that have passed stay unless the
    calendar says that their entry was deleted: that an old entry is not listed any more tells nothing.
    """
    known = leave_told_by(db, calendar.id)
    if not scope.rules.keeps_absences:
        changed = cut_short(db, known, now.date())
    else:
        put, gone = _put(db, calendar, known, pull.absences, now), _gone(known, pull, now)
        # Only of a deleted entry it is sure that its days were none: one that is not listed any more may have
        # been cut short by who came back, or be out of reach. Its days up to now were days away.
        is_sure = pull.kind is PullKind.DELTA
        changed = put + (_remove(db, gone) if is_sure else cut_short(db, gone, now.date()))
    if changed:
        db.flush()
        touch_pairs(db, [pair.id for pair in scope.pairs], now)
    return changed


def withdraw_absences(db: OrmSession, calendar: Calendar, act: Act) -> int:
    """Forget at once the leave to come that this calendar told of: its owner takes the permission back.

    What has passed stays, without a verdict becoming worse.
    """
    changed = forget_coming(db, calendar, act)
    if changed:
        touch_pairs(db, pairs_of(db, [calendar.person_id]), act.at)
    return changed


def _put(
    db: OrmSession, calendar: Calendar, known: Iterable[Absence], notices: Iterable[AwayNotice], now: datetime
) -> int:
    by_entry = {absence.provider_event_id: absence for absence in known}
    told = {notice.provider_event_id: notice for notice in notices if notice.first <= notice.last}
    changed = 0
    for notice in told.values():
        absence = by_entry.get(notice.provider_event_id)
        if absence is None:
            absence = Absence(
                person_id=calendar.person_id, kind=LEAVE, calendar_id=calendar.id, created_at=now
            )
            absence.provider_event_id = notice.provider_event_id
            db.add(absence)
        if (absence.starts_on, absence.ends_on) != (notice.first, notice.last):
            absence.starts_on, absence.ends_on = notice.first, notice.last
            changed += 1
    return changed


def _gone(known: Iterable[Absence], pull: Pull, now: datetime) -> list[Absence]:
    listed = {notice.provider_event_id for notice in pull.absences}
    rest = [absence for absence in known if absence.provider_event_id not in listed]
    if pull.kind is PullKind.DELTA:
        named = {*pull.removed, *pull.vanished}
        return [absence for absence in rest if absence.provider_event_id in named]
    if not pull.looked_at:
        return []  # emptier than is likely: nothing is taken for gone
    first, last = pull.window.start.date(), pull.window.end.date()
    return [a for a in rest if a.starts_on < last and a.ends_on >= max(first, now.date())]


def _remove(db: OrmSession, absences: Collection[Absence]) -> int:
    for absence in absences:
        db.delete(absence)
    return len(absences)
