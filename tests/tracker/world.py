"""A small company for tests: people, pairs and calendars whose readings are scripted."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tracker.clock import FixedClock
from tracker.errors import ConnectorError
from tracker.events import (
    Attendee,
    CalendarEvent,
    CopyRole,
    EventKind,
    EventStatus,
    Moment,
    Pull,
    PullKind,
    Response,
    TagRule,
    Window,
)
from tracker.ledger import Evidence
from tracker.models import Agreement, Calendar, Pair, Person, Program, Provider
from tracker.ports import Access, ConsentDesk, Letter, Vault
from tracker.services.evidence import load_evidence
from tracker.services.sync import SyncResult, sync_calendar
from tracker.settings import Settings
from tracker.store import Store
from tracker.tags import TagRules

JANUARY = datetime(2026, 1, 5, 9, tzinfo=UTC)  # when everything was created
MENTOR, MENTEE = "ana@example.com", "ben@example.com"
Script = deque[Pull | Exception]


def instant(text: str) -> datetime:
    """Return the instant that `2026-03-02 10:00` is in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class ScriptedSource:
    """A calendar that answers from a list; it keeps what it was asked."""

    script: Script = field(default_factory=deque)
    cursors: list[str | None] = field(default_factory=list)
    rules: list[TagRules] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    accesses: list[Access | None] = field(default_factory=list)

    def pull(self, cursor: str | None, window: Window, rules: TagRules) -> Pull:
        """Give the next answer."""
        self.cursors.append(cursor)
        self.windows.append(window)
        self.rules.append(rules)
        answer = self.script.popleft()
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, window=window)


@dataclass
class ScriptedSources:
    """All calendars, by address."""

    by_address: dict[str, ScriptedSource] = field(default_factory=dict)

    def open(
        self, provider: str, address: str, timezone: str, access: Access | None = None
    ) -> ScriptedSource:
        """Return the calendar at that address."""
        source = self.by_address.setdefault(address, ScriptedSource())
        source.accesses.append(access)
        return source


class NoDesks:
    """Nobody consents to anything here."""

    def open(self, provider: str) -> ConsentDesk | None:
        """Return no desk."""
        return None


class PlainWriter:
    """Writes letters that say nothing."""

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        """Return a letter that is named like its template."""
        return Letter(template, template, template)


@dataclass
class World:
    """Ports over a real database, with shortcuts. Everything is in UTC unless told otherwise."""

    store: Store
    vault: Vault
    settings: Settings = field(default_factory=Settings)
    sources: ScriptedSources = field(default_factory=ScriptedSources)
    consents: NoDesks = field(default_factory=NoDesks)
    writer: PlainWriter = field(default_factory=PlainWriter)
    clock: FixedClock = field(default_factory=lambda: FixedClock(JANUARY))

    def person(self, email: str, timezone: str = "UTC", country: str | None = None) -> int:
        """Add a person."""
        with self.store.write() as db:
            person = Person(
                email=email,
                name=email.partition("@")[0],
                timezone=timezone,
                country=country,
                created_at=JANUARY,
            )
            db.add(person)
            db.flush()
            return person.id

    def program(self, name: str = "Mentoring", **fields: object) -> int:
        """Add a program."""
        with self.store.write() as db:
            program = Program(name=name, created_at=JANUARY, **fields)
            db.add(program)
            db.flush()
            return program.id

    def pair(self, program_id: int, mentor_id: int, mentee_id: int, *terms: Agreement) -> int:
        """Add a pair with its agreements; without any, a biweekly one from January to June 2026."""
        with self.store.write() as db:
            pair = Pair(
                program_id=program_id,
                mentor_id=mentor_id,
                mentee_id=mentee_id,
                created_at=JANUARY,
                review_due_at=JANUARY,
                agreements=list(terms) or [agreement()],
            )
            db.add(pair)
            db.flush()
            return pair.id

    def calendar(self, person_id: int, provider: Provider = Provider.GOOGLE) -> int:
        """Connect a calendar."""
        with self.store.write() as db:
            address = f"calendar of {person_id} at {provider}"
            calendar = Calendar(
                person_id=person_id,
                provider=provider,
                fingerprint=self.vault.fingerprint(address),
                connected_at=JANUARY,
            )
            calendar.address = self.vault.seal(address, calendar.address_binding)
            db.add(calendar)
            db.flush()
            return calendar.id

    def source(self, calendar_id: int) -> ScriptedSource:
        """Return the scripted calendar."""
        with self.store.read() as db:
            calendar = db.get_one(Calendar, calendar_id)
            address = self.vault.open(calendar.address, calendar.address_binding)
        return self.sources.open("", address, "")

    def sync(self, calendar_id: int, answer: Pull | ConnectorError | Exception, at: str) -> SyncResult:
        """Read the calendar, which gives this answer."""
        self.source(calendar_id).script.append(answer)
        return sync_calendar(self, calendar_id, instant(at))

    def evidence(self, pair_id: int) -> Evidence:
        """Return the evidence of the pair's only agreement."""
        with self.store.read() as db:
            (only,) = load_evidence(db, [pair_id])
        return only.evidence


@dataclass
class Duo:
    """Ana mentors Ben; both have a calendar."""

    world: World
    mentor: int
    mentee: int
    pair: int
    calendar: int  # the mentor's
    other: int  # the mentee's

    def sync(self, answer: Pull | Exception, at: str) -> SyncResult:
        """Read the mentor's calendar."""
        return self.world.sync(self.calendar, answer, at)

    def sync_other(self, answer: Pull | Exception, at: str) -> SyncResult:
        """Read the mentee's calendar."""
        return self.world.sync(self.other, answer, at)

    @property
    def evidence(self) -> Evidence:
        """Return what is known of the two."""
        return self.world.evidence(self.pair)


def make_duo(world: World, *terms: Agreement, providers: tuple[Provider, Provider] | None = None) -> Duo:
    """Make the two, their pair and their calendars."""
    mentor, mentee = world.person(MENTOR), world.person(MENTEE)
    pair = world.pair(world.program(), mentor, mentee, *terms)
    first, second = providers or (Provider.GOOGLE, Provider.GOOGLE)
    return Duo(world, mentor, mentee, pair, world.calendar(mentor, first), world.calendar(mentee, second))


def agreement(starts: str = "2026-01-05", ends: str = "2026-06-28", timezone: str = "UTC") -> Agreement:
    """Return a biweekly agreement."""
    return Agreement(
        timezone=timezone,
        starts_on=date.fromisoformat(starts),
        ends_on=date.fromisoformat(ends),
        sessions=1,
        every=2,
        unit="week",
        created_at=JANUARY,
    )


def full(*events: CalendarEvent, cursor: str | None = "after full", looked_at: int = 40) -> Pull:
    """Return a full listing."""
    return Pull(PullKind.FULL, _ANY, cursor=cursor, events=events, looked_at=looked_at)


def delta(*events: CalendarEvent, removed: tuple[str, ...] = (), cursor: str = "after delta") -> Pull:
    """Return what changed."""
    return Pull(PullKind.DELTA, _ANY, cursor=cursor, events=events, removed=removed, looked_at=len(events))


def unchanged(cursor: str | None = "after full") -> Pull:
    """Return the news that there is none."""
    return Pull(PullKind.UNCHANGED, _ANY, cursor=cursor)


_ANY = Window(JANUARY, JANUARY)  # the scripted source puts in what it was asked for


def single(start: str | Moment, uid: str = "one@example.com", **fields: object) -> CalendarEvent:
    """Return an hour of the two, called by the mentor."""
    starts = instant(start) if isinstance(start, str) else start
    event = CalendarEvent(
        provider_event_id=uid.partition("@")[0],
        uid=uid,
        lineage=uid,
        kind=EventKind.SINGLE,
        start=starts,
        end=starts + timedelta(hours=1),
        status=EventStatus.CONFIRMED,
        version="",
        organiser=MENTOR,
        attendees=(Attendee(MENTOR, Response.ACCEPTED), Attendee(MENTEE, Response.NONE)),
        created_at=JANUARY,
        updated_at=JANUARY,
        tag_rule=TagRule.MARKER,
    )
    return versioned(replace(event, **fields))  # type: ignore[arg-type]


def occurrence(start: str | Moment, uid: str = "series@example.com", **fields: object) -> CalendarEvent:
    """Return an occurrence of a series, at its own slot."""
    event = single(start, uid)
    slot = event.start
    name = f"{uid.partition('@')[0]}_{slot:%Y%m%dT%H%M}"
    event = replace(
        event, provider_event_id=name, kind=EventKind.OCCURRENCE, series_id=uid, original_start=slot
    )
    return versioned(replace(event, **fields))  # type: ignore[arg-type]


def series(first: str, count: int, uid: str = "series@example.com", **fields: object) -> list[CalendarEvent]:
    """Return the occurrences of a weekly series."""
    return [occurrence(instant(first) + timedelta(weeks=i), uid, **fields) for i in range(count)]


def move(event: CalendarEvent, start: str, updated: str) -> CalendarEvent:
    """Return the entry at another time: an occurrence becomes an exception."""
    starts = instant(start)
    kind = EventKind.EXCEPTION if event.original_start else event.kind
    moved = replace(
        event,
        kind=kind,
        start=starts,
        end=starts + timedelta(hours=1),
        original_end=event.end if event.original_start else None,
        updated_at=instant(updated),
    )
    return versioned(moved)


def cancel(event: CalendarEvent, updated: str) -> CalendarEvent:
    """Return the entry as cancelled."""
    return versioned(replace(event, status=EventStatus.CANCELLED, updated_at=instant(updated)))


def answer(event: CalendarEvent, person: str, response: Response, updated: str) -> CalendarEvent:
    """Return the entry with that person's answer."""
    attendees = tuple(replace(a, response=response) if a.email == person else a for a in event.attendees)
    return versioned(replace(event, attendees=attendees, updated_at=instant(updated)))


def as_attendee(event: CalendarEvent, **fields: object) -> CalendarEvent:
    """Return the mentee's copy of the entry."""
    copy = replace(event, copy_role=CopyRole.ATTENDEE, provider_event_id=f"{event.provider_event_id}/b")
    return versioned(replace(copy, **fields))  # type: ignore[arg-type]


def versioned(event: CalendarEvent) -> CalendarEvent:
    """Return the entry with the version that its content has."""
    bare = replace(event, version="", updated_at=None, sequence=None)
    return replace(event, version=f"{hash(repr(bare)) & 0xFFFFFFFFFFFF:x}")
