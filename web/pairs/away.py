"""Days on which a pair need not meet: a pause of the two, or one's own leave. Nobody is asked why."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from tracker.errors import BadInput
from tracker.services.absences import Days, add_leave, add_pause, list_absences, remove_absence
from tracker.services.confirm import side_of
from web import current
from web.judging import judge_now
from web.pairs.forms import AwayForm
from web.words.people import Eyes

away = Blueprint("away", __name__, url_prefix="/pairs/<id:pair_id>/away")


@away.route("", methods=["GET", "POST"])
def days(pair_id: int) -> ResponseReturnValue:
    """Show the days away that are known, and take down new ones."""
    pair, person = current.pair(), current.signed_in()
    form = AwayForm()
    if form.validate_on_submit():
        stretch = Days(form.first.data, form.last.data)
        try:
            with current.ports().store.write() as db:
                if form.who.data == "pause":
                    add_pause(db, pair, stretch, current.act())
                else:
                    add_leave(db, person, stretch, current.act())
        except BadInput as error:
            form.last.errors = [gettext(problem) for problem in error.problems]
        else:
            judge_now(pair_id)
            flash(gettext("Noted. Nobody expects a session on these days."))
            return redirect(url_for("away.days", pair_id=pair_id), 303)
    with current.ports().store.read() as db:
        known = list_absences(db, pair, person, current.today())
    eyes = Eyes(current.reader(), pair, side_of(pair, person))
    page = render_template("pairs/away.html", form=form, known=known, eyes=eyes)
    return page, 422 if form.errors else 200


@away.post("/<id:absence_id>/remove")
def remove(pair_id: int, absence_id: int) -> ResponseReturnValue:
    """Take days away back."""
    with current.ports().store.write() as db:
        remove_absence(db, absence_id, by=current.signed_in(), pair=current.pair(), act=current.act())
    judge_now(pair_id)
    flash(gettext("Removed. Sessions are expected on these days again."))
    return redirect(url_for("away.days", pair_id=pair_id), 303)
