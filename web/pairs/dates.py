"""Finding a date for a pair: a new one, another one, or calling one off. GET shows, and POST asks for it.

Nothing here reaches a calendar but the question when the two are free; what is asked for is done by a worker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.events import Window
from tracker.models import Booking, Session
from tracker.ports import Hint, Want
from tracker.services.bookings import (
    book,
    booking_of,
    call_off,
    forget_wish,
    move_booking,
    own_entry,
    take_over,
    try_again,
)
from tracker.services.confirm import side_of
from tracker.services.consents import who_could_allow
from tracker.services.freetime import Wish, coming_window, find_slots
from tracker.services.hosts import can_write
from web import current
from web.pairs.forms import DateForm
from web.words.dates import DateWords
from web.words.people import Eyes

dates = Blueprint("dates", __name__, url_prefix="/pairs/<id:pair_id>")

WEEKS_AHEAD = 8


@dataclass(frozen=True, slots=True)
class _Target:
    """What gets a date: `at` is when it is now, None for a session that is new."""

    ask: Callable[[OrmSession, Window], object]
    at: Window | None = None


@dates.route("/new-date", methods=["GET", "POST"])
def find(pair_id: int) -> ResponseReturnValue:
    """Offer free times for a new session, and ask for the one that was chosen."""
    keys, act = current.ports().settings.keys, current.act()
    return _offer(_Target(lambda db, slot: book(db, keys, pair_id, slot, act)))


@dates.route("/bookings/<id:booking_id>/new-date", methods=["GET", "POST"])
def move(pair_id: int, booking_id: int) -> ResponseReturnValue:
    """Offer other times for a session that was booked."""
    with current.ports().store.read() as db:
        booking = db.get_one(Booking, booking_id)
    act, at = current.act(), Window(booking.starts_at, booking.ends_at)
    return _offer(_Target(lambda db, slot: move_booking(db, booking_id, slot, act), at))


@dates.route("/sessions/<id:session_id>/new-date", methods=["GET", "POST"])
def move_session(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Offer other times for a session that stands in a calendar."""
    session, is_ours = _session(session_id)
    if not is_ours:
        return render_template("pairs/elsewhere.html", session=session, eyes=_eyes())
    keys, act = current.ports().settings.keys, current.act()

    def ask(db: OrmSession, slot: Window) -> object:
        return move_booking(db, take_over(db, keys, session_id, act).id, slot, act)

    return _offer(_Target(ask, Window(session.starts_at, session.ends_at)))


@dates.route("/bookings/<id:booking_id>/call-off", methods=["GET", "POST"])
def drop(pair_id: int, booking_id: int) -> ResponseReturnValue:
    """Ask before a booking is called off, then ask for that."""
    if request.method == "POST":
        return _do(lambda db: call_off(db, booking_id, current.act()), _called_off())
    with current.ports().store.read() as db:
        booking = db.get_one(Booking, booking_id)
    return render_template(
        "pairs/call_off.html", starts_at=booking.starts_at, ends_at=booking.ends_at, eyes=_eyes()
    )


@dates.route("/sessions/<id:session_id>/call-off", methods=["GET", "POST"])
def drop_session(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Ask before a session that stands in a calendar is called off, then ask for that."""
    session, is_ours = _session(session_id)
    if not is_ours:
        return render_template("pairs/elsewhere.html", session=session, eyes=_eyes())
    if request.method == "POST":
        keys, act = current.ports().settings.keys, current.act()
        return _do(lambda db: call_off(db, take_over(db, keys, session_id, act).id, act), _called_off())
    return render_template(
        "pairs/call_off.html", starts_at=session.starts_at, ends_at=session.ends_at, eyes=_eyes()
    )


@dates.post("/bookings/<id:booking_id>/again")
def again(pair_id: int, booking_id: int) -> ResponseReturnValue:
    """Try once more what did not work, send it by mail instead, or let it be."""
    if request.form.get("how") == "forget":
        said = gettext("Left as it is. Nothing was changed in the calendar.")
        return _do(lambda db: forget_wish(db, booking_id, current.act()), said)
    by_mail = request.form.get("how") == "mail"
    return _do(
        lambda db: try_again(db, booking_id, current.act(), by_mail=by_mail), gettext("We try it again.")
    )


def _offer(target: _Target) -> ResponseReturnValue:
    form = DateForm()
    if request.method == "POST":
        try:
            if slot := _pressed() if "at" in request.form else _written(form):
                with current.ports().store.write() as db:
                    target.ask(db, slot)
                return _asked(gettext("Noted. Both of you get it in your calendars."))
        except BadInput as error:
            form.day.errors = [gettext(problem) for problem in error.problems]
    return render_template("pairs/dates.html", form=form, **_found(target, form)), 422 if form.errors else 200


def _found(target: _Target, form: DateForm) -> dict[str, Any]:
    # What was chosen is asked for all the same: only looking reaches the providers.
    if not current.limits().free_times.allow(str(current.signed_in().id)):
        abort(429)
    weeks = min(max(request.args.get("later", 0, int), 0), WEEKS_AHEAD)
    length = target.at.end - target.at.start if target.at else None
    wish = Wish(coming_window(current.now(), weeks), current.signed_in().id, length)
    slots = find_slots(current.ports(), current.pair().id, wish, current.now())
    if form.minutes.data is None:
        form.minutes.data = int(slots.length / timedelta(minutes=1))
    eyes = _eyes()
    people = {person.id: person for person in (eyes.pair.mentor, eyes.pair.mentee)}
    with current.ports().store.read() as db:
        allowing = who_could_allow(db, current.ports().consents, slots.unseen, Want.FREE_BUSY)
    return {
        "slots": slots,
        "later": weeks + 2 if weeks + 2 <= WEEKS_AHEAD else None,
        "at": target.at,
        "eyes": eyes,
        "dates": DateWords(eyes),
        "unseen": [people[each] for each in sorted(slots.unseen)],
        "allowing": allowing,
    }


def _pressed() -> Window | None:
    """Return the slot of the button that was pressed; what no button of ours says is refused."""
    minutes = request.form.get("minutes", 0, int)
    try:
        starts_at = datetime.fromisoformat(request.form["at"])
        if starts_at.tzinfo is None:
            abort(400)
        return Window(starts_at.astimezone(UTC), starts_at.astimezone(UTC) + timedelta(minutes=minutes))
    except (ValueError, OverflowError):
        abort(400)


def _written(form: DateForm) -> Window | None:
    return form.slot(current.reader().timezone) if form.validate_on_submit() else None


def _session(session_id: int) -> tuple[Session, bool]:
    """Return the session, and whether we may move it: its entry is ours, or in a calendar we may write to."""
    ports = current.ports()
    with ports.store.read() as db:
        session = db.get_one(Session, session_id)
        entry = own_entry(db, session_id)
        is_ours = booking_of(db, session_id) is not None
        return session, is_ours or (entry is not None and can_write(db, ports, entry.calendar))


def _do(act: Callable[[OrmSession], object], said: str) -> ResponseReturnValue:
    try:
        with current.ports().store.write() as db:
            act(db)
    except BadInput as error:
        said = " ".join(gettext(problem) for problem in error.problems)
    return _asked(said)


def _asked(said: str) -> ResponseReturnValue:
    # After the commit: it is due anyway, a hint only makes it sooner.
    current.ports().hints.send(Hint.BOOKINGS)
    flash(said)
    return redirect(url_for("pairs.show", pair_id=current.pair().id), 303)


def _called_off() -> str:
    return str(gettext("It is being called off. Both of you are told."))


def _eyes() -> Eyes:
    return Eyes(current.reader(), current.pair(), side_of(current.pair(), current.signed_in()))
