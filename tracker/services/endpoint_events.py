"""Events for endpoints: what a delivery says (docs/webhooks.md), and changes of verdicts made into them.

Never sends. A change is told once it has stood for two days, a miss from when HR may hear of it on
(tracker.manners): what the pair put right by then was never told.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import takewhile
from typing import Any

import msgspec
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from tracker.ledger import Verdict
from tracker.manners import HEAD_START, LONGEST_HEAD_START, told_to_hr_from
from tracker.models import (
    Agreement,
    Endpoint,
    EndpointEvent,
    EndpointKind,
    OutboxState,
    Pair,
    Person,
    Program,
    VerdictChange,
)
from tracker.services.headstarts import Words, load_words
from tracker.services.outbox import add_row
from tracker.store import Store

MOST_CHANGES = 500  # of one endpoint, at one time


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell an endpoint; what has the same `occasion` is the same thing, and told once."""

    kind: EndpointEvent
    occasion: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of a verdict, with whose it is."""

    id: int
    agreement_id: int
    starts_on: date
    at: datetime
    verdict: str
    reason: str | None
    missed_by: list[str]
    timezone: str
    pair_id: int
    program: str
    mentor: str
    mentee: str

    def is_settled(self, now: datetime, words: Words) -> bool:
        """Tell whether HR may hear of it; of a miss, `words` tell whether the two had their time."""
        to_the_two = words.get((self.agreement_id, self.starts_on), ()) if self.is_miss else ()
        return told_to_hr_from(self.at, self.timezone, to_the_two) <= now

    @property
    def is_miss(self) -> bool:
        """Tell whether the two hear of it first."""
        return self.verdict == Verdict.MISSED


def enqueue_event(db: OrmSession, endpoint: Endpoint, event: Event, now: datetime) -> bool:
    """Put an event into the outbox, in the caller's transaction; tell whether it was not there yet.

    The delivery's id is made from the endpoint and the occasion: the same at every attempt.
    """
    key = f"{event.kind.value}/{endpoint.id}/{event.occasion}"
    name = "evt_" + hashlib.sha256(f"{key}/{endpoint.created_at.isoformat()}".encode()).hexdigest()[:32]
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"type": event.kind.value, "id": name, "timestamp": stamp, "version": 1, "data": event.facts}
    row = {
        "dedupe_key": key,
        "kind": event.kind.value,
        "endpoint_id": endpoint.id,
        "sender": "",
        "recipient": f"{endpoint.kind.value} {endpoint.name}",
        "message_id": name,
        "message": msgspec.json.encode(body),
        "state": OutboxState.QUEUED,
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
    return add_row(db, row) is not None


def tell_changes(store: Store, now: datetime) -> int:
    """Put into the outbox what changed and has settled since the last time; return how many events.

    Cheap while nothing is due, and harmless at any time and from any number of processes.
    """
    with store.read() as db:
        ids = db.scalars(select(Endpoint.id).where(Endpoint.kind == EndpointKind.WEBHOOK)).all()
    return sum(_tell(store, endpoint_id, now) for endpoint_id in ids)


def _tell(store: Store, endpoint_id: int, now: datetime) -> int:
    horizon = now - HEAD_START
    # Died before the commit: neither the events nor how far they were told is there, and all is done again.
    with store.write() as db:
        endpoint = db.get(Endpoint, endpoint_id, with_for_update=True)
        if endpoint is None or EndpointEvent.VERDICT_CHANGED not in endpoint.events:
            return 0
        if endpoint.told_until >= horizon:
            return 0
        changes = _changes_since(db, endpoint, horizon)
        settled = list(takewhile(lambda change: change.is_settled(now, {}), changes))
        # A miss for which one of the two is waited for holds up no other: it is come back to.
        ripe = _ripe(db, [*_held_back(db, endpoint), *settled], now)
        told = sum(enqueue_event(db, endpoint, _event_of(change), now) for change in ripe)
        if len(settled) == len(changes) < MOST_CHANGES:
            # Changes are dated when they are judged, so nothing older than two days is still to come, but
            # for what a first import finds in the past: that is not news.
            endpoint.told_until, endpoint.told_change_id = horizon, 0
        elif settled:
            endpoint.told_until, endpoint.told_change_id = settled[-1].at, settled[-1].id
    return told


def _ripe(db: OrmSession, changes: Sequence[_Change], now: datetime) -> list[_Change]:
    """Return those that may be told, and still stand; what was told already is there, and not told again."""
    words = load_words(db, {c.pair_id for c in changes if c.is_miss}, now)
    settled = [change for change in changes if change.is_settled(now, words)]
    latest = _latest_of(db, settled)
    return [change for change in settled if latest[change.agreement_id, change.starts_on] == change.id]


def _held_back(db: OrmSession, endpoint: Endpoint) -> Sequence[_Change]:
    """Return the misses that were passed by, for whose sake somebody was waited for when one looked last."""
    looked_at, change = endpoint.told_until + HEAD_START, VerdictChange
    query = _changes_of(endpoint).where(
        change.verdict == Verdict.MISSED.value,
        change.at > max(endpoint.created_at, looked_at - LONGEST_HEAD_START),
        change.at <= endpoint.told_until,
    )
    passed = [_Change(*tuple(row)) for row in db.execute(query)]
    words = load_words(db, {each.pair_id for each in passed}, looked_at)
    return [each for each in passed if not each.is_settled(looked_at, words)]


def _changes_since(db: OrmSession, endpoint: Endpoint, horizon: datetime) -> Sequence[_Change]:
    change = VerdictChange
    is_later = or_(
        change.at > endpoint.told_until,
        and_(change.at == endpoint.told_until, change.id > endpoint.told_change_id),
    )
    query = (
        _changes_of(endpoint)
        # Said plainly, or no database takes the index.
        .where(is_later, change.at >= endpoint.told_until, change.at <= horizon)
        .order_by(change.at, change.id)
        .limit(MOST_CHANGES)
    )
    return [_Change(*tuple(row)) for row in db.execute(query)]


def _changes_of(endpoint: Endpoint) -> Select[*tuple[Any, ...]]:
    mentor, mentee, change = aliased(Person), aliased(Person), VerdictChange
    return (
        select(
            *(change.id, change.agreement_id, change.starts_on, change.at),
            *(change.verdict, change.reason, change.missed_by, Agreement.timezone),
            *(Pair.id.label("pair_id"), Program.name.label("program")),
            *(mentor.email.label("mentor"), mentee.email.label("mentee")),
        )
        .join(Agreement, Agreement.id == change.agreement_id)
        .join(Pair, Pair.id == Agreement.pair_id)
        .join(Program, Program.id == Pair.program_id)
        .join(mentor, mentor.id == Pair.mentor_id)
        .join(mentee, mentee.id == Pair.mentee_id)
        .where(Pair.program_id == endpoint.program_id)
    )


def _latest_of(db: OrmSession, changes: Sequence[_Change]) -> dict[tuple[int, date], int]:
    """Return the newest change of each period, told or not: what it replaced is of no interest any more."""
    agreements = {row.agreement_id for row in changes}
    query = (
        select(
            VerdictChange.agreement_id, VerdictChange.starts_on, func.max(VerdictChange.id).label("newest")
        )
        .where(VerdictChange.agreement_id.in_(agreements))
        .group_by(VerdictChange.agreement_id, VerdictChange.starts_on)
    )
    return {(row.agreement_id, row.starts_on): row.newest for row in db.execute(query)}


def _event_of(change: _Change) -> Event:
    facts = {
        "program": change.program,
        "pair": f"p-{change.pair_id}",
        "mentor": change.mentor,
        "mentee": change.mentee,
        "period_starts_on": change.starts_on.isoformat(),
        "verdict": change.verdict,
        "reason": change.reason,
        "missed_by": change.missed_by,
        "changed_at": change.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return Event(EndpointEvent.VERDICT_CHANGED, str(change.id), facts)
