"""The page of a pair, and the answers given on it. Who may see which pair is decided in web.policy alone."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.ledger import Side
from tracker.models import Pair
from tracker.services.bookings import list_booked
from tracker.services.confirm import (
    AlreadyKnown,
    Told,
    confirm_session,
    side_of,
    tell_session,
    withdraw_statement,
)
from tracker.services.goals import list_goals
from tracker.services.overview import cards_of, pairs_of
from tracker.services.pairview import load_view
from tracker.services.questions import WhichPair
from tracker.services.remarks import LONGEST, About, leave_remark
from web import current
from web.judging import judge_now
from web.pairs.asked import Asked, concerns, list_asked
from web.pairs.forms import TellForm
from web.pairs.page import page_of, whose_remarks
from web.words import sessions
from web.words.dates import DateWords
from web.words.marks import Names
from web.words.people import Eyes
from web.words.verdicts import Teller

pairs = Blueprint("pairs", __name__, url_prefix="/pairs")

T = TypeVar("T")


@pairs.get("")
def mine() -> ResponseReturnValue:
    """Show the pairs that the person is one of."""
    person, now = current.signed_in(), current.now()
    with current.ports().store.read() as db:
        cards = cards_of(db, person, now)
        asked = list_asked(db, person, now)
        counts = {card.pair.id: _count_asked(db, card.pair, asked) for card in cards}
    return render_template(
        "pairs/mine.html",
        cards=cards,
        questions=[q for q in asked if isinstance(q, WhichPair)],
        own_pairs=[card.pair for card in cards],
        counts=counts,
    )


def _count_asked(db: OrmSession, pair: Pair, asked: Sequence[Asked]) -> int:
    person, now = current.signed_in(), current.now()
    side = side_of(pair, person)
    sessions = load_view(db, pair, now).asked(side, now) if side else []
    # "Whose entry is it?" is asked above the list.
    return len(sessions) + sum(not isinstance(q, WhichPair) and q.pair_id == pair.id for q in asked)


@pairs.get("/<id:pair_id>")
def show(pair_id: int) -> ResponseReturnValue:
    """Show the pair's page."""
    pair, person, now = current.pair(), current.signed_in(), current.now()
    side = side_of(pair, person)
    with current.ports().store.read() as db:
        view = load_view(db, pair, now)
        goals = list_goals(db, pair_id, by=person) if side else []
        questions = [q for q in list_asked(db, person, now) if concerns(q, pair_id)] if side else []
        own_pairs = pairs_of(db, person) if questions else []
        booked = list_booked(db, pair_id, now) if side else []
    eyes = Eyes(current.reader(), pair, side)
    asked = view.asked(side, now) if side else []
    return render_template(
        "pairs/show.html",
        view=view,
        eyes=eyes,
        teller=Teller(eyes, view.policy, now, view.observed_until),
        goals=goals,
        questions=questions,
        own_pairs=own_pairs,
        asked=asked,
        booked={each.session_id: each for each in booked if each.session_id},
        unseen=[each for each in booked if not each.session_id],
        dates=DateWords(eyes),
        names=Names(eyes.reader, outside=side is None, waiting={story.key for story in asked}),
        address=pair.program.address or current.ports().settings.program_address,
        words=sessions,
        speakers=whose_remarks(person, side),
        longest_remark=LONGEST,
        **page_of(view, eyes),
    )


@pairs.post("/<id:pair_id>/sessions/<id:session_id>/answer")
def confirm(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Take the answer to "did you meet?"."""
    held, absent = read_answer(request.form.get("answer", ""), side_of(current.pair(), current.signed_in()))

    def say(db: OrmSession) -> object:
        return confirm_session(
            db, session_id, by=current.signed_in(), held=held, absent=absent, act=current.act()
        )

    if change(pair_id, say):
        flash(gettext("Thank you, noted. You can change it any time, further down."))
    return redirect(url_for("pairs.show", pair_id=pair_id), 303)


@pairs.post("/<id:pair_id>/sessions/<id:session_id>/withdraw")
def withdraw(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Take back what the person said last."""
    if change(
        pair_id, lambda db: withdraw_statement(db, session_id, by=current.signed_in(), act=current.act())
    ):
        flash(gettext("Taken back. The question is open again."))
    return redirect(url_for("pairs.show", pair_id=pair_id), 303)


@pairs.post("/<id:pair_id>/agreements/<id:agreement_id>/remark")
def remark(pair_id: int, agreement_id: int) -> ResponseReturnValue:
    """Keep what the person says of a missed period, or take it back where the line is empty."""
    about, text = About(agreement_id, _first_day()), request.form.get("text", "")

    def leave(db: OrmSession) -> bool:
        leave_remark(db, about, text, by=current.signed_in(), act=current.act())
        return True

    if change(pair_id, leave):
        flash(gettext("Noted for Human Resources.") if text.strip() else gettext("Your line is taken back."))
    return redirect(url_for("pairs.show", pair_id=pair_id, _anchor=f"p-{about.starts_on}"), 303)


def _first_day() -> date:
    try:
        return date.fromisoformat(request.form.get("starts_on", ""))
    except ValueError:
        abort(400)


@pairs.route("/<id:pair_id>/tell", methods=["GET", "POST"])
def tell(pair_id: int) -> ResponseReturnValue:
    """Take down a session that is on no calendar."""
    eyes = Eyes(current.reader(), current.pair(), side_of(current.pair(), current.signed_in()))
    form = TellForm(eyes)
    known = None
    if form.validate_on_submit():
        try:
            if change(pair_id, lambda db: _tell(db, form, eyes), quiet=False):
                flash(gettext("Thank you, the session is noted."))
            return redirect(url_for("pairs.show", pair_id=pair_id), 303)
        except AlreadyKnown as twin:
            known = twin.session_id
        except BadInput as error:
            form.day.errors = [gettext(problem) for problem in error.problems]
    return render_template(
        "pairs/tell.html", form=form, eyes=eyes, known=known
    ), 422 if form.errors or known else 200


def _tell(db: OrmSession, form: TellForm, eyes: Eyes) -> object:
    person = current.signed_in()
    zone = ZoneInfo(eyes.reader.timezone)
    starts_at = datetime.combine(form.day.data, form.time.data, zone)
    absent = frozenset(side.value for side in form.absent())
    told = Told(starts_at, form.minutes.data, absent)
    return tell_session(db, current.pair().id, told, by=person, act=current.act())


def read_answer(answer: str, side: Side | None) -> tuple[bool, frozenset[str]]:
    """Return what a button says: held or not, and who was absent as seen by `side`."""
    other = Side.MENTEE if side is Side.MENTOR else Side.MENTOR
    absent = {"held": (), "unsaid": (), "me": (side,), "partner": (other,), "both": tuple(Side)}.get(answer)
    if absent is None or side is None:
        abort(400)
    return answer == "held", frozenset(s.value for s in absent if s)


def change(pair_id: int, act: Callable[[OrmSession], T], *, quiet: bool = True) -> T | None:
    """Do something in one transaction and judge the pair anew, so that the next page shows it.

    What can not be taken is told to the person; with `quiet=False` it is raised instead.
    """
    try:
        with current.ports().store.write() as db:
            done = act(db)
    except BadInput as error:
        if not quiet:
            raise
        flash(" ".join(gettext(problem) for problem in error.problems))
        return None
    judge_now(pair_id)
    return done
