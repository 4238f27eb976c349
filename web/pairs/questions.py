"""The answers to what only the two can tell: does this entry count, whose is it, what became of it?"""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

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
from web import current
from web.judging import judge_now
from web.pairs import change

questions = Blueprint("questions", __name__)


@questions.post("/pairs/<id:pair_id>/sessions/<id:session_id>/counts")
def suggested(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Take the answer to "is this a mentoring session?" for an entry and its whole series."""
    answer = _choice("yes", "no")
    person = current.signed_in()
    with current.ports().store.read() as db:
        asked = list_questions(db, person, current.now())
    # Only what is asked can be answered: a session that counts is not taken out of the count this way.
    found = [q for q in asked if isinstance(q, Suggested) and session_id in q.session_ids]
    if not found:
        flash(gettext("This was answered already."))
        return _to_pair(pair_id)
    ids = found[0].session_ids
    change(
        pair_id, lambda db: answer_suggestion(db, ids, counts=answer == "yes", by=person, act=current.act())
    )
    flash(
        gettext("Thank you, it counts from now on.")
        if answer == "yes"
        else gettext("Thank you, it is left out.")
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
