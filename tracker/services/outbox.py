"""Mail on its way out: put here in the transaction of what it tells of, and sent from here afterwards.

Never sends inside a transaction, never writes a letter twice for one dedupe key, never drops one: what can
not be delivered stays as a dead letter for somebody to see.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import ConnectorError
from tracker.models import OutboxMail, OutboxState, Person
from tracker.ports import LetterWriter, Mailer
from tracker.services.message import Envelope, Mailbox, freeze, mailbox, message_id, parse_mailbox
from tracker.store import Store

# Longer than any one delivery can take (see integrations.mail.smtp): a lease that runs out means that
# the process which held it is gone.
LEASE = timedelta(minutes=15)
FIRST_WAIT_S = 60
LONGEST_WAIT_S = 6 * 3600
# With these waits the last attempt comes about two days after the first.
MAX_ATTEMPTS = 16
WAITING = (OutboxState.QUEUED, OutboxState.RETRY)


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be said to whom. `dedupe_key` names the occasion: it is said once and never again."""

    template: str
    person: Person
    facts: Mapping[str, Any]
    dedupe_key: str


@dataclass(slots=True)
class SendReport:
    """What became of the mails that were due. `stopped` says why the rest was left for later, if it was."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    recovered: int = 0
    stopped: str | None = None
    recipients: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A row that this process alone may send now. `attempt` fences off whoever held it before."""

    id: int
    attempt: int
    sender: str
    recipient: str
    message: bytes


def enqueue(
    db: OrmSession, writer: LetterWriter, note: Note, *, sender: str, now: datetime
) -> OutboxMail | None:
    """Put the letter of `note` into the outbox, in the caller's transaction.

    `sender` is `Name <address>`. Returns None where this was said before: then nothing is written, not even
    when two processes come here at the same moment. Raises BadInput for an address that can not be one.
    """
    if db.scalar(select(OutboxMail.id).where(OutboxMail.dedupe_key == note.dedupe_key)):
        return None
    origin = parse_mailbox(sender)
    row = _row(writer, note, origin, now)
    # The caller's commit is the boundary: died before it, and neither the act nor its mail happened; died
    # after it, and the mail waits here for the next send_due.
    insert = (sqlite if db.get_bind().dialect.name == "sqlite" else postgresql).insert(OutboxMail)
    statement = insert.values(row).on_conflict_do_nothing(index_elements=["dedupe_key"])
    return db.scalars(statement.returning(OutboxMail)).one_or_none()


def _row(writer: LetterWriter, note: Note, origin: Mailbox, now: datetime) -> dict[str, Any]:
    person = note.person
    letter = writer.write(note.template, person.language, note.facts)
    recipient = mailbox(person.name, person.email)
    name = message_id(note.template, note.dedupe_key, origin)
    return {
        "dedupe_key": note.dedupe_key,
        "kind": note.template,
        "person_id": person.id,
        "sender": origin.address,
        "recipient": recipient.address,
        "message_id": name,
        "message": freeze(letter, Envelope(origin, recipient, name, now)),
        "state": OutboxState.QUEUED,
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }


def send_due(store: Store, mailer: Mailer, now: datetime, limit: int = 50) -> SendReport:
    """Send up to `limit` mails that are due, oldest first, and say what became of them.

    Any number of processes may do this at once. Stops at the first sign that the server itself is out of
    reach: the other mails would only wait for the same answer, and lose an attempt over it.
    """
    report = SendReport(recovered=recover(store, now))
    for _ in range(limit):
        claim = _claim_next(store, now)
        if claim is None:
            break
        # Died here: the lease runs out and `recover` hands the mail to the next attempt. None is lost.
        try:
            mailer.send(claim.message, sender=claim.sender, recipient=claim.recipient)
        except ConnectorError as error:
            _settle_failure(store, claim, error, now, report)
        else:
            # Died here: the server has the mail and the row does not know. It is sent once more, with the
            # same Message-ID, by which servers and readers recognise the copy. This is the only way to a
            # duplicate.
            _settle(store, claim, {"state": OutboxState.SENT, "sent_at": now, "last_error": None})
            report.sent += 1
            report.recipients.append(claim.recipient)
        if report.stopped:
            break
    return report


def recover(store: Store, now: datetime) -> int:
    """Take back the mails whose sender died on the way; return how many. They keep their Message-ID."""
    lost = (OutboxMail.state == OutboxState.INFLIGHT, OutboxMail.leased_until <= now)
    words = "The process that was sending it ended before it could tell the outcome."
    with store.write() as db:
        # A mail that ends its process at every attempt must not do so for ever.
        dead = update(OutboxMail).where(*lost, OutboxMail.attempts >= MAX_ATTEMPTS)
        db.execute(dead.values(state=OutboxState.FAILED, leased_until=None, last_error=words))
        again = update(OutboxMail).where(*lost).returning(OutboxMail.id)
        rows = db.scalars(
            again.values(state=OutboxState.RETRY, due_at=now, leased_until=None, last_error=words)
        )
        return len(rows.all())


def _claim_next(store: Store, now: datetime) -> _Claim | None:
    # One at a time, so that a process which dies leaves one mail behind, not a whole batch. SQLite has no
    # SKIP LOCKED and needs none: there only one process writes at a time.
    first = (
        select(OutboxMail.id)
        .where(OutboxMail.state.in_(WAITING), OutboxMail.due_at <= now)
        .order_by(OutboxMail.due_at, OutboxMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    take = update(OutboxMail).where(OutboxMail.id == first, OutboxMail.state.in_(WAITING))
    taken = take.values(
        state=OutboxState.INFLIGHT, attempts=OutboxMail.attempts + 1, leased_until=now + LEASE
    ).returning(
        OutboxMail.id, OutboxMail.attempts, OutboxMail.sender, OutboxMail.recipient, OutboxMail.message
    )
    with store.write() as db:
        row = db.execute(taken).one_or_none()
    # Died here: nothing was sent yet, and the lease runs out.
    return _Claim(*row) if row else None


def _settle_failure(
    store: Store, claim: _Claim, error: ConnectorError, now: datetime, report: SendReport
) -> None:
    again = error.retry_after_s is not None and claim.attempt < MAX_ATTEMPTS
    state = OutboxState.RETRY if again else OutboxState.FAILED
    wait_s = max(error.retry_after_s or 0, backoff_s(claim.id, claim.attempt)) if again else 0
    due_at = now + timedelta(seconds=wait_s)
    # Died before this: as above, the lease runs out; a refusal is then simply heard again.
    _settle(store, claim, {"state": state, "due_at": due_at, "last_error": str(error)})
    report.retried += again
    report.failed += not again
    if error.code in ("unreachable", "reconnect"):
        report.stopped = str(error)


def _settle(store: Store, claim: _Claim, outcome: dict[str, Any]) -> None:
    # Only whoever made the latest claim may say how it ended: a process that slept past its lease finds
    # the attempt counted on, and changes nothing.
    mine = update(OutboxMail).where(
        OutboxMail.id == claim.id,
        OutboxMail.state == OutboxState.INFLIGHT,
        OutboxMail.attempts == claim.attempt,
    )
    with store.write() as db:
        db.execute(mine.values(leased_until=None, **outcome))


def backoff_s(row_id: int, attempt: int) -> float:
    """Return the seconds to wait after the `attempt`th one: doubling, and spread by up to a fifth each way.

    The spread comes from a hash: the same at every run, and different for mails that failed together.
    """
    share = int.from_bytes(hashlib.sha256(f"{row_id}/{attempt}".encode()).digest()[:4], "big") / 2**32
    wait = min(FIRST_WAIT_S << (attempt - 1), LONGEST_WAIT_S)
    return wait * (0.8 + 0.4 * share)


def dead_letters(db: OrmSession) -> Sequence[OutboxMail]:
    """Return the mails that were given up, latest first; `last_error` says why."""
    query = select(OutboxMail).where(OutboxMail.state == OutboxState.FAILED)
    return db.scalars(query.order_by(OutboxMail.due_at.desc(), OutboxMail.id.desc())).all()


def oldest_due_at(db: OrmSession) -> datetime | None:
    """Return since when the longest waiting mail could have gone out, None where none waits."""
    return db.scalar(select(func.min(OutboxMail.due_at)).where(OutboxMail.state.in_(WAITING)))


def try_again(db: OrmSession, dedupe_keys: Iterable[str], now: datetime) -> int:
    """Give those of the dead letters one more attempt, because a person asked for it; return how many."""
    dead = update(OutboxMail).where(
        OutboxMail.dedupe_key.in_(list(dedupe_keys)), OutboxMail.state == OutboxState.FAILED
    )
    # The attempts count on: they are what fences off an earlier sender.
    queued = dead.values(state=OutboxState.RETRY, due_at=now).returning(OutboxMail.id)
    return len(db.scalars(queued).all())
