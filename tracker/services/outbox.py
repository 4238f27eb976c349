"""Mail on its way out: put here in the transaction of what it tells of, and sent from here afterwards.

Never sends inside a transaction, never writes a letter twice for one dedupe key, never drops one: what can
not be delivered stays as a dead letter for somebody to see. Events for endpoints (tracker.services.endpoints)
take the same way, each endpoint in a lane of its own, so that one that is out of reach holds up nobody else.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, UpdateBase, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import defer

from tracker.errors import ConnectorError
from tracker.models import LanePause, OutboxMail, OutboxState, Person
from tracker.ports import LetterWriter, Mailer
from tracker.services.message import Envelope, freeze, mailbox, message_id, parse_mailbox
from tracker.store import Store

# Longer than any one delivery can take (see integrations.mail.smtp): a lease that runs out means that
# the process which held it is gone.
LEASE = timedelta(minutes=15)
FIRST_WAIT_S = 60
LONGEST_WAIT_S = 6 * 3600
# With these waits the last attempt comes about two days after the first.
MAX_ATTEMPTS = 16
# What nobody can be reached with for so long is given up (RFC 5321, section 4.5.4.1).
PATIENCE = timedelta(days=5)
LONGEST_PAUSE_S = 15 * 60
# A server that is asked with a wrong password again and again locks the account.
AUTH_PAUSE_S = 15 * 60
WAITING = (OutboxState.QUEUED, OutboxState.RETRY)
IS_MAIL = OutboxMail.endpoint_id.is_(None)
IS_EVENT = OutboxMail.endpoint_id.is_not(None)
UNSENT = OutboxMail.state.in_((*WAITING, OutboxState.INFLIGHT))
# The other end itself, not this one mail: the next mail would hear the same.
_EVERYBODY = ("unreachable", "reconnect")
MAIL_LANE = "mail"
# Letters of which somebody waits for each: a link, a date that was just agreed on. They leave before all
# others, and so they are due from before whatever can still wait here.
AWAITED = frozenset({"sign_in", "invitation", "invitation_off"})


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be said to whom. `dedupe_key` names the occasion: it is said once and never again.

    `unsubscribe_url` is for what people can do without: mail programs show a button for it (RFC 8058).
    """

    template: str
    person: Person
    facts: Mapping[str, Any]
    dedupe_key: str
    unsubscribe_url: str | None = None


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
class Claim:
    """A row that this process alone may send now. `attempt` fences off whoever held it before."""

    id: int
    attempt: int
    sender: str
    recipient: str
    message_id: str
    message: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """Rows with one other end: which they are, and how one of them is handed over."""

    name: str
    rows: ColumnElement[bool]
    deliver: Callable[[Claim], None]


def enqueue(
    db: OrmSession, writer: LetterWriter, note: Note, *, sender: str, now: datetime
) -> OutboxMail | None:
    """Put the letter of `note` into the outbox, in the caller's transaction.

    `sender` is `Name <address>`. Returns None where this was said before: then nothing is written, not even
    when two processes come here at the same moment. Raises BadInput for an address that can not be one.
    """
    if db.scalar(select(OutboxMail.id).where(OutboxMail.dedupe_key == note.dedupe_key)):
        return None
    row = letter_row(writer, note, sender=sender, now=now)
    # The caller's commit is the boundary: died before it, and neither the act nor its mail happened; died
    # after it, and the mail waits here for the next send_due.
    return add_row(db, row)


def add_row(db: OrmSession, row: Mapping[str, Any]) -> OutboxMail | None:
    """Add a row unless its dedupe key is there already, were it of this very moment; then return None."""
    statement = _insert(db)(OutboxMail).values(row).on_conflict_do_nothing(index_elements=["dedupe_key"])
    return db.scalars(statement.returning(OutboxMail)).one_or_none()


def add_rows(db: OrmSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add those of the rows whose dedupe key is not there yet, all at once."""
    if rows:
        statement = _insert(db)(OutboxMail).on_conflict_do_nothing(index_elements=["dedupe_key"])
        db.connection().execute(statement, rows)


def _insert(db: OrmSession) -> Any:
    return (sqlite if db.get_bind().dialect.name == "sqlite" else postgresql).insert


def letter_row(writer: LetterWriter, note: Note, *, sender: str, now: datetime) -> dict[str, Any]:
    """Return the row of the letter of `note`. Raises BadInput for an address that can not be one."""
    person, origin = note.person, parse_mailbox(sender)
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
        "message": freeze(letter, Envelope(origin, recipient, name, now, note.unsubscribe_url)),
        "state": OutboxState.QUEUED,
        "attempts": 0,
        "due_at": now - PATIENCE if note.template in AWAITED else now,
        "created_at": now,
    }


def send_due(store: Store, mailer: Mailer, now: datetime, limit: int = 50) -> SendReport:
    """Send up to `limit` mails that are due, those that somebody awaits before the others, oldest first."""

    def hand_over(claim: Claim) -> None:
        mailer.send(claim.message, sender=claim.sender, recipient=claim.recipient)

    try:
        return drain(store, Lane(MAIL_LANE, IS_MAIL, hand_over), now, limit)
    finally:
        mailer.rest()


def drain(store: Store, lane: Lane, now: datetime, limit: int) -> SendReport:
    """Hand over up to `limit` rows of the lane that are due, the longest due first; say what became of them.

    Any number of processes may do this at once. Stops at the first sign that the other end itself is out of
    reach, and lets the whole lane pause then: the others would only wait for the same answer.
    """
    report = SendReport(recovered=recover(store, lane, now))
    pause = _load_pause(store, lane)
    if pause and pause.until > now:
        report.stopped = pause.reason
        return report
    claiming = _claiming(lane)
    for _ in range(limit):
        claim = _claim_next(store, claiming, now)
        if claim is None:
            break
        # Died here: the lease runs out and `recover` hands the mail to the next attempt. None is lost.
        try:
            lane.deliver(claim)
        except ConnectorError as error:
            _settle_failure(store, claim, error, now, report)
            if error.code in _EVERYBODY:
                _pause(store, lane, error, now)
                report.stopped = str(error)
                break
        else:
            # Died here: the server has the mail and the row does not know. It is sent once more, with the
            # same Message-ID, by which servers and readers recognise the copy. This is the only way to a
            # duplicate.
            _settle(store, claim, {"state": OutboxState.SENT, "sent_at": now, "last_error": None})
            report.sent += 1
            report.recipients.append(claim.recipient)
            if pause:
                _end_pause(store, lane)
                pause = None
    return report


def recover(store: Store, lane: Lane, now: datetime) -> int:
    """Take back the rows whose sender died on the way; return how many. They keep their Message-ID."""
    lost = (lane.rows, OutboxMail.state == OutboxState.INFLIGHT, OutboxMail.leased_until <= now)
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


def _load_pause(store: Store, lane: Lane) -> LanePause | None:
    with store.read() as db:
        return db.get(LanePause, lane.name)


def _pause(store: Store, lane: Lane, error: ConnectorError, now: datetime) -> None:
    # Died before this: the next process simply asks once more.
    with store.write() as db:
        pause = db.get(LanePause, lane.name)
        failures = pause.failures + 1 if pause else 1
        wait_s = min(FIRST_WAIT_S << min(failures - 1, 10), LONGEST_PAUSE_S)
        wait_s = AUTH_PAUSE_S if error.code == "reconnect" else wait_s
        until = now + timedelta(seconds=max(error.retry_after_s or 0, wait_s))
        # Two senders may have met the same silence: whoever writes last is as right as the other.
        kept = {"until": until, "failures": failures, "reason": str(error)}
        statement = _insert(db)(LanePause).values(lane=lane.name, **kept)
        db.execute(statement.on_conflict_do_update(index_elements=["lane"], set_=kept))


def _end_pause(store: Store, lane: Lane) -> None:
    with store.write() as db:
        db.execute(delete(LanePause).where(LanePause.lane == lane.name))


def _claiming(lane: Lane) -> UpdateBase:
    """Return the statement that takes the next mail of the lane; to make it costs more than to run it."""
    # One at a time, so that a process which dies leaves one mail behind, not a whole batch. SQLite has no
    # SKIP LOCKED and needs none: there only one process writes at a time.
    # The states are written into the statement: a plan for any states could not take the partial index.
    is_waiting = OutboxMail.state.in_(bindparam("waiting", WAITING, expanding=True, literal_execute=True))
    first = (
        select(OutboxMail.id)
        .where(lane.rows, is_waiting, OutboxMail.due_at <= bindparam("now"))
        .order_by(OutboxMail.due_at, OutboxMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    take = update(OutboxMail).where(OutboxMail.id == first, OutboxMail.state.in_(WAITING))
    return take.values(
        state=OutboxState.INFLIGHT, attempts=OutboxMail.attempts + 1, leased_until=bindparam("until")
    ).returning(*(getattr(OutboxMail, name) for name in _CLAIMED))


def _claim_next(store: Store, claiming: UpdateBase, now: datetime) -> Claim | None:
    with store.write() as db:
        row = db.connection().execute(claiming, {"now": now, "until": now + LEASE}).one_or_none()
    # Died here: nothing was sent yet, and the lease runs out.
    return Claim(*row) if row else None


_CLAIMED = ("id", "attempts", "sender", "recipient", "message_id", "message", "created_at")


def _settle_failure(
    store: Store, claim: Claim, error: ConnectorError, now: datetime, report: SendReport
) -> None:
    again = _is_worth_another(claim, error, now)
    state = OutboxState.RETRY if again else OutboxState.FAILED
    wait_s = max(error.retry_after_s or 0, backoff_s(claim.id, claim.attempt)) if again else 0
    due_at = now + timedelta(seconds=wait_s)
    # Died before this: as above, the lease runs out; a refusal is then simply heard again.
    _settle(store, claim, {"state": state, "due_at": due_at, "last_error": str(error)})
    report.retried += again
    report.failed += not again


def _is_worth_another(claim: Claim, error: ConnectorError, now: datetime) -> bool:
    if error.code in _EVERYBODY:
        # The mail is not to blame, however often it was the one that met the silence.
        return now - claim.created_at < PATIENCE
    return error.retry_after_s is not None and claim.attempt < MAX_ATTEMPTS


def _settle(store: Store, claim: Claim, outcome: dict[str, Any]) -> None:
    with store.write() as db:
        mine = {"mail": claim.id, "attempt": claim.attempt}
        db.connection().execute(_SETTLE, {**mine, "leased_until": None, **outcome})


# Only whoever made the latest claim may say how it ended: a process that slept past its lease finds the
# attempt counted on, and changes nothing.
_SETTLE = update(OutboxMail).where(
    OutboxMail.id == bindparam("mail"),
    OutboxMail.state == OutboxState.INFLIGHT,
    OutboxMail.attempts == bindparam("attempt"),
)


def backoff_s(row_id: int, attempt: int) -> float:
    """Return the seconds to wait after the `attempt`th one: doubling, and spread by up to a fifth each way.

    The spread comes from a hash: the same at every run, and different for mails that failed together.
    """
    share = int.from_bytes(hashlib.sha256(f"{row_id}/{attempt}".encode()).digest()[:4], "big") / 2**32
    wait = min(FIRST_WAIT_S << min(attempt - 1, 20), LONGEST_WAIT_S)
    return wait * (0.8 + 0.4 * share)


def dead_letters(db: OrmSession) -> Sequence[OutboxMail]:
    """Return the mails that were given up, latest first; `last_error` says why."""
    query = select(OutboxMail).where(OutboxMail.state == OutboxState.FAILED)
    return db.scalars(query.order_by(OutboxMail.due_at.desc(), OutboxMail.id.desc())).all()


def longest_waiting(db: OrmSession, which: ColumnElement[bool]) -> OutboxMail | None:
    """Return the one of these (IS_MAIL, IS_EVENT) that has waited longest to go out, None where none waits.

    It waits since `created_at`: what is to be said later is put here later. `due_at` moves on with each
    attempt, so it would make whatever is refused again and again look like something new.
    """
    oldest = select(OutboxMail).where(UNSENT, which).order_by(OutboxMail.created_at, OutboxMail.id)
    return db.scalars(oldest.options(defer(OutboxMail.message)).limit(1)).one_or_none()


def try_again(db: OrmSession, dedupe_keys: Iterable[str], now: datetime) -> int:
    """Give those of the dead letters one more attempt, because a person asked for it; return how many.

    What has lost its text by now (tracker.services.housekeeping) stays: nobody gets an empty mail.
    """
    dead = update(OutboxMail).where(
        OutboxMail.dedupe_key.in_(list(dedupe_keys)),
        OutboxMail.state == OutboxState.FAILED,
        func.length(OutboxMail.message) > 0,
    )
    # The attempts count on: they are what fences off an earlier sender.
    queued = dead.values(state=OutboxState.RETRY, due_at=now).returning(OutboxMail.id)
    return len(db.scalars(queued).all())
