"""Who was in the online meeting: asked of the provider after a session ended, where the program wants that.

Never asks for anybody but the two of the pair. That nothing was recorded tells nothing, and changes nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, CursorResult, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import joinedload

from tracker.errors import AuthRevoked, ConnectorError
from tracker.events import Conference, CopyRole, EventStatus, Window
from tracker.ledger import Side
from tracker.models import (
    Attendance,
    Calendar,
    CalendarStatus,
    Copy,
    Pair,
    Program,
    Provider,
    Session,
    SessionKey,
    Standing,
)
from tracker.ports import Access, Recorders, Stay
from tracker.services.credentials import CredentialPorts, access_of
from tracker.services.review import touch_pairs

# So long after the end it is asked: records come late, and grow while a meeting overruns.
STEPS = (timedelta(minutes=15), timedelta(hours=2), timedelta(hours=24), timedelta(days=3))
GIVEN_UP_AFTER = timedelta(days=4)
# People come early and stay late; what was in the room at other times is another meeting.
EARLY, LATE = timedelta(minutes=30), timedelta(hours=1)
CLAIM = timedelta(minutes=10)
AT_ONCE = 300  # the others have their turn soon
# A right that is missing may be granted some day.
CLOSED_FOR = timedelta(days=7)
TRY_AGAIN = timedelta(hours=1)
ENOUGH = timedelta(minutes=10)  # the ledger's own measure: more can not change anything
KINDS = ("meet", "teams")
REFUSALS = frozenset({"no_scope", "no_right", "not_delegated", "not_enabled"})

Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


class AttendancePorts(CredentialPorts, Protocol):
    """What it takes to ask; `integrations.registry` opens it."""

    @property
    def recorders(self) -> Recorders:
        """Return what opens the records of meetings."""


@dataclass(slots=True)
class AttendanceReport:
    """How many sessions were asked for, how many had a record, and how many askings failed."""

    asked: int = 0
    recorded: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """An account from which the room may be asked for."""

    calendar_id: int
    provider: Provider
    address: str = field(repr=False)
    access: Access | None
    conference: Conference
    is_closed: bool  # it refused lately; its owner's consent still says who the owner is


@dataclass(frozen=True, slots=True)
class _Question:
    """One session that this process claimed; `sides` says by address who is who."""

    session_id: int
    ends_at: datetime
    window: Window
    sides: Mapping[str, Side]
    places: tuple[_Place, ...]


@dataclass(slots=True)
class _Answer:
    """What the providers said: stays, or None; by calendar whether it is closed to us; the last failure."""

    stays: tuple[Stay, ...] | None = None
    closed: dict[int, bool] = field(default_factory=dict)
    failure: ConnectorError | None = None


def ask_attendance(
    ports: AttendancePorts, now: datetime, on_progress: Progress | None = None
) -> AttendanceReport:
    """Ask for the sessions whose time has come, and keep what was recorded.

    A few hundred at a time; each is claimed, so it may run in many processes at once.
    """
    with ports.store.write() as db:
        _plan(db, now)
    with ports.store.read() as db:
        due = select(Session.id).where(Session.attendance_due_at <= now)
        ids = db.scalars(due.order_by(Session.attendance_due_at, Session.id).limit(AT_ONCE)).all()
    report = AttendanceReport()
    for done, session_id in enumerate(ids, 1):
        if (question := _claim(ports, session_id, now)) is not None:
            answer = _ask(ports, question)
            report.asked += 1
            report.recorded += answer.stays is not None
            report.failed += answer.failure is not None
            _keep(ports, question, answer, now)
        if on_progress:
            on_progress(done, len(ids))
    return report


def count_closed(db: OrmSession) -> dict[Provider, int]:
    """Return for how many calendars their provider refuses to tell who was in a meeting."""
    rows = db.execute(
        select(Calendar.provider, func.count())
        .where(Calendar.records_refused_at.is_not(None), Calendar.status == CalendarStatus.CONNECTED)
        .group_by(Calendar.provider)
    )
    return {row.provider: row[1] for row in rows}


def _plan(db: OrmSession, now: datetime) -> None:
    """Make the sessions due that ended and were not asked for yet."""
    wanted = select(Pair.id).join(Program).where(Program.reads_attendance)
    if db.scalar(select(Program.id).where(Program.reads_attendance).limit(1)) is None:
        return
    db.execute(
        update(Session)
        .where(Session.attendance_due_at.is_(None), Session.attendance_tries == 0)
        .where(Session.ends_at > now - STEPS[-1], Session.ends_at <= now - STEPS[0])
        .where(Session.standing == Standing.COUNTED, ~Session.attendance_recorded)
        .where(Session.pair_id.in_(wanted), exists().where(*_shows_room(Session.id)))
        .values(attendance_due_at=now)
        .execution_options(synchronize_session=False)
    )


def _shows_room(session_id: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a copy of the session that stands and points at a room we can ask for."""
    return (
        SessionKey.session_id == session_id,
        Copy.slot == SessionKey.slot,
        Copy.gone_at.is_(None),
        Copy.status != EventStatus.CANCELLED,
        or_(*(Copy.conference.startswith(f"{kind}:") for kind in KINDS)),
    )


def _claim(ports: AttendancePorts, session_id: int, now: datetime) -> _Question | None:
    """Make the session ours for a while; None where there is nothing to ask, or another was faster.

    If the process dies after this, the claim runs out and the session is due again.
    """
    with ports.store.write() as db:
        claimed = db.execute(
            update(Session)
            .where(Session.id == session_id, Session.attendance_due_at <= now)
            .values(attendance_due_at=now + CLAIM)
            .execution_options(synchronize_session=False)
        )
        if not (isinstance(claimed, CursorResult) and claimed.rowcount == 1):
            return None
        session = db.get_one(Session, session_id)
        pair = session.pair
        if not pair.program.reads_attendance or session.ends_at + STEPS[0] > now:
            session.attendance_due_at, session.attendance_tries = None, 0
            return None
        sides = dict.fromkeys(pair.mentee.all_addresses, Side.MENTEE)
        sides |= dict.fromkeys(pair.mentor.all_addresses, Side.MENTOR)
        window = Window(session.starts_at - EARLY, session.ends_at + LATE)
        return _Question(session_id, session.ends_at, window, sides, _places(ports, db, session, now))


def _places(ports: AttendancePorts, db: OrmSession, session: Session, now: datetime) -> tuple[_Place, ...]:
    copies = db.scalars(
        select(Copy)
        .join(Calendar)
        .where(*_shows_room(session.id))
        .where(Calendar.person_id.in_((session.pair.mentor_id, session.pair.mentee_id)))
        .where(Calendar.status == CalendarStatus.CONNECTED)
        .options(joinedload(Copy.calendar))
        .order_by(Copy.id)
    ).unique()
    # Whoever called the meeting is told most of it.
    first = sorted(copies, key=lambda copy: copy.role is not CopyRole.ORGANISER)
    return tuple(_place(ports, copy, now) for copy in first)


def _place(ports: AttendancePorts, copy: Copy, now: datetime) -> _Place:
    calendar = copy.calendar
    refused_at = calendar.records_refused_at
    kind, _, key = (copy.conference or "").partition(":")
    return _Place(
        calendar_id=calendar.id,
        provider=calendar.provider,
        address=ports.vault.open(calendar.address, calendar.address_binding),
        access=access_of(ports, calendar),
        conference=Conference(kind, key),
        is_closed=refused_at is not None and refused_at > now - CLOSED_FOR,
    )


def _ask(ports: AttendancePorts, question: _Question) -> _Answer:
    """Ask one account after the other until one can tell."""
    answer = _Answer()
    for place in question.places:
        if place.is_closed:
            continue
        try:
            recorder = ports.recorders.open(
                place.provider, place.address, place.access, _consents(question, place.provider)
            )
            people = frozenset(question.sides)
            answer.stays = recorder.stays(place.conference, question.window, people) if recorder else None
            answer.closed[place.calendar_id] = False
        except ConnectorError as error:
            _note_error(answer, place, error)
        except Exception as error:
            # What an exception says may hold an address: its name has to do.
            _log.error("meeting record by calendar %d: %s", place.calendar_id, type(error).__name__)
            answer.failure = ConnectorError("the connector failed", code="internal")
        if answer.stays is not None:
            break
    return answer


def _consents(question: _Question, provider: Provider) -> dict[str, Access]:
    return {
        place.address: place.access
        for place in question.places
        if place.access and place.provider is provider
    }


def _note_error(answer: _Answer, place: _Place, error: ConnectorError) -> None:
    if error.code in REFUSALS:
        answer.closed[place.calendar_id] = True
    elif not isinstance(error, AuthRevoked):  # of that its owner is told where the calendar is read
        answer.failure = error


def _keep(ports: AttendancePorts, question: _Question, answer: _Answer, now: datetime) -> None:
    # If the process dies before the commit, the same is asked again when the claim runs out.
    with ports.store.write() as db:
        session = db.get_one(Session, question.session_id, with_for_update=True)
        if session.attendance_due_at != now + CLAIM:
            return  # it was moved meanwhile, and is another meeting now
        for calendar_id, is_closed in answer.closed.items():
            db.get_one(Calendar, calendar_id).records_refused_at = now if is_closed else None
        presences = _presences(question, answer.stays or ())
        if answer.stays is not None and _note_presences(db, session, presences):
            touch_pairs(db, [session.pair_id], now)
        if answer.stays is None and answer.failure is not None:
            session.attendance_due_at = _again(question, answer.failure, now)
        else:
            session.attendance_tries += 1
            session.attendance_due_at = None if _is_settled(presences) else _next_step(question, now)


_Presence = tuple[str, datetime, datetime]


def _presences(question: _Question, stays: Sequence[Stay]) -> list[_Presence]:
    told = [(question.sides.get(stay.email), stay.joined_at, stay.left_at) for stay in stays]
    return sorted((side.value, joined, left) for side, joined, left in told if side and joined <= left)


def _note_presences(db: OrmSession, session: Session, presences: list[_Presence]) -> bool:
    """Put these in the place of what was recorded before; tell whether that is news."""
    before = sorted((stay.side, stay.joined_at, stay.left_at) for stay in session.attendance)
    if session.attendance_recorded and before == presences:
        return False
    db.execute(delete(Attendance).where(Attendance.session_id == session.id))
    db.add_all(
        [
            Attendance(session_id=session.id, side=side, joined_at=joined, left_at=left)
            for side, joined, left in presences
        ]
    )
    session.attendance_recorded = True
    return True


def _is_settled(presences: list[_Presence]) -> bool:
    times = {side: timedelta(0) for side in Side}
    for side, joined, left in presences:
        times[Side(side)] += left - joined
    return all(time >= ENOUGH for time in times.values())


def _next_step(question: _Question, now: datetime) -> datetime | None:
    return next((due for step in STEPS if (due := question.ends_at + step) > now), None)


def _again(question: _Question, failure: ConnectorError, now: datetime) -> datetime | None:
    due = now + max(TRY_AGAIN, timedelta(seconds=failure.retry_after_s or 0.0))
    return due if due <= question.ends_at + GIVEN_UP_AFTER else None
