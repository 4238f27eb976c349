"""Channels besides mail: a chat that is told of the digest, a program of the company's that follows verdicts.

Never names a person to a chat, and never tells a program of a miss before the pair had time to put it right.
Events wait in the outbox and are sent from there; addresses and secrets are sealed, and shown to nobody.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.models import Endpoint, EndpointEvent, EndpointKind, LanePause, OutboxMail, Program
from tracker.ports import Courier, Delivery, LetterWriter, Vault
from tracker.services.audit import Act, record
from tracker.services.digest.facts import Digest
from tracker.services.endpoint_events import Event, enqueue_event
from tracker.services.needs import SealedStore
from tracker.services.outbox import IS_EVENT, WAITING, Claim, Lane, SendReport, drain
from tracker.wording import N_, Reader

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret (Standard Webhooks), not one
ROTATION_LASTS = timedelta(hours=24)
# What a chat may be told stays free of names: nobody knows who else reads there.
FITTING = {
    EndpointKind.SLACK: (EndpointEvent.DIGEST_READY,),
    EndpointKind.TEAMS: (EndpointEvent.DIGEST_READY,),
    EndpointKind.WEBHOOK: (EndpointEvent.VERDICT_CHANGED, EndpointEvent.DIGEST_READY),
}
MOST_NAME_CHARACTERS = 80
_LIMIT = 20  # deliveries to one endpoint at a time: the others have their turn


class CourierPorts(SealedStore, Protocol):
    """What it takes to deliver."""

    @property
    def courier(self) -> Courier:
        """Return who brings events to their place."""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint as somebody wants it; no `events` means all that fit."""

    program: str
    name: str
    kind: EndpointKind
    url: str = field(repr=False)
    events: tuple[EndpointEvent, ...] = ()
    language: str = "en"


def add_endpoint(db: OrmSession, vault: Vault, new: NewEndpoint, act: Act) -> tuple[Endpoint, str | None]:
    """Add an endpoint; return it and its fresh secret, which is shown this once (None for a chat).

    It is told of what happens from now on. Raises BadInput.
    """
    program = _find_program(db, new.program)
    _check(db, program, new)
    endpoint = Endpoint(
        program_id=program.id,
        name=new.name,
        kind=new.kind,
        events=[event.value for event in new.events or FITTING[new.kind]],
        language=new.language,
        told_until=act.at,
        created_at=act.at,
    )
    endpoint.url = vault.seal(new.url, endpoint.binding)
    secret = _fresh_secret() if new.kind is EndpointKind.WEBHOOK else None
    endpoint.secret = vault.seal(secret, endpoint.binding) if secret else None
    db.add(endpoint)
    db.flush()
    record(db, act, "endpoint.added", endpoint.lane, kind=new.kind.value, program=program.id)
    return endpoint, secret


def _check(db: OrmSession, program: Program, new: NewEndpoint) -> None:
    unfit = [event.value for event in new.events if event not in FITTING[new.kind]]
    if unfit:
        fitting = ", ".join(FITTING[new.kind])
        raise BadInput(f"An endpoint of kind {new.kind.value} can be told of: {fitting}.")
    if not new.name or len(new.name) > MOST_NAME_CHARACTERS or not new.name.isprintable():
        raise BadInput(f"An endpoint's name has 1 to {MOST_NAME_CHARACTERS} characters.")
    if _find(db, program, new.name):
        raise BadInput(f"{program.name} has an endpoint {new.name} already. Choose another name.")


def find_endpoint(db: OrmSession, program: str, name: str) -> Endpoint:
    """Return the endpoint of that name. Raises BadInput."""
    found = _find(db, _find_program(db, program), name)
    if found is None:
        raise BadInput(f"{program} has no endpoint {name}. See `cadencia endpoints list`.")
    return found


def list_endpoints(db: OrmSession) -> Sequence[tuple[Endpoint, LanePause | None]]:
    """Return all endpoints with why they wait, if they do."""
    endpoints = db.scalars(select(Endpoint).order_by(Endpoint.program_id, Endpoint.name)).all()
    pauses = {pause.lane: pause for pause in db.scalars(select(LanePause))}
    return [(endpoint, pauses.get(endpoint.lane)) for endpoint in endpoints]


def remove_endpoint(db: OrmSession, endpoint: Endpoint, act: Act) -> None:
    """Forget the endpoint and what waits for it."""
    db.execute(delete(LanePause).where(LanePause.lane == endpoint.lane))
    record(db, act, "endpoint.removed", endpoint.lane, kind=endpoint.kind.value)
    db.delete(endpoint)


def rotate_secret(db: OrmSession, vault: Vault, endpoint: Endpoint, act: Act) -> str:
    """Give the endpoint a new secret and return it; the old one signs too for a day. Raises BadInput."""
    if endpoint.secret is None:
        raise BadInput("A chat has no secret of ours. Make a new address there, and add it anew.")
    fresh = _fresh_secret()
    endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, act.at + ROTATION_LASTS
    endpoint.secret = vault.seal(fresh, endpoint.binding)
    record(db, act, "endpoint.secret_rotated", endpoint.lane)
    return fresh


def enqueue_test(db: OrmSession, endpoint: Endpoint, base_url: str, now: datetime) -> None:
    """Put an event into the outbox that says nothing but hello, and let the endpoint be asked at once."""
    db.execute(delete(LanePause).where(LanePause.lane == endpoint.lane))
    text = Reader(endpoint.language, "UTC").say(N_("Cadencia can reach this place."))
    facts = {"program": endpoint.program.name, "text": text, "link": base_url}
    enqueue_event(db, endpoint, Event(EndpointEvent.TEST, now.isoformat(), facts), now)


def announce_digest(
    db: OrmSession, writer: LetterWriter, digest: Digest, base_url: str, now: datetime
) -> int:
    """Put the news that a digest is there into the outbox, in the caller's transaction; return how often."""
    if digest.is_empty or not digest.is_whole:
        return 0
    told = 0
    for endpoint in db.scalars(select(Endpoint).where(Endpoint.program_id == digest.program_id)).all():
        if EndpointEvent.DIGEST_READY in endpoint.events:
            facts = _digest_facts(writer, digest, endpoint.language, base_url)
            told += enqueue_event(
                db, endpoint, Event(EndpointEvent.DIGEST_READY, digest.week.name, facts), now
            )
    return told


def _digest_facts(writer: LetterWriter, digest: Digest, language: str, base_url: str) -> Mapping[str, object]:
    letter = writer.write("digest", language, {"digest": digest, "base_url": base_url})
    return {
        "program": digest.program,
        "week": digest.week.name,
        "first_on": digest.week.monday.isoformat(),
        "last_on": digest.week.sunday.isoformat(),
        "missed": digest.new.total,
        "missed_earlier": digest.continuing.total,
        "waiting": digest.waiting.total,
        "unscheduled": digest.unscheduled.total,
        "unread_calendars": digest.unread.total,
        "text": letter.subject,
        "link": f"{base_url}/hr",
    }


def deliver_due(ports: CourierPorts, now: datetime) -> SendReport:
    """Deliver what is due, endpoint by endpoint, a bounded number to each; say what became of it."""
    due = (OutboxMail.state.in_(WAITING), OutboxMail.due_at <= now, IS_EVENT)
    with ports.store.read() as db:
        ids = db.scalars(select(OutboxMail.endpoint_id).where(*due).distinct()).all()
        endpoints = db.scalars(select(Endpoint).where(Endpoint.id.in_(ids)).order_by(Endpoint.id)).all()
    total = SendReport()
    for endpoint in endpoints:
        report = drain(ports.store, _lane(ports, endpoint, now), now, _LIMIT)
        total.sent += report.sent
        total.retried += report.retried
        total.failed += report.failed
        total.recovered += report.recovered
        total.stopped = report.stopped or total.stopped
    return total


def _lane(ports: CourierPorts, endpoint: Endpoint, now: datetime) -> Lane:
    vault, sealed = ports.vault, [endpoint.secret]
    if endpoint.old_secret_until and now < endpoint.old_secret_until:
        sealed.append(endpoint.old_secret)
    keys = tuple(vault.open(secret, endpoint.binding) for secret in sealed if secret)
    url = vault.open(endpoint.url, endpoint.binding)

    def deliver(claim: Claim) -> None:
        parcel = Delivery(claim.message_id, endpoint.kind.value, url, keys, claim.message)
        ports.courier.deliver(parcel, now)

    return Lane(endpoint.lane, OutboxMail.endpoint_id == endpoint.id, deliver)


def _find_program(db: OrmSession, name: str) -> Program:
    program = db.scalars(select(Program).where(Program.name == name)).first()
    if program is None:
        raise BadInput(f"There is no program {name}.")
    return program


def _find(db: OrmSession, program: Program, name: str) -> Endpoint | None:
    named = (Endpoint.program_id == program.id, Endpoint.name == name)
    return db.scalars(select(Endpoint).where(*named)).first()


def _fresh_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
