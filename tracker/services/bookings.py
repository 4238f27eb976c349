"""Dates that a pair asks for: new ones, other ones, and calling one off. Writes rows only.

What a row asks for is done at the provider by `tracker.services.carrying`; nothing here reaches a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput, NotAllowed
from tracker.events import CopyRole, EventStatus, Window
from tracker.models import (
    TO_DO,
    Booking,
    BookingState,
    Calendar,
    CalendarStatus,
    Copy,
    Pair,
    Session,
    SessionKey,
)
from tracker.references import new_reference, uid_of
from tracker.services.audit import Act, record
from tracker.services.confirm import LONGEST_MINUTES, SHORTEST_MINUTES, covers
from tracker.services.hosts import WITH_DIARY
from tracker.wording import N_

MOST_OPEN = 6
NOT_SHOWN_AFTER = timedelta(days=7)
_STANDING = (BookingState.CREATE, BookingState.MOVE, BookingState.WRITTEN)


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking as pages show it; `session_id` is the session that calendars show of it by now."""

    id: int
    starts_at: datetime
    ends_at: datetime
    state: BookingState
    by_mail: bool
    problem: str | None
    is_stuck: bool
    is_ours: bool
    is_on_way: bool
    session_id: int | None = None


def book(db: OrmSession, keys: Sequence[str], pair_id: int, slot: Window, act: Act) -> Booking:
    """Ask for a session of the pair in that slot; asking twice for one start is asking once.

    Raises BadInput for a slot that is over, too short or long, or outside what was agreed.
    """
    # The pair's row is the lock: of two presses at once, the second finds what the first asked for.
    pair = db.scalars(select(Pair).where(Pair.id == pair_id).with_for_update()).one()
    _check(pair, slot, act.at)
    same = select(Booking).where(
        Booking.pair_id == pair_id, Booking.starts_at == slot.start, Booking.state.in_(_STANDING)
    )
    if booking := db.scalars(same).first():
        return booking
    if _count_open(db, pair_id, act.at) >= MOST_OPEN:
        raise BadInput(N_("There are enough dates ahead of you already. Move one of them instead."))
    reference = new_reference(keys)
    booking = _new(pair_id, reference, slot, act)
    booking.uid = uid_of(reference)
    booking.due_at = act.at
    db.add(booking)
    db.flush()
    _note(db, act, "booking.asked", booking)
    return booking


def move_booking(db: OrmSession, booking_id: int, slot: Window, act: Act) -> Booking:
    """Ask for another time for a booking. Raises BadInput as `book` does, and where it is called off."""
    booking = _locked(db, booking_id)
    if booking.state not in _STANDING:
        raise BadInput(N_("This session was called off in the meantime."))
    if (booking.starts_at, booking.ends_at) == (slot.start, slot.end) and not booking.is_stuck:
        return booking
    _check(booking.pair, slot, act.at)
    _know_where_it_stands(db, booking)
    booking.starts_at, booking.ends_at = slot.start, slot.end
    _ask(booking, BookingState.CREATE if _is_unwritten(booking) else BookingState.MOVE, act)
    _note(db, act, "booking.move_asked", booking)
    return booking


def call_off(db: OrmSession, booking_id: int, act: Act) -> Booking:
    """Ask for a booking to be called off; what nobody wrote anywhere yet is off at once."""
    booking = _locked(db, booking_id)
    if booking.state not in _STANDING:
        return booking
    _know_where_it_stands(db, booking)
    was_unwritten = _is_unwritten(booking)
    _ask(booking, BookingState.CANCEL, act)
    if was_unwritten and not booking.unsure:
        booking.state, booking.due_at = BookingState.CANCELLED, None
    _note(db, act, "booking.call_off_asked", booking)
    return booking


def try_again(db: OrmSession, booking_id: int, act: Act, *, by_mail: bool = False) -> Booking:
    """Give a booking that is stuck another try, because a person asks; `by_mail`: as a mailed invitation."""
    booking = _locked(db, booking_id)
    if not booking.is_stuck:
        return booking
    if by_mail and not _is_unwritten(booking):
        raise BadInput(N_("This session is in a calendar already, so it can not be sent by mail."))
    if by_mail:
        booking.by_mail, booking.calendar_id = True, None
    booking.due_at, booking.problem = act.at, None
    _note(db, act, "booking.asked_again", booking)
    return booking


def forget_wish(db: OrmSession, booking_id: int, act: Act) -> Booking:
    """Take back what a stuck booking waits for: the calendar stays as it is, and nothing more is tried."""
    booking = _locked(db, booking_id)
    if not booking.is_stuck:
        return booking
    length = booking.ends_at - booking.starts_at
    if booking.state is BookingState.CREATE:
        booking.state = BookingState.CANCELLED
    else:
        booking.state = BookingState.WRITTEN
        booking.starts_at = booking.stands_at or booking.starts_at
        booking.ends_at = booking.starts_at + length
    booking.problem = None
    _note(db, act, "booking.wish_forgotten", booking)
    return booking


def take_over(db: OrmSession, keys: Sequence[str], session_id: int, act: Act) -> Booking:
    """Return the booking of a session, made now for an entry that one of the two organises.

    Raises BadInput where no calendar that can be written to holds the organiser's entry.
    """
    session = db.get_one(Session, session_id)
    db.scalars(select(Pair.id).where(Pair.id == session.pair_id).with_for_update()).one()
    if booking := booking_of(db, session_id):
        return booking
    copy = own_entry(db, session_id)
    if copy is None:
        raise BadInput(N_("This session can only be moved in the calendar that it was made in."))
    booking = _new(session.pair_id, new_reference(keys), Window(copy.starts_at, copy.ends_at), act)
    booking.uid, booking.state = "", BookingState.WRITTEN
    booking.calendar_id, booking.provider_event_id = copy.calendar_id, copy.provider_event_id
    booking.stands_at = copy.starts_at
    db.add(booking)
    db.flush()
    _note(db, act, "booking.taken_over", booking)
    return booking


def booking_of(db: OrmSession, session_id: int) -> Booking | None:
    """Return the booking that made the session's entry, or took it over; the latest that still stands."""
    query = (
        select(Booking)
        .join(Copy, _is_entry_of())
        .join(SessionKey, SessionKey.slot == Copy.slot)
        .where(
            SessionKey.session_id == session_id,
            Booking.pair_id == SessionKey.pair_id,
            Booking.state.in_(_STANDING),
        )
    )
    return db.scalars(query.order_by(Booking.id.desc())).first()


def own_entry(db: OrmSession, session_id: int) -> Copy | None:
    """Return the organiser's entry, where it is in a Google or Outlook calendar of one of the two."""
    query = (
        select(Copy)
        .join(SessionKey, SessionKey.slot == Copy.slot)
        .join(Calendar)
        .where(
            SessionKey.session_id == session_id,
            Copy.role == CopyRole.ORGANISER,
            Copy.gone_at.is_(None),
            Copy.status != EventStatus.CANCELLED,
            ~Copy.all_day,
            Calendar.provider.in_(WITH_DIARY),
            Calendar.status == CalendarStatus.CONNECTED,
        )
    )
    return db.scalars(query.order_by(Copy.id)).first()


def list_booked(db: OrmSession, pair_id: int, now: datetime) -> list[Booked]:
    """Return the pair's bookings that are still to come or that somebody has to look at.

    Those to come are first, the soonest at the head; then those that are over, the latest first.
    """
    query = select(Booking).where(
        Booking.pair_id == pair_id,
        Booking.ends_at > now - NOT_SHOWN_AFTER,
        or_(
            Booking.state.in_(TO_DO),
            (Booking.state == BookingState.WRITTEN) & (Booking.ends_at > now),
            (Booking.state == BookingState.CANCELLED)
            & Booking.problem.is_not(None)
            & (Booking.ends_at > now),
        ),
    )
    bookings = list(db.scalars(query.order_by(Booking.starts_at, Booking.id)))
    sessions = _sessions_of(db, [booking.id for booking in bookings])
    # What is over and was never put right must not stand before what comes next.
    over = [booking for booking in bookings if booking.ends_at <= now]
    bookings = [booking for booking in bookings if booking.ends_at > now] + over[::-1]
    return [_booked(booking, sessions.get(booking.id)) for booking in bookings]


def _booked(booking: Booking, session_id: int | None) -> Booked:
    return Booked(
        id=booking.id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        state=booking.state,
        by_mail=booking.by_mail,
        problem=booking.problem,
        is_stuck=booking.is_stuck,
        is_ours=bool(booking.uid),
        is_on_way=booking.state in TO_DO and not booking.is_stuck,
        session_id=session_id,
    )


def _sessions_of(db: OrmSession, booking_ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(Booking.id, SessionKey.session_id)
        .join(Copy, _is_entry_of())
        .join(SessionKey, (SessionKey.slot == Copy.slot) & (SessionKey.pair_id == Booking.pair_id))
        .where(Booking.id.in_(booking_ids))
        .order_by(SessionKey.session_id)
    )
    return {row[0]: row[1] for row in db.execute(query)}


def _is_entry_of() -> ColumnElement[bool]:
    """Return how a copy shows that it is a booking's: by our reference, or as the entry taken over."""
    taken_over = (Copy.calendar_id == Booking.calendar_id) & (
        Copy.provider_event_id == Booking.provider_event_id
    )
    return or_(Copy.reference == Booking.reference, taken_over)


def _know_where_it_stands(db: OrmSession, booking: Booking) -> None:
    # Whoever asks has seen the calendar as we read it last: what was moved there since our own writing is
    # no surprise to them. Where that reading is older than our writing, it stands where we put it.
    if booking.state is BookingState.WRITTEN:
        seen = db.scalars(
            select(Copy.starts_at)
            .join(Booking, _is_entry_of())
            .where(Booking.id == booking.id, Copy.calendar_id == Booking.calendar_id, Copy.gone_at.is_(None))
        ).first()
        if seen and booking.stands_at:
            booking.aims = [int(booking.stands_at.timestamp())]
        booking.stands_at = seen or booking.stands_at


def _check(pair: Pair, slot: Window, now: datetime) -> None:
    if slot.start <= now:
        raise BadInput(N_("That moment has passed. Please choose a later one."))
    if not SHORTEST_MINUTES <= (slot.end - slot.start) / timedelta(minutes=1) <= LONGEST_MINUTES:
        raise BadInput(N_("A session lasts between 5 minutes and 8 hours."))
    if not any(covers(agreement, slot.start) for agreement in pair.agreements):
        raise BadInput(N_("That day lies outside the time that the two of you agreed on."))


def _count_open(db: OrmSession, pair_id: int, now: datetime) -> int:
    open_ones = select(func.count(Booking.id)).where(
        Booking.pair_id == pair_id,
        Booking.uid != "",
        Booking.state.in_(_STANDING),
        Booking.ends_at > now,
    )
    return db.scalar(open_ones) or 0


def _new(pair_id: int, reference: str, slot: Window, act: Act) -> Booking:
    return Booking(
        pair_id=pair_id,
        reference=reference,
        starts_at=slot.start,
        ends_at=slot.end,
        asked_by=act.actor_id,
        created_at=act.at,
        state=BookingState.CREATE,
        wanted=1,
        attempts=0,
        tries=0,
        sequence=0,
        unsure=False,
        by_mail=False,
    )


def _locked(db: OrmSession, booking_id: int) -> Booking:
    booking = db.scalars(select(Booking).where(Booking.id == booking_id).with_for_update()).one_or_none()
    if booking is None:
        raise NotAllowed(f"there is no booking {booking_id}")
    return booking


def _is_unwritten(booking: Booking) -> bool:
    return booking.state is BookingState.CREATE and booking.provider_event_id is None


def _ask(booking: Booking, state: BookingState, act: Act) -> None:
    # A try that is under way is not disturbed: it finds, when it is done, that more was asked for.
    booking.state, booking.due_at, booking.problem = state, act.at, None
    booking.wanted += 1
    booking.sequence += 1
    booking.tries = 0
    booking.asked_by = act.actor_id or booking.asked_by


def _note(db: OrmSession, act: Act, what: str, booking: Booking) -> None:
    record(
        db, act, what, f"booking:{booking.id}", pair=booking.pair_id, starts_at=booking.starts_at.isoformat()
    )
