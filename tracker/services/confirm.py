"""What the two say of their sessions. Never judges: it adds a statement, and the pair is due for a review.

Every function checks that the speaker is one of the two; who entered it (HR on the phone, the command line)
is in the act.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput, NotAllowed
from tracker.ledger import Side
from tracker.models import Agreement, Pair, Person, Session, Standing, Statement
from tracker.services.audit import Act, record
from tracker.services.review import touch_pairs
from tracker.wording import N_

SHORTEST_MINUTES = 5
LONGEST_MINUTES = 8 * 60


@dataclass(frozen=True, slots=True)
class Told:
    """A session as somebody remembers it: `absent` is empty where both were there."""

    starts_at: datetime
    minutes: int
    absent: frozenset[str] = frozenset()

    @property
    def ends_at(self) -> datetime:
        """Return when it was over."""
        return self.starts_at + timedelta(minutes=self.minutes)


class AlreadyKnown(BadInput):
    """There is a session at that time: `session_id` is the one to speak of."""

    def __init__(self, session_id: int) -> None:
        self.session_id = session_id
        super().__init__(N_("There is already a session at that time."))


def side_of(pair: Pair, person: Person) -> Side | None:
    """Return which of the two this person is, None for anybody else."""
    return {pair.mentor_id: Side.MENTOR, pair.mentee_id: Side.MENTEE}.get(person.id)


def confirm_session(  # noqa: PLR0913 - the whole of what is said
    db: OrmSession, session_id: int, *, by: Person, held: bool, absent: frozenset[str], act: Act
) -> Statement:
    """Record that `by` says the session was held, or was not, and who of the two did not come.

    Saying the same again changes nothing. Raises NotAllowed where the session is not theirs or counts for
    nothing, BadInput where it has not begun or the answer contradicts itself.
    """
    session, side = _spoken_of(db, session_id, by)
    _check_answer(session, act.at, held=held, absent=absent)
    latest = latest_statement(session, side)
    if latest and (latest.held, latest.absent) == (held, sorted(absent)):
        return latest
    statement = _statement(side, held=held, absent=absent, act=act)
    session.statements.append(statement)
    db.flush()
    _note(db, act, "statement.made", session, side=side, held=held, absent=sorted(absent))
    return statement


def withdraw_statement(db: OrmSession, session_id: int, *, by: Person, act: Act) -> bool:
    """Take back the latest thing that `by` said of the session; what they said before it counts again.

    Returns False where there is nothing to take back. The audit trail keeps what was said.
    """
    session, side = _spoken_of(db, session_id, by)
    latest = latest_statement(session, side)
    if latest is None:
        return False
    session.statements.remove(latest)
    _note(db, act, "statement.withdrawn", session, side=side, held=latest.held, absent=latest.absent)
    return True


def tell_session(db: OrmSession, pair_id: int, told: Told, *, by: Person, act: Act) -> Session:
    """Record a session that no calendar shows, and with it what `by` says of it: held if nobody was absent.

    Raises AlreadyKnown where the pair has a session then, BadInput where it is still to come or lies outside
    the agreement, NotAllowed for anybody but the two.
    """
    pair = db.get(Pair, pair_id)
    side = side_of(pair, by) if pair else None
    if pair is None or side is None:
        raise NotAllowed(f"pair {pair_id} is not theirs")
    _check_time(pair, told, act.at)
    _refuse_twin(db, pair_id, told)
    session = Session(
        pair=pair,
        starts_at=told.starts_at,
        ends_at=told.ends_at,
        told_by=by.id,
        created_at=act.at,
        standing=Standing.COUNTED,
    )
    db.add(session)
    held = not told.absent
    session.statements.append(_statement(side, held=held, absent=told.absent, act=act))
    db.flush()
    _note(db, act, "session.told", session, side=side, held=held, absent=sorted(told.absent))
    return session


def latest_statement(session: Session, side: Side) -> Statement | None:
    """Return what that side said last of the session."""
    return next((s for s in reversed(session.statements) if s.side == side), None)


def covers(agreement: Agreement, at: datetime) -> bool:
    """Tell whether the agreement holds on that day."""
    day = at.astimezone(ZoneInfo(agreement.timezone)).date()
    return agreement.starts_on <= day <= agreement.ends_on


def _spoken_of(db: OrmSession, session_id: int, by: Person) -> tuple[Session, Side]:
    session = db.get(Session, session_id)
    side = side_of(session.pair, by) if session else None
    if session is None or side is None or session.standing is not Standing.COUNTED:
        raise NotAllowed(f"session {session_id} is not theirs to speak of")
    return session, side


def _check_answer(session: Session, now: datetime, *, held: bool, absent: frozenset[str]) -> None:
    if now < session.starts_at:
        raise BadInput(N_("This session has not begun yet. You can answer once it has."))
    if held and absent:
        raise BadInput(N_("A session that took place has nobody absent. Choose one of the two."))
    if not absent <= set(Side):
        raise BadInput(N_("Only the mentor and the mentee can be absent."))


def _check_time(pair: Pair, told: Told, now: datetime) -> None:
    if not SHORTEST_MINUTES <= told.minutes <= LONGEST_MINUTES:
        raise BadInput(N_("A session lasts between 5 minutes and 8 hours."))
    if told.starts_at >= now:
        raise BadInput(N_("That moment is still to come. Put the session on the calendar instead."))
    if not any(covers(agreement, told.starts_at) for agreement in pair.agreements):
        raise BadInput(N_("That day lies outside the time that the two of you agreed on."))


def _refuse_twin(db: OrmSession, pair_id: int, told: Told) -> None:
    overlapping = select(Session.id).where(
        Session.pair_id == pair_id,
        Session.standing != Standing.DISMISSED,
        Session.starts_at < told.ends_at,
        Session.ends_at > told.starts_at,
    )
    if (twin := db.scalars(overlapping.order_by(Session.starts_at).limit(1)).first()) is not None:
        raise AlreadyKnown(twin)


def _statement(side: Side, *, held: bool, absent: frozenset[str], act: Act) -> Statement:
    return Statement(
        side=side.value, at=act.at, held=held, absent=sorted(absent), entered_by=act.actor_id, via=act.via
    )


def _note(db: OrmSession, act: Act, what: str, session: Session, **details: object) -> None:
    record(db, act, what, f"session:{session.id}", **details)
    touch_pairs(db, [session.pair_id], act.at)
