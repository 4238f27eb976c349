"""The front door: where somebody belongs, the language, and a sign of life. Shows nothing private."""

from flask import Blueprint, abort, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from tracker.models import Person
from tracker.services.overview import pairs_of
from tracker.wording import LANGUAGES
from web import current
from web.paths import own_path
from web.policy import sees_all

home = Blueprint("home", __name__)


@home.get("/")
def index() -> ResponseReturnValue:
    """Send everybody to the page that is theirs."""
    person = current.person()
    if person is None:
        return redirect(url_for("auth.ask"))
    return redirect(url_for("hr.board") if sees_all(person) else _own_page(person))


def _own_page(person: Person) -> str:
    with current.ports().store.read() as db:
        own = pairs_of(db, person)
    return url_for("pairs.show", pair_id=own[0].id) if len(own) == 1 else url_for("pairs.mine")


@home.get("/live")
def live() -> ResponseReturnValue:
    """Tell that this process answers, and nothing of what is behind it."""
    return {"live": True}


@home.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """Give the mark to browsers that ask for it without having read a page."""
    return current_app.send_static_file("mark.svg")


@home.post("/language")
def choose_language() -> ResponseReturnValue:
    """Remember the language: with the person who is signed in, else on this machine."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        abort(400)
    session[current.LANGUAGE_KEY] = chosen
    person = current.person()
    if person:
        with current.ports().store.write() as db:
            found = db.get(Person, person.id)
            if found:
                found.language = chosen
    return redirect(own_path(request.form.get("next")) or url_for("home.index"), 303)
