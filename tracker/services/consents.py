"""A person's own consent: asked for, taken in, and given back. Renewing its tokens is services.credentials.

Never keeps a secret in the open, never takes an answer twice or for somebody else, and talks to the provider
outside any transaction.

What is asked for grows by steps: reading first, all else where its owner wants it, and none of it is lost by
a later no. What is used is what was asked for, however much more a provider remembers.

The account need not be one of the person's known addresses: who consents at the provider has shown that the
calendar is theirs, and many keep their appointments at another account. It does not become a further address
of the person's: addresses decide who is meant on other people's entries and who may sign in, which is for
whoever keeps the list of people to say. An account that is somebody else's address here is refused.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import AuthRevoked, BadInput, ConnectorError
from tracker.models import (
    Calendar,
    CalendarStatus,
    ConsentFlow,
    Credential,
    CredentialStatus,
    Person,
    PersonAddress,
    Provider,
)
from tracker.ports import Consents, Granted, Vault, Want
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the person is sent, and all that they are asked for there, what was allowed before included."""

    url: str
    wants: frozenset[Want]


@dataclass(frozen=True, slots=True)
class Given:
    """What came of it: the calendar, what was asked for, and what of that was not allowed."""

    calendar: Calendar
    wants: frozenset[Want]
    lacking: frozenset[Want]


class _Begun(msgspec.Struct, frozen=True):
    """What is remembered until the person comes back; `memory` is the connector's."""

    wants: frozenset[Want]
    memory: str


def redirect_uri(ports: CredentialPorts, provider: Provider) -> str:
    """Return where the provider sends people back to; it has to be registered there, letter by letter."""
    return f"{ports.settings.base_url}/calendars/{provider.value}/back"


def allowed(consents: Consents, credential: Credential) -> frozenset[Want]:
    """Return what we may do by that consent; nothing where the installation has no client any more."""
    desk, scopes = consents.open(credential.provider), frozenset(credential.scopes)
    return frozenset(want for want in Want if desk is not None and desk.covers(scopes, want))


def who_could_allow(
    db: OrmSession, consents: Consents, person_ids: Collection[int], want: Want
) -> frozenset[int]:
    """Return those of these people who connected an account of theirs without allowing that as well."""
    connected = (
        select(Credential)
        .join(Calendar, Calendar.credential_id == Credential.id)
        .where(Credential.person_id.in_(person_ids), Calendar.status == CalendarStatus.CONNECTED)
    )
    return frozenset(c.person_id for c in db.scalars(connected) if want not in allowed(consents, c))


def begin_consent(ports: CredentialPorts, person: Person, ask: Ask, act: Act) -> Asked:
    """Return the address at the provider where the person is asked. Raises ConnectorError.

    What the account granted before is asked for again together with what is new, so that nothing is lost.
    """
    desk, provider = open_desk(ports, ask.provider), ask.provider
    with ports.store.read() as db:
        known = [c for c in _consents_of(db, person.id) if c.provider is provider]
    hint = ask.account or (known[0].account if len(known) == 1 else person.email)
    wants = ask.wants.union(*(allowed(ports.consents, c) for c in known if c.account == hint))
    flow = desk.begin(redirect_uri(ports, provider), wants, hint)
    row = ConsentFlow(
        state_hash=_hash(flow.state),
        person_id=person.id,
        provider=provider,
        expires_at=act.at + FLOW_LASTS,
    )
    begun = msgspec.json.encode(_Begun(wants, flow.memory)).decode()
    row.memory = ports.vault.seal(begun, row.memory_binding)
    with ports.store.write() as db:
        db.execute(delete(ConsentFlow).where(ConsentFlow.expires_at <= act.at))
        db.add(row)
    return Asked(flow.url, wants)


def finish_consent(
    ports: CredentialPorts, person: Person, provider: Provider, answer: Mapping[str, str], act: Act
) -> Given:
    """Take in what the person came back with, and return the calendar that is connected by it.

    Raises BadInput for an answer that is not theirs, and ConnectorError where no consent came about; what was
    allowed before stands then. So does it where less than what was asked for was allowed.
    """
    begun = _use_up(ports, person, provider, answer.get("state", ""), act.at)
    # Died here, or before the next commit: the provider's code is spent and nothing is kept of it. The person
    # sees no calendar and presses the button again.
    desk = open_desk(ports, provider)
    granted = desk.finish(begun.memory, answer, act.at)
    if not desk.covers(granted.scopes, Want.READ):
        raise ConnectorError("What was granted does not cover reading the calendar.", code="consent_partial")
    # A provider that does not say whose account it was: then it is the one that we asked for. If that is
    # wrong, the calendar can not be found, which is a problem that the person sees.
    account = normal_address(granted.account or person.email)
    with ports.store.write() as db:
        # One after the other, where somebody finishes in two windows at once.
        db.get_one(Person, person.id, with_for_update=True)
        if _is_somebody_elses(db, person.id, account):
            raise BadInput(SOMEBODY_ELSES)
        row = _row_of(db, Credential(person_id=person.id, provider=provider, account=account))
        # Asked for the one account, and then another was chosen: what that one allowed before stays, too.
        wants = begun.wants | allowed(ports.consents, row)
        narrow = replace(granted, scopes=desk.needed(granted.scopes, wants))
        credential = _keep(db, ports.vault, row, narrow, act)
        calendar = connect_account(db, ports.vault, credential, act)
        may = allowed(ports.consents, credential)
        record(db, act, "consent.given", f"person:{person.id}", provider=provider.value, allows=sorted(may))
    return Given(calendar, begun.wants, begun.wants - may)


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


def _use_up(ports: CredentialPorts, person: Person, provider: Provider, state: str, now: datetime) -> _Begun:
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
    return msgspec.json.decode(ports.vault.open(flow.memory, flow.memory_binding), type=_Begun)


def _hash(state: str) -> str:
    # A state is random and long: a plain hash can not be turned back, and is looked up without comparing.
    return hashlib.sha256(state.encode()).hexdigest()


def _is_somebody_elses(db: OrmSession, person_id: int, account: str) -> bool:
    main = select(Person.id).where(Person.email == account, Person.id != person_id)
    further = select(PersonAddress.id).where(
        PersonAddress.email == account, PersonAddress.person_id != person_id
    )
    return db.scalar(main) is not None or db.scalar(further) is not None


def _row_of(db: OrmSession, new: Credential) -> Credential:
    """Return the row of the same account; where there is none, `new`, which is in no table yet."""
    same = select(Credential).where(
        Credential.person_id == new.person_id,
        Credential.provider == new.provider,
        Credential.account == new.account,
    )
    new.scopes = []
    return db.scalars(same.with_for_update()).one_or_none() or new


def _keep(db: OrmSession, vault: Vault, row: Credential, granted: Granted, act: Act) -> Credential:
    """Store what was granted. Raises ConnectorError where it would not last."""
    if granted.refresh_token is None and row.status is not CredentialStatus.ACTIVE:
        raise ConnectorError("The provider gave no lasting access.", code="consent_failed")
    if row not in db:
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
