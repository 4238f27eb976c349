"""From copies to sessions: which session each slot stands for. Never cancels one, and forgets none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.events import TagRule
from tracker.models import Attendance, Copy, Nudge, Pair, Session, SessionKey, Standing, Statement
from tracker.services.histories import refresh_times
from tracker.services.nudges.wanting import AGAIN, about_session
from tracker.services.review import touch_pairs

_Keys = dict[tuple[int, str], Session]  # by pair and slot
_Decisions = dict[tuple[int, str], Standing]  # by pair and lineage


@dataclass(frozen=True, slots=True)
class _State:
    db: OrmSession
    now: datetime
    keys: _Keys
    decisions: _Decisions


@dataclass(frozen=True, slots=True)
class Placed:
    """A copy that is new or changed: the slot that it had before, and the pairs that it is of."""

    copy: Copy
    old_slot: str | None
    pair_ids: tuple[int, ...]


def settle_copies(
    db: OrmSession, placed: Sequence[Placed], pair_ids: Sequence[int], now: datetime
) -> set[int]:
    """Give every slot its session, make the pairs due for a review, and return the ids of the sessions.

    `pair_ids` are all pairs of the calendar's owner: a slot that already is a session of one stays it.
    """
    if not placed:
        return set()
    lock_pairs(db, pair_ids)
    state = _State(db, now, _load_keys(db, placed, pair_ids), _load_decisions(db, placed, pair_ids))
    for place in placed:
        for pair_id in pair_ids:
            _settle(state, place, pair_id)
    db.flush()
    affected = {session for place in placed for session in _sessions_of(state.keys, place, pair_ids)}
    _count_tagged(affected, placed, state.keys)
    before = {session: (session.starts_at, session.ends_at) for session in affected}
    refresh_times(db, affected)
    _forget_records(db, [s for s, times in before.items() if times != (s.starts_at, s.ends_at)])
    touch_pairs(db, {session.pair_id for session in affected}, now)
    return {session.id for session in affected}


def lock_pairs(db: OrmSession, pair_ids: Collection[int]) -> None:
    """Keep others from making sessions of these pairs until we are done: both calendars may show the same."""
    db.connection().execute(_LOCK, {"pairs": list(pair_ids)})


# Written once, as what is asked of keys below: every reading with news asks them, and to make a statement
# costs more than to run it.
_LOCK = (
    select(Pair.id).where(Pair.id.in_(bindparam("pairs", expanding=True))).order_by(Pair.id).with_for_update()
)


def absorb_session(db: OrmSession, kept: Session, other: Session) -> None:
    """Make two sessions one: what was known of `other` is now known of `kept`, and `other` is no more."""
    for table in (SessionKey, Statement, Attendance):
        db.execute(update(table).where(table.session_id == other.id).values(session_id=kept.id))
    _rename(db, kept, other)
    kept.attendance_recorded = kept.attendance_recorded or other.attendance_recorded
    if Standing.COUNTED in (kept.standing, other.standing):
        kept.standing = Standing.COUNTED
    db.flush()
    db.expire(kept, ["keys", "statements", "attendance"])
    db.expire(other)
    db.delete(other)
    db.flush()


def _rename(db: OrmSession, kept: Session, other: Session) -> None:
    """Have what names the other session name the kept one: SQLite gives the newest row's id anew."""
    for tail in ("", AGAIN):
        was, now_is = about_session(other.id) + tail, about_session(kept.id) + tail
        mine = Nudge.pair_id == kept.pair_id
        asked = select(Nudge.person_id).where(mine, Nudge.about == now_is)
        db.execute(delete(Nudge).where(mine, Nudge.about == was, Nudge.person_id.in_(asked)))
        db.execute(update(Nudge).where(mine, Nudge.about == was).values(about=now_is))
    for session in db.scalars(select(Session).where(Session.pair_id == kept.pair_id)):
        if other.id in session.distinct_from:
            session.distinct_from = [kept.id if i == other.id else i for i in session.distinct_from]


def _forget_records(db: OrmSession, moved: Sequence[Session]) -> None:
    """Drop who was in the room at a time that is not the session's any more: nobody was absent from it."""
    # Also where somebody asks right now: the answer is about the old time, and is not kept then.
    asked = [s for s in moved if s.attendance_due_at or s.attendance_tries or s.attendance_recorded]
    if asked:
        db.execute(delete(Attendance).where(Attendance.session_id.in_([session.id for session in asked])))
    for session in asked:
        session.attendance_recorded = False
        session.attendance_tries, session.attendance_due_at = 0, None
        db.expire(session, ["attendance"])


def _load_keys(db: OrmSession, placed: Sequence[Placed], pair_ids: Sequence[int]) -> _Keys:
    slots = {slot for place in placed for slot in (place.copy.slot, place.old_slot) if slot}
    rows = db.execute(_KEYS, {"pairs": list(pair_ids), "slots": list(slots)})
    return {(row.pair_id, row.slot): row.Session for row in rows}


_KEYS = (
    select(SessionKey.pair_id, SessionKey.slot, Session)
    .join(Session, Session.id == SessionKey.session_id)
    .where(SessionKey.pair_id.in_(bindparam("pairs", expanding=True)))
    .where(SessionKey.slot.in_(bindparam("slots", expanding=True)))
)


def _load_decisions(db: OrmSession, placed: Sequence[Placed], pair_ids: Sequence[int]) -> _Decisions:
    """Return what pairs said of earlier entries of suggested series: nobody is asked for each occurrence."""
    lineages = {place.copy.lineage for place in placed if place.copy.tag_rule is TagRule.SUGGESTED}
    if not lineages:
        return {}
    rows = db.execute(
        select(SessionKey.pair_id, Copy.lineage, Session.standing)
        .join(Session, Session.id == SessionKey.session_id)
        .join(Copy, Copy.slot == SessionKey.slot)
        .where(SessionKey.pair_id.in_(pair_ids), Copy.lineage.in_(lineages))
        .where(Session.standing != Standing.SUGGESTED)
        .order_by(Session.starts_at, Session.id)
    )
    return {(row.pair_id, row.lineage): row.standing for row in rows}


def _settle(state: _State, place: Placed, pair_id: int) -> None:
    keys, slot = state.keys, place.copy.slot
    there = keys.get((pair_id, slot))
    before = keys.get((pair_id, place.old_slot)) if place.old_slot else None
    if there is None and before is None:
        if pair_id in place.pair_ids:
            keys[pair_id, slot] = _new_session(state, place.copy, pair_id)
    elif there is None and before is not None:
        before.keys.append(SessionKey(pair_id=pair_id, slot=slot))
        keys[pair_id, slot] = before
    elif there is not None and before is not None and there is not before:
        # The other calendar showed the series at its new place before this one did.
        kept, other = sorted((there, before), key=lambda session: session.id)
        absorb_session(state.db, kept, other)
        keys.update({key: kept for key, session in keys.items() if session is other})


def _new_session(state: _State, copy: Copy, pair_id: int) -> Session:
    standing = Standing.COUNTED
    if copy.tag_rule is TagRule.SUGGESTED:
        standing = state.decisions.get((pair_id, copy.lineage), Standing.SUGGESTED)
    session = Session(
        pair_id=pair_id,
        standing=standing,
        starts_at=copy.starts_at,
        ends_at=copy.ends_at,
        created_at=state.now,
        keys=[SessionKey(pair_id=pair_id, slot=copy.slot)],
    )
    state.db.add(session)
    return session


def _sessions_of(keys: _Keys, place: Placed, pair_ids: Sequence[int]) -> list[Session]:
    found = (keys.get((pair_id, place.copy.slot)) for pair_id in pair_ids)
    return [session for session in found if session is not None]


def _count_tagged(affected: Collection[Session], placed: Sequence[Placed], keys: _Keys) -> None:
    """Count the sessions of which some calendar now shows a tagged copy, whatever was thought before."""
    tagged = {place.copy.slot for place in placed if place.copy.tag_rule is not TagRule.SUGGESTED}
    for (_, slot), session in keys.items():
        if slot in tagged and session in affected:
            session.standing = Standing.COUNTED
