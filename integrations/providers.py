"""Opens what calendar providers offer, as the settings say; decides nothing.

Only `find_rights` and `ask_time` reach the network. One class for each provider that people have accounts at;
feeds and the mailbox can only be read. A connector is imported when it is first needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from tracker.errors import ConnectorError
from tracker.models import Provider
from tracker.ports import (
    Access,
    CalendarSource,
    Clock,
    ConsentDesk,
    Diary,
    Recorder,
    Rights,
    Vault,
    Watcher,
)
from tracker.services.shelf import Shelf, load_shelf
from tracker.settings import Settings
from tracker.store import Store

if TYPE_CHECKING:
    from integrations import google, outlook


class NotAvailable(ConnectorError):
    """This installation can not reach such calendars, or can not do that to them."""

    code = "not_available"


@dataclass(frozen=True, slots=True)
class Google:
    """Google Calendar and Meet. Without a person's own access the company's service account acts for them."""

    settings: Settings

    def open_calendar(self, address: str, timezone: str, access: Access | None) -> CalendarSource:
        """Return the calendar of that account; Google tells the time zone itself."""
        from integrations import google

        return google.open_calendar(address, self._key(access), self._place())

    def open_diary(self, address: str, access: Access | None) -> Diary:
        """Return the same calendar, to be written to."""
        from integrations import google

        return google.open_diary(address, self._key(access), self._place())

    def open_watcher(self, address: str, access: Access | None) -> Watcher:
        """Return what asks to be told of changes."""
        from integrations import google

        return google.open_watcher(address, self._key(access), self._place())

    def open_recorder(
        self, address: str, access: Access | None, others: Mapping[str, Access] | None
    ) -> Recorder:
        """Return the records of meetings; `others` are asked who they are in them."""
        from integrations import google

        return google.open_recorder(address, self._key(access), self._place(), others)

    def open_desk(self) -> ConsentDesk | None:
        """Return where people consent, None where the installation has no client."""
        client = self.settings.google_client
        if client is None:
            return None
        from integrations import google

        return google.open_desk(client.client_id, client.client_secret, self._place())

    def find_rights(self, address: str) -> Rights | None:
        """Ask what the company's service account may do, None where there is none. Reaches the network."""
        key = self.settings.google_service_account
        if key is None:
            return None
        from integrations import google

        return google.find_rights(address, key, self._place())

    @property
    def root(self) -> str:
        """Return the address of the calendars' server."""
        return self._place().api_root

    def _key(self, access: Access | None) -> str | Access:
        key = access or self.settings.google_service_account
        if key is None:
            raise NotAvailable(
                "Google calendars are not set up: CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE names no key. "
                "docs/google.md says how to get one."
            )
        return key

    def _place(self) -> "google.Place":
        from integrations import google

        return google.Place(
            api_root=self.settings.google_api_root or google.Place.api_root,
            auth_root=self.settings.google_auth_root or google.Place.auth_root,
            token_root=self.settings.google_token_root or google.Place.token_root,
            meet_root=self.settings.google_meet_root or google.Place.meet_root,
            ca_bundle=_bundle(self.settings),
            counted_at=self.settings.broker_url,
            readings_a_day=self.settings.google_requests_a_day,
        )


@dataclass(frozen=True, slots=True)
class Outlook:
    """Outlook and Teams. Without a person's own access the company's application acts for itself."""

    settings: Settings

    def open_calendar(self, address: str, timezone: str, access: Access | None) -> CalendarSource:
        """Return the calendar of that account; `timezone` is its owner's."""
        from integrations import outlook

        return outlook.open_calendar(address, self._key(access), self._place(), timezone)

    def open_diary(self, address: str, access: Access | None) -> Diary:
        """Return the same calendar, to be written to."""
        from integrations import outlook

        return outlook.open_diary(address, self._key(access), self._place())

    def open_watcher(self, address: str, access: Access | None) -> Watcher:
        """Return what asks to be told of changes."""
        from integrations import outlook

        return outlook.open_watcher(address, self._key(access), self._place())

    def open_recorder(
        self, address: str, access: Access | None, others: Mapping[str, Access] | None
    ) -> Recorder:
        """Return the records of meetings; these name people by address, so that no other is asked."""
        from integrations import outlook

        return outlook.open_recorder(address, self._key(access), self._place())

    def open_desk(self) -> ConsentDesk | None:
        """Return where people consent, None where the installation has no client."""
        own = self._application()
        if own is None:
            return None
        from integrations import outlook

        return outlook.open_desk(own, self._place())

    def find_rights(self, address: str) -> Rights | None:
        """Ask what the application may do for everybody, None where there is none. Reaches the network."""
        own = self._application()
        if own is None:
            return None
        from integrations import outlook

        return outlook.find_rights(own, self._place())

    def open_tokens(self, host: str) -> "outlook.AppAccess | None":
        """Return the application's tokens for another server of Microsoft's, None where there is none."""
        own = self._application()
        if own is None:
            return None
        from integrations import outlook

        return outlook.open_tokens(own, replace(self._place(), graph_root=f"https://{host}"))

    @property
    def root(self) -> str:
        """Return the address of the calendars' server."""
        return self._place().graph_root

    def _key(self, access: Access | None) -> "outlook.Application | Access":
        key = access or self._application()
        if key is None:
            raise NotAvailable(
                "Outlook calendars are not set up: CADENCIA_MICROSOFT_TENANT and its like name no app "
                "registration. docs/microsoft.md says how to get one."
            )
        return key

    def _application(self) -> "outlook.Application | None":
        app = self.settings.microsoft
        if app is None:
            return None
        from integrations import outlook

        authority = app.authority or outlook.AUTHORITY
        return outlook.Application(app.tenant, app.client_id, app.client_secret, app.certificate, authority)

    def _place(self) -> "outlook.Place":
        from integrations import outlook

        return outlook.Place(
            graph_root=self.settings.graph_root or outlook.Place.graph_root,
            ca_bundle=_bundle(self.settings),
            counted_at=self.settings.broker_url,
        )


def find_provider(provider: str, settings: Settings) -> Google | Outlook | None:
    """Return the provider of that name, None for feeds and the mailbox."""
    if provider == Provider.GOOGLE:
        return Google(settings)
    return Outlook(settings) if provider == Provider.OUTLOOK else None


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where invitations lie that reached the mailbox of that name."""

    mailbox_name: str
    store: Store
    vault: Vault
    clock: Clock

    def load(self, address: str) -> Shelf:
        """Return what came in for the person of that address."""
        with self.store.read() as db:
            return load_shelf(db, self.vault, address, self.mailbox_name)


@dataclass(frozen=True, slots=True)
class SettingsSources:
    """Opens calendars as the settings say; those that a mailbox makes up need to know what came in."""

    settings: Settings
    shelves: Shelves | None = None

    def open(
        self, provider: str, address: str, timezone: str, access: Access | None = None
    ) -> CalendarSource:
        """Return the source for `address`; no network yet. Raises ConnectorError where there is none."""
        if provider == Provider.MAILBOX:
            return _open_mailbox_calendar(address, timezone, self.shelves)
        return open_calendar(provider, address, timezone, self.settings, access)


@dataclass(frozen=True, slots=True)
class SettingsDiaries:
    """Opens calendars for writing, as the settings say."""

    settings: Settings

    def open(self, provider: str, address: str, access: Access | None = None) -> Diary:
        """Return the diary of `address`; no network yet. Raises ConnectorError where there is none."""
        if found := find_provider(provider, self.settings):
            return found.open_diary(address, access)
        raise NotAvailable("Only Google and Outlook calendars can be written to.")


@dataclass(frozen=True, slots=True)
class SettingsWatchers:
    """Opens what asks for push, as the settings say."""

    settings: Settings

    def open(self, provider: str, address: str, access: Access | None = None) -> Watcher | None:
        """Return the watcher of `address`, None where the provider has no push. Raises ConnectorError."""
        found = find_provider(provider, self.settings)
        return found.open_watcher(address, access) if found else None


@dataclass(frozen=True, slots=True)
class SettingsRecorders:
    """Opens the records of online meetings, as the settings say."""

    settings: Settings

    def open(
        self,
        provider: str,
        address: str,
        access: Access | None = None,
        others: Mapping[str, Access] | None = None,
    ) -> Recorder | None:
        """Return the recorder of `address`, None where the provider keeps none. Raises ConnectorError."""
        found = find_provider(provider, self.settings)
        return found.open_recorder(address, access, others) if found else None


@dataclass(frozen=True, slots=True)
class SettingsConsents:
    """Opens the desks at which people consent, as the settings say."""

    settings: Settings

    def open(self, provider: str) -> ConsentDesk | None:
        """Return the provider's desk, None where the installation has no client there."""
        found = find_provider(provider, self.settings)
        return found.open_desk() if found else None


def open_calendar(
    provider: str, address: str, timezone: str, settings: Settings, access: Access | None = None
) -> CalendarSource:
    """Return the calendar at `address` (a path, a URL, an account: a secret), ready to be read.

    `access` is the owner's own consent. Raises ConnectorError for an address that can not be one, and
    NotAvailable for providers that are not set up.
    """
    if found := find_provider(provider, settings):
        return found.open_calendar(address, timezone, access)
    from integrations import ical

    hosts, bundle = settings.feed_hosts, _bundle(settings)
    return ical.open_calendar(address, timezone, allowed_hosts=hosts, ca_bundle=bundle)


def find_rights(provider: str, address: str, settings: Settings) -> Rights | None:
    """Ask what the company's own access may do for that account; None where it has none there.

    Reaches the network. Raises ConnectorError.
    """
    found = find_provider(provider, settings)
    return found.find_rights(address) if found else None


def ask_time(provider: str, settings: Settings) -> datetime | None:
    """Return what time the provider's server has, None where it does not say. Raises ConnectorError."""
    from integrations.http import send

    if (found := find_provider(provider, settings)) is None:
        return None
    answer = send("GET", f"{found.root}/", ca_bundle=_bundle(settings), attempts=2)
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None


def _open_mailbox_calendar(address: str, timezone: str, shelves: Shelves | None) -> CalendarSource:
    if shelves is None:
        raise NotAvailable(
            "There is no mailbox of the program: CADENCIA_MAILBOX_URL is not set. docs/mailbox.md says how."
        )
    from integrations import mailbox

    return mailbox.MailboxSource(lambda: shelves.load(address), shelves.clock.now, timezone)


def _bundle(settings: Settings) -> str | None:
    return str(settings.ca_bundle) if settings.ca_bundle else None
