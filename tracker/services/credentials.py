"""Access tokens of people's own consents: taken from the row, or renewed once for everybody who wants one.

Never asks the provider inside a transaction, never logs or shows a token, and never takes a calendar away: a
consent that is over makes its calendars stale, and its owner is told once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import AuthRevoked, ConnectorError
from tracker.models import Calendar, Credential, CredentialStatus, Person, Provider
from tracker.ports import Access, Clock, ConsentDesk, Consents, Granted, Vault
from tracker.services.audit import Act, record
from tracker.services.needs import Posting, SealedStore
from tracker.services.outbox import Note, enqueue

# A token is handed out only while it is good for longer than any one request takes.
EARLY = timedelta(minutes=5)
# Longer than the desk can take to answer: a lease that runs out means that its holder is gone.
LEASE = timedelta(seconds=90)
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
PATIENCE_S = 30.0

RECONNECT = "The consent to this account is over: its owner has to connect it again."
BUSY = "Another process is renewing the access to this account, and its provider has not answered it."
NO_CLIENT = "This installation has no client at that provider, so nobody's consent can be used there."

Sleep = Callable[[float], None]


class CredentialPorts(Posting, SealedStore, Protocol):
    """What people's consents need of the outside world; `integrations.registry` opens it."""

    @property
    def consents(self) -> Consents:
        """Return the providers' desks."""

    @property
    def clock(self) -> Clock:
        """Return what tells when a token ends: a reading can last longer than one."""


def access_of(ports: CredentialPorts, calendar: Calendar, sleep: Sleep = time.sleep) -> Access | None:
    """Return the owner's own way in to that calendar, None where the company's access is to be used.

    No network and no query yet. The access may be shared between threads. Its methods open transactions of
    their own, so they must not be called inside one; they raise AuthRevoked where the consent is over.
    """
    if calendar.credential_id is None:
        return None
    return _StoredAccess(ports, calendar.credential_id, sleep)


def open_desk(ports: CredentialPorts, provider: str) -> ConsentDesk:
    """Return the provider's desk. Raises ConnectorError where this installation has none."""
    desk = ports.consents.open(provider)
    if desk is None:
        raise ConnectorError(NO_CLIENT, code="not_available")
    return desk


@dataclass(frozen=True, slots=True)
class _Token:
    """An access token, and when it ends."""

    text: str = field(repr=False)
    until: datetime

    def is_good(self, now: datetime, early: timedelta = EARLY) -> bool:
        """Tell whether it is good for longer than `early`."""
        return self.until - now > early


@dataclass(frozen=True, slots=True)
class _Held:
    """The row as it was read, opened."""

    id: int
    provider: Provider
    version: int
    is_active: bool
    leased_until: datetime | None
    token: _Token | None
    refresh_token: str = field(repr=False)
    binding: str
    scopes: frozenset[str]


class _StoredAccess:
    """One credential's way in. Safe to share between threads: what it remembers is one reference."""

    def __init__(self, ports: CredentialPorts, credential_id: int, sleep: Sleep) -> None:
        self._ports = ports
        self._id = credential_id
        self._sleep = sleep
        self._last: _Token | None = None

    def token(self) -> str:
        """Return a token that is good for some minutes. Raises ConnectorError."""
        last = self._last
        if last is not None and last.is_good(self._ports.clock.now()):
            return last.text
        return self._obtain(None)

    def replace(self, refused: str) -> str:
        """Return another token than the one that was refused. Raises ConnectorError."""
        return self._obtain(refused)

    def _obtain(self, refused: str | None) -> str:
        first_version = None
        for pause_s in _pauses():
            held, now = self._read(), self._ports.clock.now()
            if not held.is_active:
                raise AuthRevoked(RECONNECT)
            first_version = first_version or held.version
            # What came while we waited is as good as it gets, however short it lasts.
            early = EARLY if held.version == first_version else timedelta(0)
            token = held.token
            if token is None or token.text == refused or not token.is_good(now, early):
                token = self._renew(held, now) if self._take_lease(held, now) else None
            if token is not None:
                self._last = token
                return token.text
            self._sleep(pause_s)
        raise ConnectorError(BUSY, code="server_error", retry_after_s=LEASE.total_seconds())

    def _read(self) -> _Held:
        with self._ports.store.read() as db:
            row = db.get(Credential, self._id)
        if row is None:
            raise AuthRevoked(RECONNECT)
        open_, binding, token = self._ports.vault.open, row.binding, None
        if row.access_token and row.access_until:
            token = _Token(open_(row.access_token, binding), row.access_until)
        is_active = row.status is CredentialStatus.ACTIVE
        refresh_token = open_(row.refresh_token, binding) if is_active else ""
        return _Held(
            id=row.id,
            provider=row.provider,
            version=row.version,
            is_active=is_active,
            leased_until=row.leased_until,
            token=token,
            refresh_token=refresh_token,
            binding=binding,
            scopes=frozenset(row.scopes),
        )

    def _take_lease(self, held: _Held, now: datetime) -> bool:
        """Tell whether this thread, of all threads of all processes, is the one to ask the provider."""
        if held.leased_until is not None and held.leased_until > now:
            return False
        # The lease as it was read is part of the condition: of those who saw it end, one takes it over.
        same = Credential.leased_until.is_not_distinct_from(held.leased_until)
        with self._ports.store.write() as db:
            return _change(db, held, {"leased_until": now + LEASE}, same)
        # Died here: nothing was asked yet, and the lease runs out.

    def _renew(self, held: _Held, now: datetime) -> _Token | None:
        """Ask the provider, as the holder of the lease; None where the row has changed meanwhile."""
        try:
            granted = open_desk(self._ports, held.provider).refresh(held.refresh_token, now)
        except AuthRevoked:
            self._refuse(held, now)
            return None
        except ConnectorError:
            ours = Credential.leased_until == now + LEASE
            with self._ports.store.write() as db:
                _change(db, held, {"leased_until": None}, ours)
            raise
        return _Token(granted.access_token, granted.access_until) if self._keep(held, granted) else None

    def _keep(self, held: _Held, granted: Granted) -> bool:
        # The refresh token that came along (Microsoft's are replaced at each use) is stored before the access
        # token is used. Died before this commit: both are lost, the lease runs out, and the next one asks
        # with the refresh token of the row, which Microsoft goes on accepting after it was used, and Google
        # never replaces. The version tells whether somebody connected again, or took over our lease,
        # meanwhile: then theirs is newer, and ours is dropped.
        # Microsoft names what was ever allowed, taken back here or not: a renewal widens nothing.
        granted = replace(granted, scopes=granted.scopes & held.scopes)
        with self._ports.store.write() as db:
            return _change(db, held, sealed_grant(self._ports.vault, held.binding, granted))

    def _refuse(self, held: _Held, now: datetime) -> None:
        """Mark the consent as over and tell its owner, unless the row has been renewed since it was read."""
        over = {
            "status": CredentialStatus.REFUSED,
            "refused_at": now,
            "told_at": now,
            "access_token": None,
            "access_until": None,
            "leased_until": None,
        }
        # The mark, the letter and the audit entry are one commit. Died before it: the next one who asks hears
        # the same refusal, and tells it then.
        with self._ports.store.write() as db:
            if _change(db, held, over):
                self._tell(db, held, now)

    def _tell(self, db: OrmSession, held: _Held, now: datetime) -> None:
        credential = db.get_one(Credential, held.id, populate_existing=True)
        person, settings = db.get_one(Person, credential.person_id), self._ports.settings
        facts = {
            "name": person.name,
            "provider": held.provider.value,
            "account": credential.account,
            "link": f"{settings.base_url}/calendars",
            "base_url": settings.base_url,
        }
        note = Note("reconnect", person, facts, f"reconnect:{held.id}:{held.version}")
        enqueue(db, self._ports.writer, note, sender=settings.mail_from, now=now)
        act = Act(None, "schedule", now)
        record(db, act, "consent.refused", f"person:{person.id}", provider=held.provider.value)


def sealed_grant(vault: Vault, binding: str, granted: Granted) -> dict[str, Any]:
    """Return the columns that a grant changes; what the provider did not say again is left as it is."""
    columns: dict[str, Any] = {
        "access_token": vault.seal(granted.access_token, binding),
        "access_until": granted.access_until,
        "version": Credential.version + 1,
        "leased_until": None,
    }
    if granted.refresh_token is not None:
        columns["refresh_token"] = vault.seal(granted.refresh_token, binding)
    if granted.scopes:
        columns["scopes"] = sorted(granted.scopes)
    return columns


def _change(db: OrmSession, held: _Held, columns: dict[str, Any], *more: Any) -> bool:
    """Change the row if it still is the one that was read; tell whether it was."""
    same = (
        Credential.id == held.id,
        Credential.version == held.version,
        Credential.status == CredentialStatus.ACTIVE,
        *more,
    )
    statement = update(Credential).where(*same).values(columns)
    done = db.execute(statement.execution_options(synchronize_session=False))
    return isinstance(done, CursorResult) and done.rowcount == 1


def _pauses() -> Iterator[float]:
    pause_s, waited_s = FIRST_PAUSE_S, 0.0
    while waited_s < PATIENCE_S:
        yield pause_s
        waited_s += pause_s
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
