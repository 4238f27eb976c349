"""What the buttons of a letter lead to: a page with the one thing to do, without signing in.

Opening a page changes nothing, since mail scanners open links too; a press does it, and another takes it
back. Shows of the pair no more than the letter did.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tracker.models import Person
from tracker.services.audit import Act
from tracker.services.links import Purpose, read_letter_link
from tracker.services.tokens import LinkRefused
from web import current
from web.letters.booking import BookPage
from web.letters.confirming import ConfirmPage
from web.letters.explaining import ExplainPage
from web.letters.snoozing import SnoozePage

letters = Blueprint("letters", __name__, url_prefix="/letter")

Page = BookPage | ConfirmPage | ExplainPage | SnoozePage
PAGES: dict[Purpose, type[Page]] = {
    Purpose.CONFIRM: ConfirmPage,
    Purpose.BOOK: BookPage,
    Purpose.EXPLAIN: ExplainPage,
    Purpose.SNOOZE: SnoozePage,
}


@letters.get("/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show what the link offers, or what came of it."""
    page = _open(token)
    if page is None:
        return _refuse()
    return render_template(page.template, token=token, **page.facts())


@letters.post("/<token>")
def act(token: str) -> ResponseReturnValue:
    """Do it, or take it back; the page then shows how things stand."""
    page = _open(token)
    if page is None:
        return _refuse()
    page.act(request.form, Act(page.person.id, "letter", current.now()))
    return redirect(url_for("letters.show", token=token), 303)


def _open(token: str) -> Page | None:
    try:
        link = read_letter_link(current.ports().settings, token, current.now())
    except LinkRefused:
        return None
    with current.ports().store.read() as db:
        person = db.get(Person, link.person_id)
    if person is None or person.is_erased:
        return None
    current.read_as(person)
    return PAGES[link.purpose].open(link, person)


def _refuse() -> ResponseReturnValue:
    return render_template("letters/over.html"), 410
