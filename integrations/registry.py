"""The one place that builds what services need of the outside world. Decides nothing, and touches no network.

What is heavy to import is imported when it is first needed: most commands need little of it.
"""

from dataclasses import dataclass

from integrations.vault import FernetVault, fresh_key
from tracker.clock import SystemClock
from tracker.errors import ConnectorError
from tracker.models import Provider
from tracker.ports import CalendarSource, Clock, LetterWriter, Mailer, Sources, Vault
from tracker.services.message import parse_mailbox
from tracker.settings import Settings
from tracker.store import MEMORY, Store


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that services are handed. Safe to share between threads; close the store at the end."""

    settings: Settings
    store: Store
    vault: Vault
    sources: Sources
    writer: LetterWriter
    mailer: Mailer
    clock: Clock


@dataclass(frozen=True, slots=True)
class Scratch:
    """What it takes to read calendars into a database that lives in memory and is gone at the end."""

    settings: Settings
    store: Store
    vault: Vault
    sources: Sources


class NotAvailable(ConnectorError):
    """This version can not read such calendars."""

    code = "not_available"


@dataclass(frozen=True, slots=True)
class SettingsSources:
    """Opens calendars as the settings say."""

    settings: Settings

    def open(self, provider: str, address: str, timezone: str) -> CalendarSource:
        """Return the source for `address`; no network yet. Raises ConnectorError where there is none."""
        return open_calendar(provider, address, timezone, self.settings)


def open_ports(settings: Settings, clock: Clock | None = None) -> Ports:
    """Build all ports. Raises BadSettings, naming the setting; connects to nothing yet."""
    from integrations.mail import open_mailer, open_writer

    return Ports(
        settings=settings,
        store=Store(settings.database_url),
        vault=FernetVault(settings.keys),
        sources=SettingsSources(settings),
        writer=open_writer(),
        mailer=open_mailer(settings.mail_url, settings.ca_bundle),
        clock=clock or SystemClock(),
    )


def new_key() -> str:
    """Return a fresh key for CADENCIA_SECRET_KEYS."""
    return fresh_key()


def open_scratch(settings: Settings) -> Scratch:
    """Build what `cadencia check` needs: no file is written, and no key has to be there."""
    return Scratch(settings, Store(MEMORY), FernetVault([fresh_key()]), SettingsSources(settings))


def open_calendar(provider: str, address: str, timezone: str, settings: Settings) -> CalendarSource:
    """Return the calendar at `address` (a path, a URL, an account: a secret), ready to be read.

    Raises ConnectorError for an address that can not be one, and NotAvailable for providers that are not set
    up, or to come.
    """
    if provider == Provider.GOOGLE:
        if settings.google_service_account is None:
            raise NotAvailable(
                "Google calendars are not set up: CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE names no key. "
                "docs/google.md says how to get one."
            )
        from integrations import google

        return google.open_calendar(
            address,
            settings.google_service_account,
            api_root=settings.google_api_root,
            ca_bundle=settings.ca_bundle,
        )
    if provider == Provider.OUTLOOK:
        return _open_outlook(address, settings)
    from integrations import ical

    bundle = str(settings.ca_bundle) if settings.ca_bundle else None
    return ical.open_calendar(address, timezone, allowed_hosts=settings.feed_hosts, ca_bundle=bundle)


def _open_outlook(address: str, settings: Settings) -> CalendarSource:
    app = settings.microsoft
    if app is None:
        raise NotAvailable(
            "Outlook calendars are not set up: CADENCIA_MICROSOFT_TENANT and its like name no app "
            "registration. docs/microsoft.md says how to get one."
        )
    from integrations import outlook

    application = outlook.Application(
        app.tenant, app.client_id, app.client_secret, app.certificate, app.authority or outlook.AUTHORITY
    )
    return outlook.open_calendar(address, application, root=settings.graph_root, ca_bundle=settings.ca_bundle)


def check_mail(ports: Ports) -> None:
    """Talk to the mail server, or write to the folder, as for a mail. Raises ConnectorError."""
    from integrations.mail import FolderMailer, SmtpMailer

    if isinstance(ports.mailer, FolderMailer | SmtpMailer):
        ports.mailer.check(parse_mailbox(ports.settings.mail_from).address)
