"""The goals of a pair, for the two alone."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.models import Goal
from tracker.services.goals import (
    GoalWords,
    Step,
    add_goal,
    add_milestone,
    change_goal,
    delete_goal,
    delete_milestone,
    own_goal,
    tick_milestone,
)
from web import current
from web.pairs.forms import GoalForm, StepForm

goals = Blueprint("goals", __name__, url_prefix="/pairs/<id:pair_id>/goals")


@goals.route("/new", methods=["GET", "POST"])
def add(pair_id: int) -> ResponseReturnValue:
    """Write down a new goal."""
    form = GoalForm()
    if form.validate_on_submit():
        return _do(lambda db: add_goal(db, pair_id, _words(form), by=current.signed_in(), act=current.act()))
    return render_template("pairs/goal.html", form=form, goal=None)


@goals.route("/<id:goal_id>", methods=["GET", "POST"])
def change(pair_id: int, goal_id: int) -> ResponseReturnValue:
    """Say a goal anew."""
    goal = _goal(goal_id)
    form = GoalForm(obj=goal)
    if form.validate_on_submit():
        words = _words(form)
        return _do(lambda db: change_goal(db, goal_id, words, by=current.signed_in(), act=current.act()))
    return render_template("pairs/goal.html", form=form, goal=goal)


@goals.route("/<id:goal_id>/delete", methods=["GET", "POST"])
def delete(pair_id: int, goal_id: int) -> ResponseReturnValue:
    """Ask before a goal is deleted, then delete it."""
    if request.method == "POST":
        flash(gettext("The goal is deleted."))
        return _do(lambda db: delete_goal(db, goal_id, by=current.signed_in(), act=current.act()))
    return render_template("pairs/goal_delete.html", goal=_goal(goal_id))


@goals.post("/<id:goal_id>/steps")
def add_step(pair_id: int, goal_id: int) -> ResponseReturnValue:
    """Add a step to a goal."""
    form = StepForm()
    if not form.validate_on_submit():
        flash(" ".join(str(text) for errors in form.errors.values() for text in errors))
        return _back()
    step = Step(form.what.data, form.due_on.data)
    return _do(lambda db: add_milestone(db, goal_id, step, by=current.signed_in(), act=current.act()))


@goals.post("/<id:goal_id>/steps/<id:step_id>")
def tick(pair_id: int, goal_id: int, step_id: int) -> ResponseReturnValue:
    """Say that a step is done, or is not after all."""
    if request.form.get("done") not in ("yes", "no"):
        abort(400)
    done_on = current.today() if request.form["done"] == "yes" else None
    return _do(lambda db: tick_milestone(db, step_id, done_on, by=current.signed_in(), act=current.act()))


@goals.post("/<id:goal_id>/steps/<id:step_id>/delete")
def delete_step(pair_id: int, goal_id: int, step_id: int) -> ResponseReturnValue:
    """Delete a step."""
    return _do(lambda db: delete_milestone(db, step_id, by=current.signed_in(), act=current.act()))


def _goal(goal_id: int) -> Goal:
    with current.ports().store.read() as db:
        return own_goal(db, goal_id, by=current.signed_in())


def _words(form: GoalForm) -> GoalWords:
    return GoalWords(form.what.data, form.why.data or "", form.progress.data)


def _do(act: Callable[[OrmSession], object]) -> ResponseReturnValue:
    try:
        with current.ports().store.write() as db:
            act(db)
    except BadInput as error:
        flash(" ".join(gettext(problem) for problem in error.problems))
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("pairs.show", pair_id=current.pair().id, _anchor="goals"), 303)
