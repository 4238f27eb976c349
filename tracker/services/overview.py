"""All pairs at a glance, for HR and for people with several. Reads stored ledgers; never judges.

Sorting, filtering and paging happen in the database: a page costs about the same with 100 pairs and with
100,000. No word of a goal and no title is here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased, joinedload, selectinload

from tracker.ledger import Ledger, decode_ledger
from tracker.letters import bare_letters
from tracker.models import Agreement, LedgerRow, Pair, Person, Program
from tracker.services.beats import Beat, beats_of, current_beat, nearest
from tracker.services.folding import Bare

PAGE_SIZE = 25
MARKS_IN_A_ROW = 12
# Whoever needs somebody first stands first. A pair that was never judged has no health yet.
HEALTH_ORDER = ("off_track", "at_risk", "unknown", "on_track", "not_started", "ended")
NOT_JUDGED = "not_judged"

_mentor, _mentee, _other = aliased(Person), aliased(Person), aliased(Agreement)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which pairs to list; what is None or empty lets everything through."""

    program_id: int | None = None
    health: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One pair at a glance. `agreement` is the running one, else the last, else the next to come.

    `ledger` is None until the pair was judged for the first time; `beats` are the nearest to today.
    """

    pair: Pair
    agreement: Agreement
    ledger: Ledger | None
    beats: tuple[Beat, ...]

    @property
    def health(self) -> str:
        """Return the health of the ledger."""
        return self.ledger.health.value if self.ledger else NOT_JUDGED


@dataclass(frozen=True, slots=True)
class Page:
    """One page of cards; `number` counts from 1, `counts` is `count_by_health` for the same filters."""

    cards: list[Card]
    number: int
    pages: int
    counts: dict[str, int]


class ExportRow(NamedTuple):
    """One pair in a table: `ledger` is None until it was judged, `beat` is the running period."""

    pair_id: int
    program: str
    mentor: str
    mentor_email: str
    mentee: str
    mentee_email: str
    starts_on: date
    ends_on: date
    ledger: Ledger | None
    beat: Beat | None


def pairs_of(db: OrmSession, person: Person) -> list[Pair]:
    """Return the pairs that this person is one of, by program and names."""
    query = select(Pair).where((Pair.mentor_id == person.id) | (Pair.mentee_id == person.id))
    found = db.scalars(query.options(*_whole_pair())).all()
    return sorted(found, key=lambda p: (p.program.name, p.mentor.name, p.mentee.name, p.id))


def list_page(db: OrmSession, filters: Filters, number: int, now: datetime) -> Page:
    """Return a page of pairs, those that need somebody first. A number past the end gives the last page."""
    counts = count_by_health(db, filters, now)
    total = counts.get(filters.health, 0) if filters.health else sum(counts.values())
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, number), pages)
    ids = _matching(filters, now, Pair.id, Agreement.id).order_by(*_by_need())
    rows = db.execute(ids.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    return Page(load_cards(db, rows, now), number, pages, counts)


def export_rows(db: OrmSession, filters: Filters, now: datetime) -> Iterator[ExportRow]:
    """Give a row for each matching pair, in the order of need, some hundreds in memory at a time."""
    columns = (
        Pair.id.label("pair_id"),
        Program.name.label("program"),
        _mentor.name.label("mentor"),
        _mentor.email.label("mentor_email"),
        _mentee.name.label("mentee"),
        _mentee.email.label("mentee_email"),
        Agreement.starts_on,
        Agreement.ends_on,
        Agreement.timezone,
        LedgerRow.document,
    )
    query = _matching(filters, now, *columns).join(Program, Program.id == Pair.program_id)
    found = db.execute(query.order_by(*_by_need()).execution_options(yield_per=500))
    for row in found:
        ledger = decode_ledger(row.document) if row.document else None
        beat = current_beat(beats_of(ledger, row.timezone, now)) if ledger else None
        known = {name: getattr(row, name) for name in ExportRow._fields[:-2]}
        yield ExportRow(**known, ledger=ledger, beat=beat)


def cards_of(db: OrmSession, person: Person, now: datetime) -> list[Card]:
    """Return the cards of the person's own pairs."""
    ids = [pair.id for pair in pairs_of(db, person)]
    rows = db.execute(_matching(Filters(), now, Pair.id, Agreement.id).where(Pair.id.in_(ids))).all()
    return load_cards(db, sorted(rows, key=lambda row: ids.index(row[0])), now)


def count_by_health(db: OrmSession, filters: Filters, now: datetime) -> dict[str, int]:
    """Return how many pairs have which health, in the order of need; the filter by health is not applied."""
    everyone = _matching(replace(filters, health=None), now, LedgerRow.health, func.count(Pair.id))
    found = {health or NOT_JUDGED: count for health, count in db.execute(everyone.group_by(LedgerRow.health))}
    return {health: found[health] for health in (*HEALTH_ORDER, NOT_JUDGED) if health in found}


def list_programs(db: OrmSession) -> list[Program]:
    """Return all programs by name."""
    return list(db.scalars(select(Program).order_by(Program.name)))


def load_cards(db: OrmSession, rows: Sequence[tuple[int, int]], now: datetime) -> list[Card]:
    """Return the cards of these pairs and agreements, in their order."""
    pairs = _by_id(db.scalars(select(Pair).where(Pair.id.in_([r[0] for r in rows])).options(*_whole_pair())))
    chosen = [r[1] for r in rows]
    ledgers = {
        row.agreement_id: decode_ledger(row.document)
        for row in db.scalars(select(LedgerRow).where(LedgerRow.agreement_id.in_(chosen)))
    }
    return [_card(pairs[pair_id], agreement_id, ledgers, now) for pair_id, agreement_id in rows]


def _card(pair: Pair, agreement_id: int, ledgers: Mapping[int, Ledger], now: datetime) -> Card:
    agreement = next(a for a in pair.agreements if a.id == agreement_id)
    ledger = ledgers.get(agreement_id)
    beats = beats_of(ledger, agreement.timezone, now) if ledger else []
    return Card(pair, agreement, ledger, tuple(nearest(beats, MARKS_IN_A_ROW)))


def _whole_pair() -> tuple[Any, ...]:
    return (
        joinedload(Pair.mentor),
        joinedload(Pair.mentee),
        joinedload(Pair.program),
        selectinload(Pair.agreements),
    )


def _by_id(pairs: Any) -> dict[int, Pair]:
    return {pair.id: pair for pair in pairs}


def _matching(filters: Filters, now: datetime, *columns: Any) -> Select[Any]:
    query = (
        select(*columns)
        .select_from(Pair)
        .join(Agreement, and_(Agreement.pair_id == Pair.id, _is_current(now)))
        .outerjoin(LedgerRow, LedgerRow.agreement_id == Agreement.id)
        .join(_mentor, _mentor.id == Pair.mentor_id)
        .join(_mentee, _mentee.id == Pair.mentee_id)
    )
    if filters.program_id is not None:
        query = query.where(Pair.program_id == filters.program_id)
    if filters.health is not None:
        wanted = None if filters.health == NOT_JUDGED else filters.health
        query = query.where(LedgerRow.health.is_(None) if wanted is None else LedgerRow.health == wanted)
    for word in bare_letters(filters.search).split():
        names = (Bare(_mentor.name), Bare(_mentee.name), _mentor.email, _mentee.email)
        query = query.where(or_(*(column.contains(word, autoescape=True) for column in names)))
    return query


def _is_current(now: datetime) -> ColumnElement[bool]:
    # The latest that has begun; where none has, the first to come.
    today = now.date()
    same = _other.pair_id == Agreement.pair_id
    newer = exists().where(same, _other.starts_on > Agreement.starts_on, _other.starts_on <= today)
    older = exists().where(same, _other.starts_on < Agreement.starts_on)
    return or_(and_(Agreement.starts_on <= today, ~newer), and_(Agreement.starts_on > today, ~older))


def _by_need() -> tuple[Any, ...]:
    order = {health: place for place, health in enumerate(HEALTH_ORDER)}
    # Pairs that wait for their first review stand before those that are over.
    rank = case(order, value=LedgerRow.health, else_=order["ended"] - 0.5)
    return (rank, func.coalesce(LedgerRow.consecutive_missed, 0).desc(), _mentor.name, _mentee.name, Pair.id)
