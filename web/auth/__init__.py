"""Signing in and out. Never says whether an address is known; never signs anybody in on a GET."""

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from tracker.ports import Hint
from tracker.services.signin import mail_link, read_link, use_link
from tracker.services.tokens import LinkRefused, Refusal
from tracker.tags import normal_address
from tracker.wording import N_
from web import current
from web.auth.forms import AskForm
from web.paths import own_path

auth = Blueprint("auth", __name__)

REFUSALS = {
    Refusal.EXPIRED: (
        N_("This link has run out"),
        N_("Links are good for half an hour, so that an old mail opens nothing. Ask for a new one here."),
    ),
    Refusal.USED: (
        N_("This link was used before"),
        N_("Each link signs you in once, and a newer one replaces the older ones. Ask for a new one here."),
    ),
    Refusal.BROKEN: (
        N_("This link is not complete"),
        N_("A part of it may have been lost on the way. Open it straight from the mail, or ask for another."),
    ),
}


@auth.route("/sign-in", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    """Ask for a mail address; mail a link to whoever it belongs to."""
    form = AskForm(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return render_template("auth/ask.html", form=form, title=None, what=None)
    email = normal_address(form.email.data or "")
    if not current.limits().allow_sign_in(email, request.remote_addr or ""):
        abort(429)
    ports = current.ports()
    with ports.store.write() as db:
        # After the commit the schedule's next tick, some seconds away, finds the mail in the outbox.
        mail_link(db, ports, email, current.act(), then=own_path(form.next.data))
    ports.hints.send(Hint.MAIL)
    return redirect(url_for("auth.sent"), 303)


@auth.get("/sign-in/sent")
def sent() -> ResponseReturnValue:
    """Say that a link is on its way, in the same words whether it is or not."""
    return render_template("auth/sent.html")


@auth.get("/sign-in/<token>")
def link(token: str) -> ResponseReturnValue:
    """Show one button. Mail scanners come here too, so nothing has happened yet."""
    ports = current.ports()
    try:
        with ports.store.read() as db:
            person = read_link(db, ports.settings, token, current.now())
    except LinkRefused as refused:
        return _refuse(refused)
    return render_template("auth/link.html", person=person, next=own_path(request.args.get("next")) or "")


@auth.post("/sign-in/<token>")
def use(token: str) -> ResponseReturnValue:
    """Sign the person in, and spend the link."""
    ports = current.ports()
    try:
        with ports.store.write() as db:
            person = use_link(db, ports.settings, token, current.act())
    except LinkRefused as refused:
        return _refuse(refused)
    # Whatever an earlier visitor of this browser left behind ends here.
    session.clear()
    session[current.PERSON_KEY] = person.id
    session.permanent = True
    return redirect(own_path(request.form.get("next")) or url_for("home.index"), 303)


@auth.post("/sign-out")
def leave() -> ResponseReturnValue:
    """Sign out."""
    language = current.language()
    session.clear()
    session[current.LANGUAGE_KEY] = language
    current.forget_person()
    flash(gettext("You are signed out."))
    return redirect(url_for("auth.ask"), 303)


def _refuse(refused: LinkRefused) -> ResponseReturnValue:
    title, what = REFUSALS[refused.why]
    form = AskForm(formdata=None, next=own_path(request.args.get("next")) or "")
    return render_template("auth/ask.html", form=form, title=title, what=what), 410
