"""What this request is about: ports, moment, who asks and how they read. Never decides what they may."""

from datetime import date, datetime

from flask import current_app, g, request, session

from integrations.registry import Ports
from tracker.errors import NotAllowed
from tracker.models import Pair, Person
from tracker.services.audit import Act
from tracker.wording import LANGUAGES, Reader, language_of
from web.limits import Limits

EXTENSION = "cadencia"
LIMITS = "cadencia.limits"
PERSON_KEY = "person"
LANGUAGE_KEY = "language"


def ports() -> Ports:
    """Return the ports that the site was made with."""
    found: Ports = current_app.extensions[EXTENSION]
    return found


def limits() -> Limits:
    """Return how often things may be tried on this site."""
    found: Limits = current_app.extensions[LIMITS]
    return found


def now() -> datetime:
    """Return the moment of this request: the same from its beginning to its end."""
    if "now" not in g:
        g.now = ports().clock.now()
    moment: datetime = g.now
    return moment


def person() -> Person | None:
    """Return who is signed in, or None."""
    if "person" not in g:
        g.person = _load_person()
    found: Person | None = g.person
    return found


def signed_in() -> Person:
    """Return who is signed in. Raises NotAllowed where nobody is."""
    found = person()
    if found is None:
        raise NotAllowed("nobody is signed in")
    return found


def pair() -> Pair:
    """Return the pair of this page, as the policy loaded it."""
    found: Pair = g.pair
    return found


def act() -> Act:
    """Return who acts, for the audit trail."""
    someone = person()
    return Act(someone.id if someone else None, "site", now())


def read_as(someone: Person) -> None:
    """Write this page for somebody who is not signed in, but came from a letter of theirs."""
    g.reads_as = someone


def reader() -> Reader:
    """Return whose language and clock the page is written for."""
    someone = g.get("reads_as") or person()
    return Reader(language(), someone.timezone if someone else "UTC")


def today() -> date:
    """Return the reader's day."""
    return reader().local(now()).date()


def language() -> str:
    """Return the person's language, else what was chosen here, else that of a letter's reader or browser."""
    if someone := person():
        return language_of(someone.language)
    if chosen := session.get(LANGUAGE_KEY):
        return language_of(chosen)
    if reads_as := g.get("reads_as"):
        return language_of(reads_as.language)
    return language_of(request.accept_languages.best_match(list(LANGUAGES)))


def forget_person() -> None:
    """Read the person anew, after they changed."""
    g.pop("person", None)


def _load_person() -> Person | None:
    person_id = session.get(PERSON_KEY)
    if not isinstance(person_id, int):
        return None
    with ports().store.read() as db:
        found = db.get(Person, person_id)
    return found if found and not found.is_erased else None
