"""No more reminders, without signing in. GET shows a button; a mail program's own button posts (RFC 8058).

The one form of the site that asks for no token: whoever posts has the signed address, and has no cookie of
ours. Shows nothing of the person.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Person
from tracker.services.audit import Act
from tracker.services.tokens import LinkRefused
from tracker.services.unsubscribing import read_unsubscribe, resume_nudges, stop_nudges
from web import current

unsubscribe = Blueprint("unsubscribe", __name__, url_prefix="/unsubscribe/<token>")


@unsubscribe.get("")
def ask(token: str) -> ResponseReturnValue:
    """Show how it stands and one button. Mail scanners come here too, so nothing has happened yet."""
    with current.ports().store.read() as db:
        person = _read(db, token)
    return _page(token, person)


@unsubscribe.post("")
def stop(token: str) -> ResponseReturnValue:
    """Stop the reminders; asked by a button here, or by a mail program with List-Unsubscribe=One-Click."""
    with current.ports().store.write() as db:
        person = _read(db, token)
        if person:
            stop_nudges(db, person, Act(person.id, "site", current.now()))
    return _page(token, person)


@unsubscribe.post("/undo")
def undo(token: str) -> ResponseReturnValue:
    """Let them come again: by a button on the page alone."""
    with current.ports().store.write() as db:
        person = _read(db, token)
        if person:
            resume_nudges(db, person, Act(person.id, "site", current.now()))
    return _page(token, person)


def exempt_one_click(protect: CSRFProtect) -> None:
    """Let mail programs post: they have neither a session nor a token of a form."""
    protect.exempt(stop)


def _read(db: OrmSession, token: str) -> Person | None:
    try:
        return read_unsubscribe(db, current.ports().settings, token)
    except LinkRefused:
        return None


def _page(token: str, person: Person | None) -> ResponseReturnValue:
    status = 200 if person else 410
    is_off = bool(person and person.nudges_off_at)
    return render_template("unsubscribe.html", token=token, known=person is not None, is_off=is_off), status
