"""The site, put together. Never opens a port of the outside world itself: it is handed them."""

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from jinja2 import StrictUndefined

from integrations.registry import Ports
from tracker.services.overview import pairs_of
from tracker.wording import CATALOGUE, LANGUAGES, MARKS
from web import current, policy, problems
from web.auth import auth
from web.calendars import calendars
from web.filters import add_filters
from web.home import home
from web.home.watching import watching
from web.hooks import hooks
from web.hr import hr
from web.letters import letters
from web.limits import open_limits
from web.pairs import pairs
from web.pairs.away import away
from web.pairs.dates import dates
from web.pairs.goals import goals
from web.pairs.questions import questions
from web.security import secure
from web.tracing import trace
from web.unsubscribe import exempt_one_click, unsubscribe
from web.words.marks import Names
from web.words.standing import STANDING_WORDS

# fmt: off
BLUEPRINTS = (
    home, watching, auth, unsubscribe, letters,
    pairs, questions, goals, dates, away, calendars,
    hr,
    hooks,
)
# fmt: on


def create_app(ports: Ports) -> Flask:
    """Return the site on these ports: a WSGI application. Raises BadSettings where no secret key is set."""
    app = Flask(__name__)
    app.extensions[current.EXTENSION] = ports
    app.extensions[current.LIMITS] = open_limits(ports.attempts)
    app.config.update(BOOTSTRAP_SERVE_LOCAL=True, BABEL_TRANSLATION_DIRECTORIES=str(CATALOGUE))
    trace(app)
    # Before the forms' protection: who is signed out is told so, not that a form was too old.
    app.before_request(policy.enforce)
    protect = secure(app, ports.settings)
    exempt_one_click(protect)
    protect.exempt(hooks)  # providers have no cookie that could be misused
    Bootstrap5(app)
    Babel(app, locale_selector=current.language, default_timezone="UTC")
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    problems.register(app)
    app.context_processor(_for_templates)
    add_filters(app)
    app.url_defaults(_name_version)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    # A slip in a template is an error in a test, not an empty place on a page.
    app.jinja_env.undefined = StrictUndefined
    return app


def _for_templates() -> dict[str, Any]:
    person = current.person()
    return {
        "me": person,
        "sees_all": bool(person and policy.sees_all(person)),
        "reader": current.reader(),
        "now": current.now(),
        "today": current.today(),
        "language": current.language(),
        "other_languages": {code: name for code, name in LANGUAGES.items() if code != current.language()},
        "MARKS": MARKS,
        "names": Names(current.reader(), outside=(request.endpoint or "").startswith("hr.")),
        "health_words": STANDING_WORDS,
        "has_pairs": _has_pairs,
    }


def _has_pairs() -> bool:
    with current.ports().store.read() as db:
        return bool(pairs_of(db, current.signed_in()))


def _name_version(endpoint: str, values: dict[str, Any]) -> None:
    # Files are kept for a year, so a changed one needs another address.
    if endpoint == "static" and (name := values.get("filename")):
        values["v"] = _fingerprint(name)
    elif endpoint == "bootstrap.static":
        values["v"] = version("bootstrap-flask")


@lru_cache
def _fingerprint(name: str) -> str:
    path = Path(__file__).parent / "static" / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8] if path.is_file() else ""
