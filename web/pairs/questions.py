"""The answers to what only the two can tell: does it count, whose is it, what became of it, is it one?"""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.ledger import Side
from tracker.services.confirm import side_of
from tracker.services.overview import pairs_of
from tracker.services.questions import (
    Suggested,
    answer_suggestion,
    choose_pair,
    list_questions,
    say_called_off,
    say_moved,
    say_stands,
)
from tracker.services.twins import answer_twins, list_twins
from tracker.wording import N_
from web import current
from web.judging import judge_now
from web.pairs import change

questions = Blueprint("questions", __name__)


@questions.post("/pairs/<id:pair_id>/sessions/<id:session_id>/counts")
def suggested(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Take the answer to "is this a mentoring session?" for an entry and its whole series."""
    counts = _choice("yes", "no") == "yes"

    def say(db: OrmSession) -> bool:
        person = current.signed_in()
        asked = [q for q in list_questions(db, person, current.now()) if isinstance(q, Suggested)]
        series = next((q.session_ids for q in asked if session_id in q.session_ids), (session_id,))
        answer_suggestion(db, series, counts=counts, by=person, act=current.act())
        return True

    if change(pair_id, say):
        flash(
            gettext("Thank you, it counts from now on.") if counts else gettext("Thank you, it is left out.")
        )
    return _to_pair(pair_id)


@questions.post("/pairs/<id:pair_id>/sessions/<id:session_id>/twin")
def twins(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Take the answer to "are these the same meeting?" for two entries, with all of their series."""
    same = _choice("yes", "no") == "yes"
    pair_of_ids = session_id, request.form.get("other", 0, int)

    def say(db: OrmSession) -> bool:
        person = current.signed_in()
        asked = next((q.session_ids for q in list_twins(db, person) if pair_of_ids in q.session_ids), None)
        if asked is None:
            raise BadInput(N_("This was answered already."))
        answer_twins(db, asked, same=same, by=person, act=current.act())
        return True

    if change(pair_id, say):
        flash(
            gettext("Thank you, it is one meeting from now on.")
            if same
            else gettext("Thank you, they stay two.")
        )
    return _to_pair(pair_id)


@questions.post("/pairs/<id:pair_id>/sessions/<id:session_id>/vanished")
def vanished(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Take the answer to "what became of it?" for a session whose entry disappeared."""
    answer = _choice("stands", "me", "partner", "unsaid", "moved")
    person, act = current.signed_in(), current.act()
    own = side_of(current.pair(), person) or Side.MENTOR
    other = Side.MENTEE if own is Side.MENTOR else Side.MENTOR
    if answer == "stands":
        change(pair_id, lambda db: say_stands(db, session_id, by=person, act=act))
    elif answer == "moved":
        to = request.form.get("to", 0, int)
        change(pair_id, lambda db: say_moved(db, session_id, to, by=person, act=act))
    else:
        side = {"me": own, "partner": other}.get(answer)
        change(pair_id, lambda db: say_called_off(db, session_id, side, by=person, act=act))
    return _to_pair(pair_id)


@questions.post("/entries/<id:copy_id>/pair")
def which_pair(copy_id: int) -> ResponseReturnValue:
    """Take the answer to "with whom is this session?" for an entry that names nobody."""
    chosen = request.form.get("pair", "")
    person = current.signed_in()
    if chosen != "none" and not (chosen.isascii() and chosen.isdigit() and len(chosen) < 10):
        abort(400)
    pair_id = None if chosen == "none" else int(chosen)
    try:
        with current.ports().store.write() as db:
            choose_pair(db, copy_id, pair_id, by=person, act=current.act())
            own = [pair.id for pair in pairs_of(db, person)]
    except BadInput as error:
        flash(" ".join(gettext(problem) for problem in error.problems))
        return redirect(url_for("home.index"), 303)
    for each in own:
        judge_now(each)
    flash(gettext("Thank you, noted."))
    return redirect(url_for("pairs.mine") if pair_id is None else url_for("pairs.show", pair_id=pair_id), 303)


def _choice(*known: str) -> str:
    answer = request.form.get("answer", "")
    if answer not in known:
        abort(400)
    return answer


def _to_pair(pair_id: int) -> ResponseReturnValue:
    return redirect(url_for("pairs.show", pair_id=pair_id), 303)
