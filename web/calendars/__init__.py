"""A person's own calendars: what is read of them, and what their owner decides. Shows nobody else's.

The one page of the site that reaches the network within a request is that for a feed's address: it is read
once, outside any transaction, so that a slip in it is found at once.
"""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from tracker.errors import BadInput, ConnectorError
from tracker.models import Calendar, Credential, Provider
from tracker.ports import Hint, Want
from tracker.services.connections import disconnect as disconnect_calendar
from tracker.services.consents import Ask, Given, begin_consent, finish_consent, revoke_consent
from tracker.services.own_calendars import (
    OwnCalendar,
    connect_feed,
    connect_mailbox,
    is_asked_for_attendance,
    let_absences_be_read,
    list_own,
)
from tracker.services.scope import is_needed
from tracker.services.sync import accept_removals
from web import current
from web.calendars.allowances import MORE, allowances_of
from web.calendars.forms import FeedForm
from web.calendars.words import Words
from web.words.problems import problem_for_owner, problem_of_trial

calendars = Blueprint("calendars", __name__, url_prefix="/calendars")

_ACCOUNTS = "<any(google, outlook):provider>"


@calendars.get("")
def mine() -> ResponseReturnValue:
    """Show what is read of the person."""
    consents = current.ports().consents
    offers = [p.value for p in (Provider.GOOGLE, Provider.OUTLOOK) if consents.open(p)]
    own = _own()
    return render_template(
        "calendars/mine.html",
        calendars=own,
        allowances=allowances_of(consents, own, attendance=_is_asked_for_attendance()),
        words=Words(current.reader(), current.now(), offers, _is_needed()),
        offers=offers,
        mailbox=_mailbox_address(),
    )


@calendars.post(f"/{_ACCOUNTS}/connect")
def begin(provider: str) -> ResponseReturnValue:
    """Say what the provider will ask, with a link to it.

    A link, and not a redirect: the page's policy lets forms lead to this site alone, and what a company's
    sign-in adds to the way could not be named in it beforehand.
    """
    again = request.form.get("calendar", type=int)
    account = next((c.consent.account for c in _own() if c.row.id == again and c.consent), None)
    return _leave(Ask(Provider(provider), account=account))


@calendars.post("/<id:calendar_id>/allow")
def allow(calendar_id: int) -> ResponseReturnValue:
    """Say what the provider will ask beyond reading; what was allowed so far is not touched by it."""
    own, what = _one(calendar_id), request.form.get("what", "")
    offered = allowances_of(current.ports().consents, [own], attendance=_is_asked_for_attendance())
    if own.consent is None or own.row.id not in offered or what not in offered[own.row.id].more:
        return redirect(url_for("calendars.mine"), 303)  # it is allowed already, or can not be
    return _leave(Ask(own.row.provider, MORE[what] | {Want.READ}, own.consent.account))


@calendars.get(f"/{_ACCOUNTS}/back")
def back(provider: str) -> ResponseReturnValue:
    """Take in what the person came back with from the provider. Opened a second time, it changes nothing."""
    answer = request.args.to_dict()
    try:
        given = finish_consent(
            current.ports(), current.signed_in(), Provider(provider), answer, current.act()
        )
    except ConnectorError as error:
        return _tell(error, _stands(Provider(provider)))
    except BadInput as error:
        flash(gettext(str(error)))
        return redirect(url_for("calendars.mine"), 303)
    return _connected(given.calendar, _thanks(given))


@calendars.route("/feed", methods=["GET", "POST"])
def feed() -> ResponseReturnValue:
    """Connect a calendar by its address."""
    return _feed_page(None)


@calendars.route("/<id:calendar_id>/address", methods=["GET", "POST"])
def address(calendar_id: int) -> ResponseReturnValue:
    """Give a feed its new address."""
    return _feed_page(_one(calendar_id))


@calendars.post("/mailbox")
def mailbox() -> ResponseReturnValue:
    """Connect the invitations that reach the program's own mailbox."""
    if _mailbox_address() is None:
        abort(404)
    ports = current.ports()
    with ports.store.write() as db:
        calendar = connect_mailbox(db, ports.vault, current.signed_in(), current.act())
    return _connected(calendar)


@calendars.post("/<id:calendar_id>/days-away")
def days_away(calendar_id: int) -> ResponseReturnValue:
    """Let days away be read from a calendar, or no longer."""
    reads = request.form.get("reads") == "yes"
    with current.ports().store.write() as db:
        calendar = db.get_one(Calendar, calendar_id, with_for_update=True)
        let_absences_be_read(db, calendar, reads=reads, act=current.act())
    flash(
        gettext("From the next reading on, days away are read from this calendar.")
        if reads
        else gettext("Days away are not read from this calendar any more.")
    )
    return redirect(url_for("calendars.mine"), 303)


@calendars.post("/<id:calendar_id>/accept-removals")
def accept(calendar_id: int) -> ResponseReturnValue:
    """Take the person's word that very many sessions are really gone."""
    with current.ports().store.write() as db:
        accept_removals(db, calendar_id, current.act())
    current.ports().hints.send(Hint.CALENDAR, calendar_id)
    flash(gettext("Thank you. With the next reading, in a moment, those sessions go."))
    return redirect(url_for("calendars.mine"), 303)


@calendars.route("/<id:calendar_id>/disconnect", methods=["GET", "POST"])
def disconnect(calendar_id: int) -> ResponseReturnValue:
    """Say exactly what disconnecting means; then do it."""
    own = _one(calendar_id)
    if not own.is_connected:
        return redirect(url_for("calendars.mine"))
    if request.method == "GET":
        words = Words(current.reader(), current.now())
        return render_template("calendars/disconnect.html", own=own, words=words)
    if _disconnect(own.row, own.consent):
        flash(gettext("It is disconnected. Nothing more is read of it."))
    else:
        flash(
            gettext(
                "It is disconnected here. Its provider did not answer, so please take the access back there "
                "too, in the settings of your account."
            )
        )
    return redirect(url_for("calendars.mine"), 303)


def _disconnect(row: Calendar, consent: Credential | None) -> bool:
    ports, act = current.ports(), current.act()
    if consent is not None:
        return revoke_consent(ports, current.signed_in(), consent.id, act)
    with ports.store.write() as db:
        disconnect_calendar(db, db.get_one(Calendar, row.id, with_for_update=True), act)
    return True


def _feed_page(replaced: OwnCalendar | None) -> ResponseReturnValue:
    if replaced and (replaced.row.provider is not Provider.ICAL or not replaced.is_connected):
        abort(404)
    form = FeedForm()
    if form.validate_on_submit():
        if not current.limits().feeds.allow(str(current.signed_in().id)):
            abort(429)
        try:
            calendar = connect_feed(
                current.ports(),
                current.signed_in(),
                form.address.data,
                current.act(),
                replaces=replaced.row.id if replaced else None,
            )
            return _connected(calendar)
        except ConnectorError as error:
            form.address.errors = [problem_of_trial(current.reader(), error.code)]
        except BadInput as error:
            form.address.errors = [gettext(problem) for problem in error.problems]
        form.address.data = None
    return render_template("calendars/feed.html", form=form, replaced=replaced), 422 if form.errors else 200


def _leave(ask: Ask) -> ResponseReturnValue:
    try:
        asked = begin_consent(current.ports(), current.signed_in(), ask, current.act())
    except ConnectorError as error:
        return _tell(error)
    return render_template(
        "calendars/leave.html", provider=ask.provider.value, address=asked.url, wants=asked.wants
    )


def _thanks(given: Given) -> str | None:
    """Return what is said where more than reading was asked for; None where it was not."""
    if given.lacking:
        return str(
            gettext(
                "Not all of it was allowed there, and that is fine: your calendar is read as before, and "
                "what you allow stands below."
            )
        )
    if given.wants == {Want.READ}:
        return None
    return str(gettext("Thank you. What you allow stands below, and you can take it back any time."))


def _stands(provider: Provider) -> str:
    """Return that what was allowed before holds, for whoever has allowed something there."""
    if any(c.consent and c.is_connected and not c.problem and c.row.provider is provider for c in _own()):
        return str(gettext("Your calendar is read as before."))
    return ""


def _is_asked_for_attendance() -> bool:
    with current.ports().store.read() as db:
        return is_asked_for_attendance(db, current.signed_in().id)


def _connected(calendar: Calendar, said: str | None = None) -> ResponseReturnValue:
    # After the commit: it is due anyway, a hint only makes it sooner.
    current.ports().hints.send(Hint.CALENDAR, calendar.id)
    if said is not None:
        flash(said)
    elif _is_needed():
        flash(
            gettext(
                "Connected. We read it for the first time within a minute or two; then this page says more."
            )
        )
    else:
        flash(gettext("Connected. It is read once you are in a running pair."))
    return redirect(url_for("calendars.mine"), 303)


def _tell(error: ConnectorError, more: str = "") -> ResponseReturnValue:
    flash(f"{problem_for_owner(current.reader(), error.code)} {more}".rstrip())
    return redirect(url_for("calendars.mine"), 303)


def _own() -> list[OwnCalendar]:
    ports = current.ports()
    with ports.store.read() as db:
        return list_own(db, ports.vault, current.signed_in())


def _is_needed() -> bool:
    with current.ports().store.read() as db:
        return is_needed(db, current.signed_in().id, current.now())


def _one(calendar_id: int) -> OwnCalendar:
    # The policy has seen to it that it is the person's own.
    return next(own for own in _own() if own.row.id == calendar_id)


def _mailbox_address() -> str | None:
    """Return whom to invite, where invitations are read at all and the person does not have that yet."""
    settings = current.ports().settings
    has_it = any(c.row.provider is Provider.MAILBOX and c.is_connected for c in _own())
    return settings.program_address if settings.mailbox_url and not has_it else None
