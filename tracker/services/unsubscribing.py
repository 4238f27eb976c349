"""No more reminders: the way out that stands in every nudge, and the way back. Never touches other mail.

A link carries a signed token: what it is for, whose, and the version of its form. It does not run out, since
people use the button in an old mail, and it can do nothing but this; whoever has it can take it back, too.
"""

from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session as OrmSession

from tracker.keys import derive_keys
from tracker.models import Person
from tracker.services.audit import Act, record
from tracker.services.signin import LinkRefused, Refusal
from tracker.settings import Settings

PURPOSE = "nudges"
VERSION = 1


def unsubscribe_url(settings: Settings, person_id: int) -> str:
    """Return the address that offers this person to get no more nudges, and takes a one-click POST."""
    return (
        f"{settings.base_url}/unsubscribe/{quote(_serializer(settings).dumps([PURPOSE, VERSION, person_id]))}"
    )


def read_unsubscribe(db: OrmSession, settings: Settings, token: str) -> Person:
    """Return whose link it is, changing nothing. Raises LinkRefused."""
    try:
        purpose, version, person_id = _serializer(settings).loads(token)
    except (BadData, ValueError, TypeError):
        raise LinkRefused(Refusal.BROKEN) from None
    person = db.get(Person, person_id) if (purpose, version) == (PURPOSE, VERSION) else None
    if person is None or person.is_erased:
        raise LinkRefused(Refusal.BROKEN)
    return person


def stop_nudges(db: OrmSession, person: Person, act: Act) -> None:
    """Send this person no more nudges. A second time changes nothing: mail programs ask more than once."""
    if person.nudges_off_at is None:
        person.nudges_off_at = act.at
        record(db, act, "nudges.off", f"person:{person.id}")


def resume_nudges(db: OrmSession, person: Person, act: Act) -> None:
    """Let this person have nudges again."""
    if person.nudges_off_at is not None:
        person.nudges_off_at = None
        record(db, act, "nudges.on", f"person:{person.id}")


def _serializer(settings: Settings) -> URLSafeSerializer:
    # itsdangerous signs with the last key and reads with all: our newest comes first.
    keys = derive_keys(settings.keys, "cadencia unsubscribing")[::-1]
    return URLSafeSerializer(keys, salt="unsubscribe")
