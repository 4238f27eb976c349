"""Whose calendars can be asked and written to for a pair. Opens them, and never writes by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Calendar, CalendarStatus, Credential, CredentialStatus, Pair, Provider
from tracker.ports import Diaries, Diary, Vault, Want
from tracker.services.credentials import CredentialPorts, access_of
from tracker.settings import Settings

WITH_DIARY = (Provider.GOOGLE, Provider.OUTLOOK)


class DiaryPorts(CredentialPorts, Protocol):
    """What writing to calendars needs of the outside world; `integrations.registry` opens it."""

    @property
    def diaries(self) -> Diaries:
        """Return what opens calendars for writing."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person's calendar at Google or Microsoft; `address` is the account's own."""

    person_id: int
    calendar: Calendar = field(repr=False)
    address: str = field(repr=False)

    @property
    def provider(self) -> Provider:
        """Return who keeps the calendar."""
        return self.calendar.provider


def load_accounts(db: OrmSession, vault: Vault, person_ids: Sequence[int]) -> list[Account]:
    """Return the connected accounts of these people, in their order."""
    calendars = db.scalars(
        select(Calendar)
        .where(
            Calendar.person_id.in_(person_ids),
            Calendar.provider.in_(WITH_DIARY),
            Calendar.status == CalendarStatus.CONNECTED,
        )
        .order_by(Calendar.id)
    )
    accounts = [Account(c.person_id, c, vault.open(c.address, c.address_binding)) for c in calendars]
    return sorted(accounts, key=lambda account: list(person_ids).index(account.person_id))


def find_hosts(db: OrmSession, ports: DiaryPorts, pair: Pair, first: int | None) -> list[Account]:
    """Return the accounts of the two that may be written to; those of `first`, who asks, come first."""
    people = sorted((pair.mentor_id, pair.mentee_id), key=lambda person_id: person_id != first)
    return [a for a in load_accounts(db, ports.vault, people) if can_write(db, ports, a.calendar)]


def can_write(db: OrmSession, ports: DiaryPorts, calendar: Calendar) -> bool:
    """Tell whether we were ever given the right to write there. No network: it may be gone by now."""
    if calendar.provider not in WITH_DIARY or calendar.status is not CalendarStatus.CONNECTED:
        return False
    if calendar.credential_id is None:
        return _company_has_access(ports.settings, calendar.provider)
    credential = db.get(Credential, calendar.credential_id)
    desk = ports.consents.open(calendar.provider)
    if credential is None or desk is None or credential.status is not CredentialStatus.ACTIVE:
        return False
    return desk.covers(frozenset(credential.scopes), Want.WRITE)


def open_diary(ports: DiaryPorts, account: Account) -> Diary:
    """Return the account's diary. No network yet. Raises ConnectorError where there is none."""
    return ports.diaries.open(account.provider, account.address, access_of(ports, account.calendar))


def _company_has_access(settings: Settings, provider: Provider) -> bool:
    known = {
        Provider.GOOGLE: settings.google_service_account is not None,
        Provider.OUTLOOK: settings.microsoft is not None,
    }
    return known.get(provider, False)
