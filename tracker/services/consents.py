"""A person's own consent: asked for, taken in, and given back. Renewing its tokens is services.credentials.

Never keeps a secret in the open, never takes an answer twice or for somebody else, and talks to the provider
outside any transaction.

The account need not be one of the person's known addresses: who consents at the provider has shown that the
calendar is theirs, and many keep their appointments at another account. It does not become a further address
of the person's: addresses decide who is meant on other people's entries and who may sign in, which is for
whoever keeps the list of people to say. An account that is somebody else's address here is refused.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import AuthRevoked, BadInput, ConnectorError
from tracker.models import (
    Calendar,
    ConsentFlow,
    Credential,
    CredentialStatus,
    Person,
    PersonAddress,
    Provider,
)
from tracker.ports import Granted, Vault, Want
from tracker.services.audit import Act, record
from tracker.services.connections import connect_account, disconnect
from tracker.services.credentials import CredentialPorts, open_desk, sealed_grant
from tracker.tags import normal_address
from tracker.wording import N_

FLOW_LASTS = timedelta(minutes=10)

NOT_OURS = N_("This answer was used before, came too late, or belongs to somebody else. Nothing was changed.")
SOMEBODY_ELSES = N_(
    "That account belongs to somebody else at your company. Choose your own account there, and try again."
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person is sent to the provider for; `account` is one that is to be connected again, if any."""

    provider: Provider
    wants: frozenset[Want] = frozenset({Want.READ})
    account: str | None = None


def redirect_uri(ports: CredentialPorts, provider: Provider) -> str:
    """Return where the provider sends people back to; it has to be registered there, letter by letter."""
    return f"{ports.settings.base_url}/calendars/{provider.value}/back"


def begin_consent(ports: CredentialPorts, person: Person, ask: Ask, act: Act) -> str:
    """Return the address at the provider where the person is asked. Raises ConnectorError.

    What was granted before is asked for again together with what is new, so that nothing is lost by it.
    """
    desk, provider = open_desk(ports, ask.provider), ask.provider
    with ports.store.read() as db:
        known = [c for c in _consents_of(db, person.id) if c.provider is provider]
    kept = {want for want in Want for c in known if desk.covers(frozenset(c.scopes), want)}
    hint = ask.account or (known[0].account if len(known) == 1 else person.email)
    flow = desk.begin(redirect_uri(ports, provider), ask.wants | kept, hint)
    row = ConsentFlow(
        state_hash=_hash(flow.state),
        person_id=person.id,
        provider=provider,
        expires_at=act.at + FLOW_LASTS,
    )
    row.memory = ports.vault.seal(flow.memory, row.memory_binding)
    with ports.store.write() as db:
        db.execute(delete(ConsentFlow).where(ConsentFlow.expires_at <= act.at))
        db.add(row)
    return flow.url


def finish_consent(
    ports: CredentialPorts, person: Person, provider: Provider, answer: Mapping[str, str], act: Act
) -> Calendar:
    """Take in what the person came back with, and return the calendar that is connected by it.

    Raises BadInput for an answer that is not theirs, and ConnectorError where no consent came about.
    """
    memory = _use_up(ports, person, provider, answer.get("state", ""), act.at)
    # Died here, or before the next commit: the provider's code is spent and nothing is kept of it. The person
    # sees no calendar and presses the button again.
    desk = open_desk(ports, provider)
    granted = desk.finish(memory, answer, act.at)
    if not desk.covers(granted.scopes, Want.READ):
        raise ConnectorError("What was granted does not cover reading the calendar.", code="no_scope")
    # A provider that does not say whose account it was: then it is the one that we asked for. If that is
    # wrong, the calendar can not be found, which is a problem that the person sees.
    account = normal_address(granted.account or person.email)
    with ports.store.write() as db:
        # One after the other, where somebody finishes in two windows at once.
        db.get_one(Person, person.id, with_for_update=True)
        if _is_somebody_elses(db, person.id, account):
            raise BadInput(SOMEBODY_ELSES)
        credential = _keep(
            db, ports.vault, Credential(person_id=person.id, provider=provider, account=account), granted, act
        )
        calendar = connect_account(db, ports.vault, credential, act)
        record(db, act, "consent.given", f"person:{person.id}", provider=provider.value)
    return calendar


def revoke_consent(ports: CredentialPorts, person: Person, credential_id: int, act: Act) -> bool:
    """Give the consent back, and disconnect its calendars; tell whether the provider has heard of it.

    What the calendars said stays. Raises BadInput where the person has no such consent.
    """
    with ports.store.read() as db:
        credential = db.get(Credential, credential_id)
    if credential is None or credential.person_id != person.id:
        raise BadInput(NOT_OURS)
    # Died after the provider took it back: our next reading is refused, and the person is told and can press
    # again. The other way round, the token to give back would be gone.
    heard = _give_back(ports, credential)
    with ports.store.write() as db:
        row = db.get_one(Credential, credential_id, with_for_update=True)
        row.status, row.version = CredentialStatus.REVOKED, row.version + 1
        row.refresh_token, row.access_token, row.access_until = "", None, None
        row.leased_until, row.scopes = None, []
        for calendar in db.scalars(select(Calendar).where(Calendar.credential_id == credential_id)):
            disconnect(db, calendar, act)
        record(db, act, "consent.revoked", f"person:{person.id}", provider=row.provider.value, heard=heard)
    return heard


def _consents_of(db: OrmSession, person_id: int) -> Sequence[Credential]:
    mine = select(Credential).where(Credential.person_id == person_id)
    return db.scalars(mine.where(Credential.status != CredentialStatus.REVOKED).order_by(Credential.id)).all()


def _use_up(ports: CredentialPorts, person: Person, provider: Provider, state: str, now: datetime) -> str:
    """Return what was remembered when the consent began, and forget it. Raises BadInput."""
    begun = delete(ConsentFlow).where(
        ConsentFlow.state_hash == _hash(state),
        ConsentFlow.person_id == person.id,
        ConsentFlow.provider == provider,
    )
    with ports.store.write() as db:
        flow = db.scalars(begun.returning(ConsentFlow)).one_or_none()
    if flow is None or flow.expires_at <= now:
        raise BadInput(NOT_OURS)
    return ports.vault.open(flow.memory, flow.memory_binding)


def _hash(state: str) -> str:
    # A state is random and long: a plain hash can not be turned back, and is looked up without comparing.
    return hashlib.sha256(state.encode()).hexdigest()


def _is_somebody_elses(db: OrmSession, person_id: int, account: str) -> bool:
    main = select(Person.id).where(Person.email == account, Person.id != person_id)
    further = select(PersonAddress.id).where(
        PersonAddress.email == account, PersonAddress.person_id != person_id
    )
    return db.scalar(main) is not None or db.scalar(further) is not None


def _keep(db: OrmSession, vault: Vault, new: Credential, granted: Granted, act: Act) -> Credential:
    """Store what was granted, in the row of the same account if there is one. Raises ConnectorError."""
    same = select(Credential).where(
        Credential.person_id == new.person_id,
        Credential.provider == new.provider,
        Credential.account == new.account,
    )
    row = db.scalars(same.with_for_update()).one_or_none()
    if granted.refresh_token is None and (row is None or row.status is not CredentialStatus.ACTIVE):
        raise ConnectorError("The provider gave no lasting access.", code="consent_failed")
    if row is None:
        row = new
        row.refresh_token, row.version, row.granted_at = "", 0, act.at
        db.add(row)
        db.flush()  # both tokens are bound to its id
    for column, value in sealed_grant(vault, row.binding, granted).items():
        setattr(row, column, value)
    row.status, row.granted_at, row.refused_at, row.told_at = CredentialStatus.ACTIVE, act.at, None, None
    db.flush()
    return row


def _give_back(ports: CredentialPorts, credential: Credential) -> bool:
    if not credential.refresh_token:
        return True
    token = ports.vault.open(credential.refresh_token, credential.binding)
    try:
        open_desk(ports, credential.provider).revoke(token)
    except AuthRevoked:
        return True  # it was over already
    except ConnectorError:
        return False
    return True
