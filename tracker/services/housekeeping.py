"""Taking away what nobody needs any more, in small portions. Never touches what a verdict rests on.

How long what is kept stands in RETENTION, in docs/privacy.md and in docs/operations.md; sessions, and what
calendars and people said of them, stay as long as their pair, since each verdict has to be explained by them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update

from tracker.models import (
    Agreement,
    AuditEntry,
    ConsentFlow,
    EvidenceMemo,
    Heartbeat,
    Invitation,
    InvitationPerson,
    LanePause,
    Nudge,
    OutboxMail,
    OutboxState,
    Pair,
    PushChannel,
)
from tracker.store import Store

BATCH = 500
MOST_BATCHES = 20  # of one kind, in one run: whoever writes meanwhile never waits long
GONE_HAS_TEXT = func.length(OutboxMail.message) > 0


@dataclass(frozen=True, slots=True)
class Retention:
    """One kind of rows that end: `old` tells which, given the moment before which they are too old."""

    name: str
    keep: timedelta
    key: Any
    old: Callable[[datetime], Sequence[ColumnElement[bool]]]
    emptied: bool = False  # a mail's text goes, and its row stays: what was said is not said again


def _days(days: int) -> timedelta:
    return timedelta(days=days)


def _is_of_a_pair(day: date) -> ColumnElement[bool]:
    """Return the condition for an invitation of somebody whose agreement held on that day, or holds later."""
    person = InvitationPerson.person_id
    return exists().where(
        InvitationPerson.invitation_id == Invitation.id,
        or_(Pair.mentor_id == person, Pair.mentee_id == person),
        Agreement.pair_id == Pair.id,
        Agreement.ends_on >= day,
    )


RETENTION = (
    Retention(
        "texts of mails that were sent",
        _days(30),
        OutboxMail.id,
        lambda at: (OutboxMail.state == OutboxState.SENT, OutboxMail.due_at < at, GONE_HAS_TEXT),
        emptied=True,
    ),
    Retention(
        "texts of mails that were given up",
        _days(90),
        OutboxMail.id,
        lambda at: (OutboxMail.state == OutboxState.FAILED, OutboxMail.due_at < at, GONE_HAS_TEXT),
        emptied=True,
    ),
    Retention(
        "mails",
        _days(400),
        OutboxMail.id,
        lambda at: (OutboxMail.state.in_((OutboxState.SENT, OutboxState.FAILED)), OutboxMail.due_at < at),
    ),
    Retention("nudges", _days(180), Nudge.id, lambda at: (Nudge.expires_at < at,)),
    Retention("consents under way", _days(1), ConsentFlow.id, lambda at: (ConsentFlow.expires_at < at,)),
    # A series was invited to once: while a pair goes on, its sessions are known by that alone.
    Retention(
        "invitations",
        _days(400),
        Invitation.id,
        lambda at: (Invitation.received_at < at, ~_is_of_a_pair(at.date())),
    ),
    Retention("channels that ended", _days(7), PushChannel.id, lambda at: (PushChannel.expires_at < at,)),
    Retention("the audit trail", _days(730), AuditEntry.id, lambda at: (AuditEntry.at < at,)),
    Retention("pauses", _days(30), LanePause.lane, lambda at: (LanePause.until < at,)),
    Retention("jobs that are no more", _days(30), Heartbeat.name, lambda at: (Heartbeat.ticked_at < at,)),
    Retention(
        "working copies of agreements that ended",
        _days(60),
        EvidenceMemo.agreement_id,
        lambda at: (
            EvidenceMemo.agreement_id.in_(select(Agreement.id).where(Agreement.ends_on < at.date())),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many rows of each kind went, or lost their text; `has_more` where a portion was not enough."""

    counts: dict[str, int]
    has_more: bool


def tidy(store: Store, now: datetime) -> Tidied:
    """Take away a portion of what is too old. Harmless at any time and from any number of processes."""
    counts = {rule.name: _tidy(store, rule, now - rule.keep) for rule in RETENTION}
    full = any(count >= BATCH * MOST_BATCHES for count in counts.values())
    return Tidied({name: count for name, count in counts.items() if count}, full)


def _tidy(store: Store, rule: Retention, before: datetime) -> int:
    gone = 0
    for _ in range(MOST_BATCHES):
        # Died between two portions: what is left is as old at the next run.
        count = _take(store, rule, select(rule.key).where(*rule.old(before)).order_by(rule.key).limit(BATCH))
        gone += count
        if count < BATCH:
            break
    return gone


def _take(store: Store, rule: Retention, which: Select[Any]) -> int:
    with store.write() as db:
        keys = db.scalars(which).all()
        if not keys:
            return 0
        rows = rule.key.in_(keys)
        if rule.emptied:
            db.execute(update(OutboxMail).where(rows).values(message=b""))
        else:
            db.execute(delete(rule.key.class_).where(rows))
        return len(keys)
