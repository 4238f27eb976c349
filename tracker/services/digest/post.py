"""Digests on their way to HR: one letter for each program and week and person, in their language.

Never sends: it puts letters into the outbox, where a second run finds them and adds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.models import OutboxMail, Person, Program
from tracker.ports import LetterWriter
from tracker.services.digest.blinding import blind
from tracker.services.digest.building import build_digest, find_programs, span_of
from tracker.services.digest.facts import Digest
from tracker.services.endpoints import announce_digest
from tracker.services.message import is_address
from tracker.services.outbox import Note, enqueue
from tracker.services.weeks import Week, week_of
from tracker.store import Store

POST_HOUR = 7
# Where nothing ran on Monday morning, the letter may come late, but no later than this.
POST_UNTIL = timedelta(days=2)
# Letters that a standstill left out come along with the next one: those of so many weeks at most.
MOST_BEHIND = 4


@dataclass(frozen=True, slots=True)
class Post:
    """What it takes to write letters: `sender` is `Name <address>`, `base_url` the site's address."""

    writer: LetterWriter
    sender: str
    base_url: str


def digest_readers(db: OrmSession) -> Sequence[Person]:
    """Return who gets digests: everybody of HR whom mail can reach."""
    people = db.scalars(select(Person).where(Person.is_hr).order_by(Person.id)).all()
    return [person for person in people if is_address(person.email)]


def digest_key(digest: Digest, person: Person) -> str:
    """Return what the letter is known by. The week so far is another letter than the whole week."""
    return _key(digest.program_id, digest.week, person, is_whole=digest.is_whole)


def _key(program_id: int, week: Week, person: Person, *, is_whole: bool) -> str:
    return f"digest/{program_id}/{week.name}{'' if is_whole else '-so-far'}/{person.id}"


def enqueue_digest(
    db: OrmSession, post: Post, digest: Digest, people: Sequence[Person], now: datetime
) -> list[Person]:
    """Put the digest into the outbox for those who do not have it yet, and return them.

    A digest of a program in which nobody is goes to nobody.
    """
    told = []
    for person in people if not digest.is_empty else ():
        facts = {"digest": blind(digest, person.id), "base_url": post.base_url, "name": person.name}
        note = Note("digest", person, facts, digest_key(digest, person))
        if enqueue(db, post.writer, note, sender=post.sender, now=now):
            told.append(person)
    return told


def enqueue_weekly_digests(store: Store, post: Post, now: datetime) -> int:
    """Put last week's digests into the outbox for whoever's Monday morning has come; return how many.

    Those of earlier weeks that were left out, since nothing ran then, go with them.

    Cheap while nothing is due, and harmless at any time and from any number of processes.
    """
    with store.read() as db:
        awake = [(p, week) for p in digest_readers(db) if (week := _week_to_post(p, now))]
        programs = find_programs(db) if awake else []
    return sum(_post(store, post, program, awake, now) for program in programs)


def _week_to_post(person: Person, now: datetime) -> Week | None:
    local = now.astimezone(ZoneInfo(person.timezone)).replace(tzinfo=None)
    this_week = week_of(local.date())
    midnight = datetime.combine(this_week.monday, datetime.min.time())
    is_time = timedelta(hours=POST_HOUR) <= local - midnight < POST_UNTIL
    return week_of(this_week.monday - timedelta(days=1)) if is_time else None


def _post(
    store: Store, post: Post, program: Program, awake: Sequence[tuple[Person, Week]], now: datetime
) -> int:
    count = 0
    with store.read() as db:
        due = _due(db, program, awake)
    for week in sorted({week for _, week in due}, key=lambda w: w.monday):
        people = [p for p, of in due if of == week]
        with store.read() as db:
            span = span_of(db, program, week, now)
            # Where it is Monday for the reader and still Sunday in the program, the letter waits.
            digest = build_digest(db, program, span) if span.is_whole else None
        if digest:
            # Died here: nothing was put anywhere, and the next tick begins anew.
            with store.write() as db:
                count += len(enqueue_digest(db, post, digest, people, now))
                announce_digest(db, post.writer, digest, post.base_url, now)
    return count


def _due(db: OrmSession, program: Program, awake: Sequence[tuple[Person, Week]]) -> list[tuple[Person, Week]]:
    """Return who has no letter yet of last week, nor of the weeks before it in which nothing ran.

    A miss is new in one week alone: were its letter left out, HR would not hear of it. Whoever never had a
    letter of the program gets none of the past.
    """
    due = []
    for person, last in awake:
        weeks = [Week(last.monday - timedelta(weeks=n)) for n in range(MOST_BEHIND + 2)]
        keys = [_key(program.id, week, person, is_whole=True) for week in weeks]
        there = set(db.scalars(select(OutboxMail.dedupe_key).where(OutboxMail.dedupe_key.in_(keys))))
        behind = next((n for n, key in enumerate(keys) if key in there), 1)
        due += [(person, week) for week in weeks[:behind]]
    return due
