"""What only the two can tell: is this entry of yours a session, of which pair, and what became of it?

Never answers for anybody, and nothing counts or is cancelled while a question is open.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput, NotAllowed
from tracker.ledger import Observation, Side, Status
from tracker.merging import CopyHistory
from tracker.models import Calendar, Copy, Pair, Person, Session, SessionKey, Standing, Statement
from tracker.services.audit import Act, record
from tracker.services.histories import load_copies, load_members, meeting_of, merge_meeting, refresh_times
from tracker.services.review import touch_pairs
from tracker.services.settle import Placed, absorb_session, lock_pairs, settle_copies
from tracker.wording import N_

# Entries are moved to another calendar by taking them out of the first; most are back soon.
PATIENCE = timedelta(hours=48)
# How far from the vanished one a session may lie that it could have been moved to.
MOVE_REACH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class WhichPair:
    """A tagged entry, or a whole series, on the person's calendar that names none of several partners."""

    copy_id: int
    pair_ids: tuple[int, ...]
    starts_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Suggested:
    """An untagged entry, or a whole series, of exactly the two: does it count?"""

    pair_id: int
    session_ids: tuple[int, ...]
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Vanished:
    """A session whose entry disappeared at `gone_at`; `moved_to` are sessions that could have replaced it."""

    pair_id: int
    session_id: int
    starts_at: datetime
    gone_at: datetime
    moved_to: tuple[int, ...]


Question = WhichPair | Suggested | Vanished


def list_questions(db: OrmSession, person: Person, now: datetime) -> list[Question]:
    """Return what the person is asked, earliest session first."""
    pairs = {pair.id: pair for pair in db.scalars(pairs_of(person))}
    if not pairs:
        return []
    questions: list[Question] = [
        *_which_pair(db, person, sorted(pairs)),
        *_suggested(db, sorted(pairs)),
        *_vanished(db, sorted(pairs), now),
    ]
    return sorted(questions, key=lambda question: question.starts_at)


def choose_pair(db: OrmSession, copy_id: int, pair_id: int | None, *, by: Person, act: Act) -> None:
    """Say of which pair an entry, with its series, is; None: of none.

    Raises NotAllowed for an entry or a pair that is not theirs.
    """
    copy = db.get(Copy, copy_id)
    if copy is None or copy.calendar.person_id != by.id:
        raise NotAllowed(f"copy {copy_id} is not theirs")
    pair_ids = [pair.id for pair in db.scalars(pairs_of(by))]
    if pair_id is not None and pair_id not in pair_ids:
        raise NotAllowed(f"pair {pair_id} is not theirs")
    asking = db.scalars(
        select(Copy).where(Copy.calendar_id == copy.calendar_id, Copy.lineage == copy.lineage, Copy.asks_pair)
    ).all()
    for each in asking:
        each.asks_pair, each.pair_choice = False, pair_id
    if pair_id is not None:
        settle_copies(db, [Placed(each, None, (pair_id,)) for each in asking], pair_ids, act.at)
    record(db, act, "pair.chosen", f"copy:{copy_id}", pair=pair_id, count=len(asking))


def answer_suggestion(
    db: OrmSession, session_ids: Sequence[int], *, counts: bool, by: Person, act: Act
) -> None:
    """Say whether suggested sessions count.

    Raises NotAllowed where one of them is not theirs, BadInput where one is not (or no longer) suggested.
    """
    sessions = [own_session(db, session_id, by) for session_id in session_ids]
    # What counts is not taken out of the count this way, nor brought back what was dismissed.
    if any(session.standing is not Standing.SUGGESTED for session in sessions):
        raise BadInput(N_("This was answered already."))
    for session in sessions:
        session.standing = Standing.COUNTED if counts else Standing.DISMISSED
        note_answer(db, act, "suggestion.answered", session, counts=counts)


def say_called_off(db: OrmSession, session_id: int, side: Side | None, *, by: Person, act: Act) -> None:
    """Say that a session whose entry vanished was cancelled, and by which side if one is to be named."""
    session, gone_at = _vanished_session(db, session_id, by)
    session.called_off_at, session.called_off_by = gone_at, side.value if side else None
    session.settled_at = act.at
    note_answer(db, act, "session.called_off", session, side=session.called_off_by)


def say_stands(db: OrmSession, session_id: int, *, by: Person, act: Act) -> None:
    """Say that a session takes place although its entry vanished."""
    session, _ = _vanished_session(db, session_id, by)
    session.settled_at = act.at
    note_answer(db, act, "session.stands", session)


def say_moved(db: OrmSession, session_id: int, to_session_id: int, *, by: Person, act: Act) -> None:
    """Say that a session whose entry vanished is the other one now: from then on the two are one."""
    session, _ = _vanished_session(db, session_id, by)
    other = own_session(db, to_session_id, by)
    if other.pair_id != session.pair_id or other is session:
        raise BadInput(N_("Choose another session of the two of you."))
    lock_pairs(db, [session.pair_id])
    session.settled_at = act.at
    absorb_session(db, session, other)
    refresh_times(db, [session])
    note_answer(db, act, "session.moved", session, absorbed=to_session_id)


def pairs_of(person: Person) -> Select[Pair]:
    """Return the selection of the pairs that the person is one of."""
    return select(Pair).where(or_(Pair.mentor_id == person.id, Pair.mentee_id == person.id))


def _which_pair(db: OrmSession, person: Person, pair_ids: list[int]) -> Iterator[WhichPair]:
    settled = select(SessionKey.slot).where(SessionKey.pair_id.in_(pair_ids))
    copies = db.scalars(
        select(Copy)
        .join(Calendar)
        .where(Calendar.person_id == person.id, Copy.asks_pair, Copy.gone_at.is_(None))
        # The other one's calendar may have told meanwhile.
        .where(Copy.slot.not_in(settled))
        .order_by(Copy.starts_at, Copy.id)
    )
    by_series: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        by_series[copy.lineage].append(copy)
    for series in by_series.values():
        yield WhichPair(series[0].id, tuple(pair_ids), series[0].starts_at, len(series))


def _suggested(db: OrmSession, pair_ids: list[int]) -> Iterator[Suggested]:
    rows = db.execute(
        select(Session.id, Session.pair_id, Session.starts_at, Copy.lineage)
        .join(SessionKey, SessionKey.session_id == Session.id)
        .join(Copy, Copy.slot == SessionKey.slot)
        .where(Session.pair_id.in_(pair_ids), Session.standing == Standing.SUGGESTED)
        .where(Copy.gone_at.is_(None))
        .distinct()
        .order_by(Session.starts_at, Session.id)
    ).all()
    by_series: dict[tuple[int, str], list[int]] = defaultdict(list)
    starts: dict[tuple[int, str], datetime] = {}
    for row in rows:
        by_series[row.pair_id, row.lineage].append(row.id)
        starts.setdefault((row.pair_id, row.lineage), row.starts_at)
    for (pair_id, lineage), ids in by_series.items():
        yield Suggested(pair_id, tuple(ids), starts[pair_id, lineage])


def _vanished(db: OrmSession, pair_ids: list[int], now: datetime) -> Iterator[Vanished]:
    gone = (
        select(SessionKey.session_id)
        .join(Copy, Copy.slot == SessionKey.slot)
        .where(SessionKey.pair_id.in_(pair_ids), Copy.gone_at <= now - PATIENCE)
    )
    candidates = db.scalars(
        select(Session)
        .where(Session.id.in_(gone), Session.standing == Standing.COUNTED)
        .where(Session.id.not_in(select(Statement.session_id)))
        .order_by(Session.id)
    ).all()
    for session, gone_at in _gone_sessions(db, candidates):
        if gone_at <= now - PATIENCE:
            moved_to = _possible_moves(db, session, gone_at)
            yield Vanished(session.pair_id, session.id, session.starts_at, gone_at, moved_to)


def _gone_sessions(db: OrmSession, sessions: Sequence[Session]) -> Iterator[tuple[Session, datetime]]:
    for session, shown, last in last_states(db, sessions):
        gone_at = vanished_at(shown, last)
        if gone_at is not None and (session.settled_at is None or session.settled_at < gone_at):
            yield session, gone_at


def last_states(
    db: OrmSession, sessions: Sequence[Session]
) -> Iterator[tuple[Session, Sequence[CopyHistory], Observation]]:
    """Yield each session with its copies and what they say of it at last."""
    copies = load_copies(db, SessionKey.session_id.in_([session.id for session in sessions]))
    members = load_members(db, {session.pair_id for session in sessions})
    for session in sessions:
        shown = copies.get(session.id, [])
        yield session, shown, merge_meeting(meeting_of(session), shown, members[session.pair_id])[-1]


def vanished_at(copies: Sequence[CopyHistory], last: Observation) -> datetime | None:
    """Return when the session's entry vanished from where it counts, None if it did not.

    An invited person's copy that is gone says nothing while the organiser's is there, nor does an entry that
    left the calendar after the session, or that was cancelled before.
    """
    gone = [copy for copy in copies if copy.gone_at is not None]
    alive = [copy for copy in copies if copy.gone_at is None]
    of_organiser = [copy for copy in gone if copy.is_organisers]
    if any(copy.is_organisers for copy in alive) or (alive and not of_organiser):
        return None
    moments = [copy.gone_at for copy in of_organiser or gone if copy.gone_at is not None]
    gone_at = max(moments, default=None)
    if gone_at is None or gone_at >= last.ends_at or last.status is Status.CANCELLED:
        return None
    return gone_at


def _possible_moves(db: OrmSession, session: Session, gone_at: datetime) -> tuple[int, ...]:
    """Return the pair's sessions that came to be known about when this one vanished."""
    return tuple(
        db.scalars(
            select(Session.id)
            .where(Session.pair_id == session.pair_id, Session.id != session.id)
            .where(Session.standing == Standing.COUNTED, Session.told_by.is_(None))
            .where(Session.created_at.between(gone_at - PATIENCE, gone_at + PATIENCE))
            .where(Session.starts_at.between(session.starts_at - MOVE_REACH, session.starts_at + MOVE_REACH))
            .order_by(Session.starts_at, Session.id)
        )
    )


def own_session(db: OrmSession, session_id: int, by: Person) -> Session:
    """Return the session if it is one of the person's pairs'. Raises NotAllowed."""
    session = db.get(Session, session_id)
    if session is None or by.id not in (session.pair.mentor_id, session.pair.mentee_id):
        raise NotAllowed(f"session {session_id} is not theirs")
    return session


def _vanished_session(db: OrmSession, session_id: int, by: Person) -> tuple[Session, datetime]:
    session = own_session(db, session_id, by)
    for _, gone_at in _gone_sessions(db, [session]):
        return session, gone_at
    raise BadInput(N_("This session is on the calendar again, or has been answered for."))


def note_answer(db: OrmSession, act: Act, what: str, session: Session, **details: object) -> None:
    """Put the answer on record, and have the pair judged anew."""
    record(db, act, what, f"session:{session.id}", **details)
    touch_pairs(db, [session.pair_id], act.at)
