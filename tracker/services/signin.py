"""Signing in by a mailed link. Never sets a cookie, never says whether an address is known.

A link carries a signed token: whose it is, their `sign_in_version`, and until when it holds. Opening it
changes nothing (mail scanners open links); acting on it raises the version, so that it and every link sent
before are spent. `once=False` makes links that can be used again until they expire, for an operator's own
terminal alone: whoever reads that terminal holds the keys anyway.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Person, PersonAddress
from tracker.services.audit import Act, record
from tracker.services.needs import Posting
from tracker.services.outbox import Note, enqueue
from tracker.services.tokens import LinkRefused, Refusal, Signer
from tracker.settings import Settings
from tracker.tags import normal_address

MAILED_LINKS_LAST = timedelta(minutes=30)
_SIGNER = Signer("cadencia sign-in", salt="sign-in")


@dataclass(frozen=True, slots=True)
class Token:
    """What a link says. `version` is None where the link can be used more than once."""

    person_id: int
    version: int | None
    expires_at: datetime


def sign_in_link(
    settings: Settings,
    person: Person,
    now: datetime,
    *,
    lasting: timedelta = MAILED_LINKS_LAST,
    once: bool = True,
) -> str:
    """Return the address that signs `person` in, good for `lasting` from `now` on."""
    expires = int((now + lasting).timestamp())
    token = _SIGNER.sign(settings, person.id, person.sign_in_version if once else None, expires)
    return f"{settings.base_url}/sign-in/{token}"


def hand_link(db: OrmSession, settings: Settings, person: Person, act: Act) -> str:
    """Return a link that signs `person` in once, for an operator to hand on; the audit trail says so."""
    record(db, act, "person.link_handed", f"person:{person.id}")
    return sign_in_link(settings, person, act.at)


def read_link(db: OrmSession, settings: Settings, token: str, now: datetime) -> Person:
    """Return whom the token signs in, changing nothing. Raises LinkRefused."""
    said = _SIGNER.read(settings, token, _token)
    if now >= said.expires_at:
        raise LinkRefused(Refusal.EXPIRED)
    person = db.get(Person, said.person_id)
    if person is None:
        raise LinkRefused(Refusal.BROKEN)
    if said.version is not None and said.version != person.sign_in_version:
        raise LinkRefused(Refusal.USED)
    return person


def use_link(db: OrmSession, settings: Settings, token: str, act: Act) -> Person:
    """Return whom the token signs in, and spend it. Raises LinkRefused, also for the slower of two uses."""
    person = read_link(db, settings, token, act.at)
    said = _SIGNER.read(settings, token, _token)
    if said.version is not None:
        _spend(db, person.id, said.version)
    record(db, Act(person.id, act.via, act.at), "person.signed_in", f"person:{person.id}")
    return person


def mail_link(db: OrmSession, ports: Posting, email: str, act: Act, *, then: str | None = None) -> bool:
    """Put a sign-in link for whoever has this address into the outbox; tell whether anybody has it.

    What it returns is for tests and logs: a page must say the same in both cases. `then` is the page of ours
    that the person was on the way to.
    """
    person = find_by_address(db, email)
    if person is None:
        return False
    link = sign_in_link(ports.settings, person, act.at)
    facts = {
        "name": person.name,
        "link": f"{link}?{urlencode({'next': then})}" if then else link,
        "minutes": int(MAILED_LINKS_LAST.total_seconds() // 60),
    }
    note = Note("sign_in", person, facts, dedupe_key=f"sign_in/{person.id}/{act.at.isoformat()}")
    enqueue(db, ports.writer, note, sender=ports.settings.mail_from, now=act.at)
    return True


def find_by_address(db: OrmSession, email: str) -> Person | None:
    """Return the person whom this mail address belongs to, main or further."""
    address = normal_address(email)
    further = select(PersonAddress.person_id).where(PersonAddress.email == address)
    return db.scalars(select(Person).where((Person.email == address) | Person.id.in_(further))).first()


def _spend(db: OrmSession, person_id: int, version: int) -> None:
    # One conditional update: of two simultaneous uses of one link, one finds the version already raised.
    spent = db.execute(
        update(Person)
        .where(Person.id == person_id, Person.sign_in_version == version)
        .values(sign_in_version=version + 1)
        .returning(Person.id)
    ).first()
    if spent is None:
        raise LinkRefused(Refusal.USED)


def _token(person_id: int, version: int | None, expires: int) -> Token:
    return Token(person_id, version, datetime.fromtimestamp(expires, UTC))
