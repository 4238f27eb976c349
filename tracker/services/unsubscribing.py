"""No more reminders: the way out that stands in every nudge, and the way back. Never touches other mail.

A link carries a signed token: what it is for, whose, and the version of its form. It does not run out, since
people use the button in an old mail, and it can do nothing but this; whoever has it can take it back, too.
"""

from sqlalchemy.orm import Session as OrmSession

from tracker.models import Person
from tracker.services.audit import Act, record
from tracker.services.tokens import LinkRefused, Refusal, Signer
from tracker.settings import Settings

PURPOSE = "nudges"
VERSION = 1
_SIGNER = Signer("cadencia unsubscribing", salt="unsubscribe")


def unsubscribe_url(settings: Settings, person_id: int) -> str:
    """Return the address that offers this person to get no more nudges, and takes a one-click POST."""
    return f"{settings.base_url}/unsubscribe/{_SIGNER.sign(settings, PURPOSE, VERSION, person_id)}"


def read_unsubscribe(db: OrmSession, settings: Settings, token: str) -> Person:
    """Return whose link it is, changing nothing. Raises LinkRefused."""
    purpose, version, person_id = _SIGNER.read(settings, token, _said)
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


def _said(purpose: str, version: int, person_id: int) -> tuple[str, int, int]:
    return purpose, version, person_id
