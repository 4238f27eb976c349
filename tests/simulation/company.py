"""The company: everybody's rows made at once, and the ports that the services are given. Sends nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from integrations.vault import FernetVault, fresh_key
from tests.simulation.life import FIRST, SIDES, Life
from tests.simulation.provider import Calendars, email_of
from tests.tracker.world import NoDesks
from tracker.clock import FixedClock
from tracker.models import Agreement, Calendar, Pair, Person, Program, Provider
from tracker.ports import Letter
from tracker.services.digest.facts import Digest
from tracker.services.nudges.facts import Bundle
from tracker.settings import Settings
from tracker.store import Store, portions

PAIRS_A_PROGRAM = 30  # so that no digest has more to tell than it lists, in the worst of weeks either
CHUNK = 500


class Listener:
    """Writes letters of a few words, and keeps what each would have said."""

    def __init__(self) -> None:
        self.digests: Counter[str] = Counter()
        self.misses: list[tuple[int, date, str]] = []  # of which pair HR hears, which period, in which week
        self.nudges: Counter[tuple[str, ...]] = Counter()

    def write(self, template: str, _language: str, facts: Mapping[str, Any]) -> Letter:
        """Return a letter, and remember its facts."""
        if template == "digest":
            self._hear_digest(facts["digest"])
        if template == "nudge":
            self._hear_nudges(facts["bundle"])
        return Letter(template, "What it says stands elsewhere.", "<p>What it says stands elsewhere.</p>")

    def _hear_digest(self, digest: Digest) -> None:
        week = digest.week.name
        self.digests[f"{digest.program_id}/{week}"] += 1
        if digest.new.more:
            raise ValueError("a digest has more to tell than it lists: make the programs smaller")
        self.misses += [(m.pair.id, period.first_on, week) for m in digest.new.items for period in m.periods]

    def _hear_nudges(self, bundle: Bundle) -> None:
        for ask in bundle.asks:
            self.nudges["ask", bundle.name, ask.link] += 1
        for miss in bundle.misses:
            self.nudges["miss", bundle.name, miss.partner, miss.first_on.isoformat()] += 1
        for plan in bundle.plans:
            self.nudges["plan", bundle.name, plan.partner, plan.last_on.isoformat()] += 1


class Postbox:
    """Takes mails, and counts those that come twice."""

    def __init__(self) -> None:
        self.taken = self.doubles = 0
        self._seen: set[bytes] = set()

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """Take one mail: its text, with its Message-ID, tells it from all others."""
        mark = hashlib.blake2b(message + sender.encode() + recipient.encode(), digest_size=12).digest()
        self.taken += 1
        self.doubles += mark in self._seen
        self._seen.add(mark)

    def rest(self) -> None:
        """Do nothing: nothing is kept open."""


@dataclass
class Company:
    """The ports, and everybody's numbers: `pair_ids` by a life's number, `calendar_ids` by address."""

    store: Store
    lives: Sequence[Life]
    vault: FernetVault = field(default_factory=lambda: FernetVault([fresh_key()]))
    settings: Settings = field(default_factory=lambda: Settings(secret_keys=(fresh_key(),)))
    clock: FixedClock = field(default_factory=lambda: FixedClock(FIRST))
    consents: NoDesks = field(default_factory=NoDesks)
    writer: Listener = field(default_factory=Listener)
    mailer: Postbox = field(default_factory=Postbox)
    pair_ids: dict[int, int] = field(default_factory=dict)
    person_ids: dict[str, int] = field(default_factory=dict)
    calendar_ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sources = Calendars(self.lives, self.clock)


def found(company: Company) -> None:
    """Make the programs, one of HR, and all people, pairs and calendars."""
    with company.store.write() as db:
        db.add(Person(email="hr@example.com", name="HR", is_hr=True, created_at=FIRST))
    for number, lives in enumerate(portions(company.lives, PAIRS_A_PROGRAM)):
        _found_program(company, f"Program {number:04}", lives)


def _found_program(company: Company, name: str, lives: Iterable[Life]) -> None:
    with company.store.write() as db:
        program = Program(name=name, created_at=FIRST)
        people = {(life.number, side): _person(life, side) for life in lives for side in SIDES}
        db.add_all([program, *people.values()])
        db.flush()
        pairs = {
            life.number: Pair(
                program_id=program.id, mentor_id=people[life.number, "mentor"].id,
                mentee_id=people[life.number, "mentee"].id, created_at=FIRST, review_due_at=FIRST,
                agreements=[_agreement(life)],
            )
            for life in lives
        }  # fmt: skip
        calendars = [
            _calendar(company, people[life.number, side]) for life in lives for side in life.calendars
        ]
        db.add_all([*pairs.values(), *calendars])
        db.flush()
        company.pair_ids.update({number: pair.id for number, pair in pairs.items()})
        company.person_ids.update({person.email: person.id for person in people.values()})
        emails = {person.id: person.email for person in people.values()}
        company.calendar_ids.update({emails[calendar.person_id]: calendar.id for calendar in calendars})


def _person(life: Life, side: str) -> Person:
    email = email_of(life.number, side)
    return Person(email=email, name=email.partition("@")[0], timezone=life.zone, created_at=FIRST)


def _agreement(life: Life) -> Agreement:
    return Agreement(
        timezone=life.zone, starts_on=life.starts_on, ends_on=life.ends_on, sessions=1, every=life.every,
        unit=life.unit, created_at=FIRST,
    )  # fmt: skip


def _calendar(company: Company, person: Person) -> Calendar:
    calendar = Calendar(
        person_id=person.id, provider=Provider.GOOGLE, connected_at=FIRST,
        fingerprint=company.vault.fingerprint(person.email),
    )  # fmt: skip
    calendar.address = company.vault.seal(person.email, calendar.address_binding)
    return calendar
