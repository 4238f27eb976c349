"""When something is wrong: what happened, that nothing was lost, what to do. Never a traceback."""

from dataclasses import dataclass
from typing import Final

from flask import Flask, g, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from tracker.errors import NotAllowed
from tracker.wording import N_


@dataclass(frozen=True, slots=True)
class Problem:
    """What a page says of one kind of mishap."""

    title: str
    what: str
    advice: str


STALE_FORM: Final = Problem(
    N_("This page was open for too long"),
    N_("For your safety, the form on it is no longer valid. Nothing was changed."),
    N_("Go back, load the page again and repeat your answer."),
)
PROBLEMS: Final = {
    400: Problem(
        N_("That did not come through"),
        N_("Something in the request was not complete. Nothing was changed."),
        N_("Go back and try once more."),
    ),
    403: Problem(
        N_("This is not open to you"),
        N_("Your account does not include this page. Nothing was changed."),
        N_("If you think it should, ask the people who run your mentoring program."),
    ),
    404: Problem(
        N_("There is no page here"),
        N_("The address may have a slip in it, or the page is not one of yours. Nothing was lost."),
        N_("Your own pages are one step away."),
    ),
    405: Problem(
        N_("This address is not for opening"),
        N_("It takes an answer from a button on a page. Nothing was changed."),
        N_("Go to your page and use the button there."),
    ),
    413: Problem(
        N_("That was too much at once"),
        N_("What was sent is longer than this page can take. Nothing was saved."),
        N_("Go back, shorten it and send it again."),
    ),
    429: Problem(
        N_("A short break, please"),
        N_("There were many attempts in a short time, so this one was not carried out. Nothing was changed."),
        N_("Try again in a quarter of an hour."),
    ),
    500: Problem(
        N_("This is our fault"),
        N_("Something broke on our side. What you saved before is safe; your last step may be missing."),
        N_("Try again in a moment. If it happens again, tell the people who run Cadencia at your company."),
    ),
}


def register(app: Flask) -> None:
    """Give the site its error pages."""
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(NotAllowed, _not_allowed)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(500, _our_fault)


def _stale_form(_error: CSRFError) -> ResponseReturnValue:
    return _page(STALE_FORM, 400)


def _not_allowed(_error: NotAllowed) -> ResponseReturnValue:
    return _page(PROBLEMS[404], 404)


def _http_problem(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:
        return error.get_response()
    problem = PROBLEMS.get(code) or PROBLEMS[500 if code >= 500 else 400]
    text, status = _page(problem, code)
    headers = [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After")]
    return text, status, headers


def _our_fault(_error: Exception) -> ResponseReturnValue:
    # Whatever broke may also break the page that says so: this one asks nothing of the database.
    g.person = g.get("person")
    return _page(PROBLEMS[500], 500)


def _page(problem: Problem, status: int) -> tuple[str, int]:
    return render_template("problem.html", problem=problem, status=status), status
