"""The one place that builds what services need of the outside world. Decides nothing, and touches no network.

What is heavy to import is imported when it is first needed: most commands need little of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from integrations.hints import NoHints, RedisHints
from integrations.monitor import ping_monitor as ping_monitor  # noqa: PLC0414 - handed on to workers
from integrations.vault import FernetVault, fresh_key
from tracker.clock import SystemClock
from tracker.errors import BadSettings, ConnectorError
from tracker.incoming import MailboxReader
from tracker.models import Provider
from tracker.ports import (
    Access,
    CalendarSource,
    Clock,
    ConsentDesk,
    Consents,
    Courier,
    Diaries,
    Diary,
    Hints,
    LetterWriter,
    Mailer,
    Recorder,
    Recorders,
    Rights,
    Sources,
    Vault,
    Watcher,
    Watchers,
)
from tracker.services.message import parse_mailbox
from tracker.services.shelf import Shelf, load_shelf
from tracker.settings import MicrosoftApp, Settings, load_settings
from tracker.store import MEMORY, Store

if TYPE_CHECKING:
    from integrations import google, outlook


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that services are handed. Safe to share between threads; close the store at the end."""

    settings: Settings
    store: Store
    vault: Vault
    sources: Sources
    diaries: Diaries
    watchers: Watchers
    recorders: Recorders
    consents: Consents
    writer: LetterWriter
    mailer: Mailer
    courier: Courier
    clock: Clock
    mailbox: MailboxReader | None
    hints: Hints


@dataclass(frozen=True, slots=True)
class Scratch:
    """What it takes to read calendars into a database that lives in memory and is gone at the end."""

    settings: Settings
    store: Store
    vault: Vault
    sources: Sources
    consents: Consents
    writer: LetterWriter
    clock: Clock


class NotAvailable(ConnectorError):
    """This installation can not reach such calendars, or can not do that to them."""

    code = "not_available"


@dataclass(frozen=True, slots=True)
class SettingsSources:
    """Opens calendars as the settings say; those that a mailbox makes up need to know what came in."""

    settings: Settings
    shelves: "Shelves | None" = None

    def open(
        self, provider: str, address: str, timezone: str, access: Access | None = None
    ) -> CalendarSource:
        """Return the source for `address`; no network yet. Raises ConnectorError where there is none."""
        if provider == Provider.MAILBOX:
            return _open_mailbox_calendar(address, timezone, self.shelves)
        return open_calendar(provider, address, timezone, self.settings, access)


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
class SettingsDiaries:
    """Opens calendars for writing, as the settings say."""

    settings: Settings

    def open(self, provider: str, address: str, access: Access | None = None) -> Diary:
        """Return the diary of `address`; no network yet. Raises ConnectorError where there is none."""
        if provider == Provider.GOOGLE:
            from integrations import google

            return google.open_diary(
                address, _google_key(self.settings, access), _google_place(self.settings)
            )
        if provider == Provider.OUTLOOK:
            from integrations import outlook

            return outlook.open_diary(
                address, _outlook_key(self.settings, access), _outlook_place(self.settings)
            )
        raise NotAvailable("Only Google and Outlook calendars can be written to.")


@dataclass(frozen=True, slots=True)
class SettingsWatchers:
    """Opens what asks for push, as the settings say."""

    settings: Settings

    def open(self, provider: str, address: str, access: Access | None = None) -> Watcher | None:
        """Return the watcher of `address`, None where the provider has no push. Raises ConnectorError."""
        if provider == Provider.GOOGLE:
            from integrations import google

            return google.open_watcher(
                address, _google_key(self.settings, access), _google_place(self.settings)
            )
        if provider == Provider.OUTLOOK:
            from integrations import outlook

            return outlook.open_watcher(
                address, _outlook_key(self.settings, access), _outlook_place(self.settings)
            )
        return None


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
        if provider == Provider.GOOGLE:
            from integrations import google

            key, place = _google_key(self.settings, access), _google_place(self.settings)
            return google.open_recorder(address, key, place, others)
        if provider == Provider.OUTLOOK:
            from integrations import outlook

            return outlook.open_recorder(
                address, _outlook_key(self.settings, access), _outlook_place(self.settings)
            )
        return None


@dataclass(frozen=True, slots=True)
class SettingsConsents:
    """Opens the desks at which people consent, as the settings say."""

    settings: Settings

    def open(self, provider: str) -> ConsentDesk | None:
        """Return the provider's desk, None where the installation has no client there."""
        if provider == Provider.GOOGLE and (client := self.settings.google_client):
            from integrations import google

            return google.open_desk(client.client_id, client.client_secret, _google_place(self.settings))
        if provider == Provider.OUTLOOK and (app := self.settings.microsoft):
            from integrations import outlook

            return outlook.open_desk(_application(app), _outlook_place(self.settings))
        return None


def open_ports(settings: Settings, clock: Clock | None = None) -> Ports:
    """Build all ports. Raises BadSettings, naming the setting; connects to nothing yet."""
    from integrations.hooks_out import HttpCourier
    from integrations.mail import open_mailer, open_writer

    store, vault = Store(settings.database_url), FernetVault(settings.keys, _keys_now)
    clock = clock or SystemClock()
    mailbox = open_mailbox(settings)
    shelves = Shelves(mailbox.name, store, vault, clock) if mailbox else None
    return Ports(
        settings=settings,
        store=store,
        vault=vault,
        sources=SettingsSources(settings, shelves),
        diaries=SettingsDiaries(settings),
        watchers=SettingsWatchers(settings),
        recorders=SettingsRecorders(settings),
        consents=SettingsConsents(settings),
        writer=open_writer(),
        mailer=open_mailer(settings.mail_url, settings.ca_bundle),
        courier=HttpCourier(settings.feed_hosts, str(settings.ca_bundle) if settings.ca_bundle else None),
        clock=clock,
        mailbox=mailbox,
        hints=RedisHints(settings.broker_url) if settings.broker_url else NoHints(),
    )


def _keys_now() -> tuple[str, ...]:
    # The settings that we run on are as they were when we began; the keys may have been rotated since.
    try:
        return load_settings().secret_keys
    except BadSettings:
        return ()


def new_key() -> str:
    """Return a fresh key for CADENCIA_SECRET_KEYS."""
    return fresh_key()


def open_scratch(settings: Settings) -> Scratch:
    """Build what `cadencia check` needs: no file is written, and no key has to be there."""
    from integrations.mail import open_writer

    return Scratch(
        settings=settings,
        store=Store(MEMORY),
        vault=FernetVault([fresh_key()]),
        sources=SettingsSources(settings),
        consents=SettingsConsents(settings),
        writer=open_writer(),
        clock=SystemClock(),
    )


def open_calendar(
    provider: str, address: str, timezone: str, settings: Settings, access: Access | None = None
) -> CalendarSource:
    """Return the calendar at `address` (a path, a URL, an account: a secret), ready to be read.

    `access` is the owner's own consent. Raises ConnectorError for an address that can not be one, and
    NotAvailable for providers that are not set up.
    """
    if provider == Provider.GOOGLE:
        from integrations import google

        return google.open_calendar(address, _google_key(settings, access), _google_place(settings))
    if provider == Provider.OUTLOOK:
        from integrations import outlook

        key, place = _outlook_key(settings, access), _outlook_place(settings)
        return outlook.open_calendar(address, key, place, timezone)
    from integrations import ical

    bundle = str(settings.ca_bundle) if settings.ca_bundle else None
    return ical.open_calendar(address, timezone, allowed_hosts=settings.feed_hosts, ca_bundle=bundle)


def open_mailbox(settings: Settings) -> MailboxReader | None:
    """Return the program's own mailbox, None where there is none. Raises BadSettings; no network yet."""
    if settings.mailbox_url is None:
        return None
    from integrations import mailbox

    return mailbox.ImapMailbox(mailbox.read_address(settings.mailbox_url), settings.ca_bundle)


def _open_mailbox_calendar(address: str, timezone: str, shelves: "Shelves | None") -> CalendarSource:
    if shelves is None:
        raise NotAvailable(
            "There is no mailbox of the program: CADENCIA_MAILBOX_URL is not set. docs/mailbox.md says how."
        )
    from integrations import mailbox

    return mailbox.MailboxSource(lambda: shelves.load(address), shelves.clock.now, timezone)


def find_rights(provider: str, address: str, settings: Settings) -> Rights | None:
    """Ask what the company's own access may do for that account; None where it has none there.

    Reaches the network. Raises ConnectorError.
    """
    if provider == Provider.GOOGLE and settings.google_service_account:
        from integrations import google

        return google.find_rights(address, settings.google_service_account, _google_place(settings))
    if provider == Provider.OUTLOOK and settings.microsoft:
        from integrations import outlook

        return outlook.find_rights(_application(settings.microsoft), _outlook_place(settings))
    return None


def ask_time(provider: str, settings: Settings) -> datetime | None:
    """Return what time the provider's server has, None where it does not say. Raises ConnectorError."""
    from integrations.http import send

    is_google = provider == Provider.GOOGLE
    root = _google_place(settings).api_root if is_google else _outlook_place(settings).graph_root
    bundle = str(settings.ca_bundle) if settings.ca_bundle else None
    said = send("GET", f"{root}/", ca_bundle=bundle, attempts=2).headers.get("date", "")
    try:
        return parsedate_to_datetime(said).astimezone(UTC)
    except ValueError:
        return None


def newest_vault(settings: Settings) -> Vault:
    """Return a vault that opens only what is sealed with the newest key."""
    return FernetVault(settings.keys[:1])


def check_mail(ports: Ports) -> None:
    """Talk to the mail server, or write to the folder, as for a mail. Raises ConnectorError."""
    from integrations.mail import FolderMailer, SmtpMailer

    if isinstance(ports.mailer, FolderMailer | SmtpMailer):
        ports.mailer.check(parse_mailbox(ports.settings.mail_from).address)


def _google_key(settings: Settings, access: Access | None) -> "str | Access":
    key = access or settings.google_service_account
    if key is None:
        raise NotAvailable(
            "Google calendars are not set up: CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE names no key. "
            "docs/google.md says how to get one."
        )
    return key


def _google_place(settings: Settings) -> "google.Place":
    from integrations import google

    return google.Place(
        api_root=settings.google_api_root or google.Place.api_root,
        auth_root=settings.google_auth_root or google.Place.auth_root,
        token_root=settings.google_token_root or google.Place.token_root,
        meet_root=settings.google_meet_root or google.Place.meet_root,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
        counted_at=settings.broker_url,
    )


def _outlook_key(settings: Settings, access: Access | None) -> "outlook.Application | Access":
    if access is not None:
        return access
    if settings.microsoft is None:
        raise NotAvailable(
            "Outlook calendars are not set up: CADENCIA_MICROSOFT_TENANT and its like name no app "
            "registration. docs/microsoft.md says how to get one."
        )
    return _application(settings.microsoft)


def _application(app: MicrosoftApp) -> "outlook.Application":
    from integrations import outlook

    return outlook.Application(
        app.tenant, app.client_id, app.client_secret, app.certificate, app.authority or outlook.AUTHORITY
    )


def _outlook_place(settings: Settings) -> "outlook.Place":
    from integrations import outlook

    return outlook.Place(
        graph_root=settings.graph_root or outlook.Place.graph_root,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
        counted_at=settings.broker_url,
    )
