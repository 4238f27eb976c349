"""What of a person's calendar concerns us: the rules, the stretch of time, and which pair an entry is of.

Never keeps an address: whoever is on an entry becomes the id of a person of one of the pairs, or nothing.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select, union_all
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm import Session as OrmSession

from tracker.events import CalendarEvent, CopyRole, Moment, Response, TagRule, Window
from tracker.models import Agreement, Pair, Person, PersonAddress, Program
from tracker.references import reader_of
from tracker.settings import Settings
from tracker.tags import TagRules, nobody_signed

# Sessions that moved out of the term, or serve its first and last period by the grace, lie in the margin.
MARGIN = timedelta(days=31)
# Agreements that ended longer ago than this are not read any more.
LOOK_BACK = timedelta(days=400)

_Column = InstrumentedAttribute[int]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose calendar is read, and whether this person lets days away be read from it; a program may, too."""

    id: int
    timezone: str
    lets_absences_be_read: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One agreement's stretch of local dates, first and last included."""

    timezone: str
    starts_on: date
    ends_on: date

    def covers(self, moment: Moment) -> bool:
        """Tell whether the local date of `moment` lies in the term."""
        if isinstance(moment, datetime):
            moment = moment.astimezone(ZoneInfo(self.timezone)).date()
        return self.starts_on <= moment <= self.ends_on


@dataclass(frozen=True, slots=True)
class OwnPair:
    """A pair of the calendar's owner; `other_id` is the other person of it."""

    id: int
    other_id: int
    takes_suggestions: bool
    terms: tuple[Term, ...]

    def covers(self, event: CalendarEvent) -> bool:
        """Tell whether the entry's slot, or where it stands now, lies in an agreement's term."""
        moments = (event.start, *([event.original_start] if event.original_start else []))
        return any(term.covers(moment) for term in self.terms for moment in moments)


@dataclass(frozen=True, slots=True)
class Belonging:
    """The pairs that an entry is of; `asks`: it could be of several, and only its owner can tell."""

    pairs: tuple[OwnPair, ...] = ()
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What is read of one person's calendar; `people` maps the addresses of the owner and partners to ids."""

    owner_id: int
    timezone: str
    people: Mapping[str, int]
    pairs: tuple[OwnPair, ...]
    rules: TagRules
    window: Window

    @property
    def digest(self) -> str:
        """Return a hash of all that decides what a reading gives; if it changes, all is read anew."""
        rules = (sorted(self.rules.markers), sorted(self.rules.program_addresses))
        partners = sorted(map(sorted, self.rules.partners))
        absences = self.rules.keeps_absences
        parts = (
            self.timezone,
            sorted(self.people.items()),
            self.pairs,
            rules,
            partners,
            self.window,
            absences,
        )
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def people_on(self, event: CalendarEvent) -> dict[int, Response]:
        """Return whom we know of those on the entry, its owner always, and what they answered."""
        known = {self.owner_id: Response.NONE}
        if (organiser := self.people.get(event.organiser or "")) is not None:
            known.setdefault(organiser, Response.NONE)
        for attendee in event.attendees:
            if attendee.email in self.people:
                known[self.people[attendee.email]] = attendee.response
        return known

    def organiser_of(self, event: CalendarEvent) -> int | None:
        """Return who called the meeting, if it is somebody we know."""
        if event.copy_role is CopyRole.ORGANISER:
            return self.owner_id
        return self.people.get(event.organiser or "")

    def belonging(self, event: CalendarEvent, choice: int | None = None) -> Belonging:
        """Return the pairs that the entry is of; `choice` is the pair that its owner named when asked."""
        named = [pair for pair in self.pairs if pair.other_id in self.people_on(event)]
        suggested = event.tag_rule is TagRule.SUGGESTED
        possible = [
            pair
            for pair in named or self.pairs
            if pair.covers(event) and (pair.takes_suggestions or not suggested)
        ]
        if named or len(possible) < 2:
            return Belonging(tuple(possible))
        chosen = tuple(pair for pair in possible if pair.id == choice)
        return Belonging(chosen, asks=not chosen)


def load_scopes(
    db: OrmSession, owners: Collection[Owner], settings: Settings, now: datetime
) -> dict[Owner, Scope]:
    """Return what to read of calendars of these owners; nobody is in it whom no agreement needs it for.

    Two statements, for some hundreds of them at most.
    """
    terms = _load_terms(db, {owner.id for owner in owners}, now.date() - LOOK_BACK)
    known = {person for rows in terms.values() for row in rows for person in (row.owner, row.other)}
    addresses = _load_addresses(db, known)
    return {
        owner: _scope(owner, terms[owner.id], addresses, settings) for owner in owners if owner.id in terms
    }


def is_needed(db: OrmSession, person_id: int, now: datetime) -> bool:
    """Tell whether an agreement needs this person's calendars: those of nobody else are read."""
    return bool(_load_terms(db, {person_id}, now.date() - LOOK_BACK))


def _scope(
    owner: Owner, rows: Sequence[Any], addresses: Mapping[int, Sequence[str]], settings: Settings
) -> Scope:
    pairs = _pairs(rows)
    # In the order of the ids: should two people have one address, it is always the same one's.
    known = sorted({owner.id, *(pair.other_id for pair in pairs)})
    programs = {row.address.lower() for row in rows if row.address} | {settings.program_address or ""}
    rules = TagRules(
        owner=frozenset(addresses[owner.id]),
        partners=tuple(frozenset(addresses[p.other_id]) for p in pairs if p.takes_suggestions),
        markers=settings.tags,
        program_addresses=frozenset(programs - {""}),
        is_ours=reader_of(settings.secret_keys) if settings.secret_keys else nobody_signed,
        keeps_absences=owner.lets_absences_be_read or any(row.reads_absences for row in rows),
    )
    people = {address: person for person in known for address in addresses[person]}
    return Scope(owner.id, owner.timezone, people, pairs, rules, _window(pairs))


def _load_terms(db: OrmSession, owner_ids: Collection[int], ended_after: date) -> dict[int, list[Any]]:
    """Return by owner the agreements of the owner's pairs, each with pair and program, in their order."""
    rows = db.connection().execute(_TERMS, {"owners": list(owner_ids), "ended_after": ended_after})
    return {owner: list(terms) for owner, terms in groupby(rows, key=lambda row: row.owner)}


def _terms_of(
    mine: _Column, theirs: _Column
) -> Select[int, int, int, bool, str | None, bool, str, date, date]:
    return (
        select(
            mine.label("owner"),
            theirs.label("other"),
            Pair.id.label("pair"),
            Program.suggests_untagged,
            Program.address,
            Program.reads_absences,
            Agreement.timezone,
            Agreement.starts_on,
            Agreement.ends_on,
        )
        .join(Program, Program.id == Pair.program_id)
        .join(Agreement, Agreement.pair_id == Pair.id)
        .where(mine.in_(bindparam("owners", expanding=True)), Agreement.ends_on > bindparam("ended_after"))
    )


# Written once: every portion of readings asks these, and to make a statement costs more than to run it.
_TERMS = union_all(
    _terms_of(Pair.mentor_id, Pair.mentee_id), _terms_of(Pair.mentee_id, Pair.mentor_id)
).order_by("owner", "pair", "starts_on")
_ADDRESSES = union_all(
    select(Person.email, Person.id).where(Person.id.in_(bindparam("people", expanding=True))),
    select(PersonAddress.email, PersonAddress.person_id).where(
        PersonAddress.person_id.in_(bindparam("people", expanding=True))
    ),
)


def _pairs(rows: Iterable[Any]) -> tuple[OwnPair, ...]:
    """Return the owner's pairs; each row is an agreement with its pair and program, in order of the pairs."""
    pairs = []
    for pair_id, agreements in groupby(rows, key=lambda row: row.pair):
        of_pair = list(agreements)
        terms = tuple(Term(row.timezone, row.starts_on, row.ends_on) for row in of_pair)
        pairs.append(OwnPair(pair_id, of_pair[0].other, of_pair[0].suggests_untagged, terms))
    return tuple(pairs)


def _load_addresses(db: OrmSession, person_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the addresses of each of these people."""
    found: dict[int, list[str]] = {person_id: [] for person_id in person_ids}
    for email, person_id in db.connection().execute(_ADDRESSES, {"people": list(person_ids)}):
        found[person_id].append(email)
    return found


def _window(pairs: tuple[OwnPair, ...]) -> Window:
    # Whole months, so that the question to the provider, and with it the cursor, stays the same for long.
    first = min(term.starts_on for pair in pairs for term in pair.terms) - MARGIN
    last = max(term.ends_on for pair in pairs for term in pair.terms) + MARGIN
    after = (last.replace(day=1) + timedelta(days=31)).replace(day=1)
    return Window(_midnight(first.replace(day=1)), _midnight(after))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
