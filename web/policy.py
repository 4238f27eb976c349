"""Who may call which endpoint. What is not declared here is denied, and what is not yours does not exist."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import joinedload, selectinload

from tracker.models import Absence, Agreement, Booking, Calendar, Copy, Goal, Milestone, Pair, Person, Session
from tracker.services.confirm import side_of
from web import current


class Who(StrEnum):
    """Who may come in. A pair in the address must besides be one that they may see."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    MEMBER = "member"  # one of the two
    READER = "reader"  # one of the two, or HR
    OWNER = "owner"  # whose calendar it is, or the entry is on
    HR = "hr"
    OUTSIDER_HR = "outsider_hr"  # HR, and not one of the two: nobody speaks for their own partner


ENDPOINTS: Mapping[str, Who] = {
    "static": Who.ANYONE,
    "bootstrap.static": Who.ANYONE,
    "home.live": Who.ANYONE,
    "watching.ready": Who.ANYONE,
    "watching.health": Who.ANYONE,  # who may see it stands there: this machine, or the token
    "watching.metrics": Who.ANYONE,
    "home.favicon": Who.ANYONE,
    "home.choose_language": Who.ANYONE,
    "home.index": Who.ANYONE,
    "auth.ask": Who.ANYONE,
    "auth.sent": Who.ANYONE,
    "auth.link": Who.ANYONE,
    "auth.use": Who.ANYONE,
    "auth.leave": Who.ANYONE,
    "letters.show": Who.ANYONE,
    "letters.act": Who.ANYONE,
    "hooks.google": Who.ANYONE,  # whoever knows a channel's mark
    "hooks.outlook": Who.ANYONE,
    "unsubscribe.ask": Who.ANYONE,
    "unsubscribe.stop": Who.ANYONE,
    "unsubscribe.undo": Who.ANYONE,
    "pairs.mine": Who.SIGNED_IN,
    "pairs.show": Who.READER,
    "pairs.confirm": Who.MEMBER,
    "pairs.withdraw": Who.MEMBER,
    "pairs.tell": Who.MEMBER,
    "pairs.remark": Who.MEMBER,
    "dates.find": Who.MEMBER,
    "dates.move": Who.MEMBER,
    "dates.move_session": Who.MEMBER,
    "dates.drop": Who.MEMBER,
    "dates.drop_session": Who.MEMBER,
    "dates.again": Who.MEMBER,
    "away.days": Who.MEMBER,
    "away.remove": Who.MEMBER,
    "questions.suggested": Who.MEMBER,
    "questions.vanished": Who.MEMBER,
    "questions.twins": Who.MEMBER,
    "questions.which_pair": Who.OWNER,
    "goals.add": Who.MEMBER,
    "goals.change": Who.MEMBER,
    "goals.delete": Who.MEMBER,
    "goals.add_step": Who.MEMBER,
    "goals.tick": Who.MEMBER,
    "goals.delete_step": Who.MEMBER,
    "calendars.mine": Who.SIGNED_IN,
    "calendars.begin": Who.SIGNED_IN,
    "calendars.back": Who.SIGNED_IN,
    "calendars.feed": Who.SIGNED_IN,
    "calendars.mailbox": Who.SIGNED_IN,
    "calendars.allow": Who.OWNER,
    "calendars.address": Who.OWNER,
    "calendars.days_away": Who.OWNER,
    "calendars.accept": Who.OWNER,
    "calendars.disconnect": Who.OWNER,
    "hr.board": Who.HR,
    "hr.download": Who.HR,
    "hr.record": Who.OUTSIDER_HR,
    "hr.take_back": Who.OUTSIDER_HR,
}


def enforce() -> ResponseReturnValue | None:
    """Let the request through, send it to the sign-in page, or say that there is no such page."""
    if request.endpoint is None:
        return None  # no such address, or not with this method: the error pages say so
    who = ENDPOINTS.get(request.endpoint)
    if who is None:
        abort(404)
    if who is Who.ANYONE:
        return None
    person = current.person()
    if person is None:
        return _to_sign_in()
    if not _is_let_in(who, person, request.view_args or {}):
        abort(404)
    return None


def _to_sign_in() -> ResponseReturnValue:
    if request.endpoint == "calendars.back":
        # The address holds a provider's code, which belongs in no further address and in no mail.
        return redirect(url_for("auth.ask", next=url_for("calendars.mine")))
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("auth.ask", next=request.full_path.rstrip("?")))
    flash(
        gettext("You were signed out in the meantime, so this was not saved. Please sign in and try again.")
    )
    return redirect(url_for("auth.ask"), 303)


def _is_let_in(who: Who, person: Person, names: Mapping[str, Any]) -> bool:
    if "pair_id" in names:
        g.pair = _load_pair(names)
        return g.pair is not None and _fits_pair(who, person, g.pair)
    if who is Who.OWNER:
        return _is_owner(person, names)
    return who is Who.SIGNED_IN or (who is Who.HR and sees_all(person))


def _fits_pair(who: Who, person: Person, pair: Pair) -> bool:
    is_member = side_of(pair, person) is not None
    fits = {
        Who.MEMBER: is_member,
        Who.READER: is_member or sees_all(person),
        Who.HR: sees_all(person),
        Who.OUTSIDER_HR: sees_all(person) and not is_member,
    }
    return fits.get(who, False)


def _is_owner(person: Person, names: Mapping[str, Any]) -> bool:
    owner = select(Calendar.person_id)
    if "calendar_id" in names:
        owner = owner.where(Calendar.id == names["calendar_id"])
    else:
        owner = owner.join(Copy).where(Copy.id == names["copy_id"])
    with current.ports().store.read() as db:
        return db.scalar(owner) == person.id


def sees_all(person: Person) -> bool:
    """Tell whether this person sees every pair: HR, and whoever runs the installation."""
    return person.is_hr or person.is_admin


def _load_pair(names: Mapping[str, Any]) -> Pair | None:
    everything = (
        joinedload(Pair.mentor),
        joinedload(Pair.mentee),
        joinedload(Pair.program),
        selectinload(Pair.agreements),
    )
    with current.ports().store.read() as db:
        pair = db.scalars(select(Pair).where(Pair.id == names["pair_id"]).options(*everything)).one_or_none()
        return pair if pair and _belongs(db, names, pair) else None


def _belongs(db: OrmSession, names: Mapping[str, Any], pair: Pair) -> bool:
    # An address names the pair and the thing: a thing of another pair is not there.
    owners = {
        "agreement_id": select(Agreement.pair_id).where(Agreement.id == names.get("agreement_id")),
        "booking_id": select(Booking.pair_id).where(Booking.id == names.get("booking_id")),
        "session_id": select(Session.pair_id).where(Session.id == names.get("session_id")),
        "goal_id": select(Goal.pair_id).where(Goal.id == names.get("goal_id")),
        "step_id": select(Goal.pair_id).join(Milestone).where(Milestone.id == names.get("step_id")),
    }
    fits = all(db.scalar(owner) == pair.id for name, owner in owners.items() if name in names)
    return fits and ("absence_id" not in names or _is_away(db, names["absence_id"], pair))


def _is_away(db: OrmSession, absence_id: int, pair: Pair) -> bool:
    # A pause of the pair, or the reader's own leave; the partner's leave is the partner's.
    absence = db.get(Absence, absence_id)
    person = current.signed_in()
    return absence is not None and (absence.pair_id == pair.id or absence.person_id == person.id)
