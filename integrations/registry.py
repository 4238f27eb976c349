"""The one place that builds what services need of the outside world. Decides nothing, and touches no network.

What is heavy to import is imported when it is first needed: most commands need little of it.
"""

from dataclasses import dataclass

from integrations.attempts import NoAttempts, RedisAttempts
from integrations.hints import NoHints, RedisHints
from integrations.monitor import ping_monitor
from integrations.providers import (
    NotAvailable,
    Outlook,
    SettingsConsents,
    SettingsDiaries,
    SettingsRecorders,
    SettingsSources,
    SettingsWatchers,
    Shelves,
    ask_time,
    find_rights,
    open_calendar,
)
from integrations.reach import reach_host
from integrations.vault import FernetVault, fresh_key
from tracker.clock import SystemClock
from tracker.errors import BadSettings
from tracker.incoming import MailboxReader
from tracker.ports import (
    Attempts,
    Clock,
    Consents,
    Courier,
    Diaries,
    Hints,
    LetterWriter,
    Mailer,
    Recorders,
    Sources,
    Vault,
    Watchers,
)
from tracker.services.message import parse_mailbox
from tracker.settings import Settings, load_settings
from tracker.store import MEMORY, Store

# What the site and the command may use of the outside, wherever it is made.
__all__ = [
    "NotAvailable",
    "Ports",
    "Scratch",
    "ask_time",
    "check_mail",
    "find_rights",
    "new_key",
    "newest_vault",
    "open_calendar",
    "open_ports",
    "open_scratch",
    "ping_monitor",
    "reach_host",
]


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
    attempts: Attempts


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


def open_ports(settings: Settings, clock: Clock | None = None) -> Ports:
    """Build all ports. Raises BadSettings, naming the setting; connects to nothing yet."""
    from integrations.hooks_out import HttpCourier
    from integrations.mail import open_mailer, open_writer

    store, vault = Store(settings.database_url), FernetVault(settings.keys, _keys_now)
    clock = clock or SystemClock()
    mailbox = _open_mailbox(settings)
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
        attempts=RedisAttempts(settings.broker_url) if settings.broker_url else NoAttempts(),
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


def newest_vault(settings: Settings) -> Vault:
    """Return a vault that opens only what is sealed with the newest key."""
    return FernetVault(settings.keys[:1])


def check_mail(ports: Ports) -> None:
    """Talk to the mail server, or write to the folder, as for a mail. Raises ConnectorError."""
    from integrations.mail import FolderMailer, SmtpMailer

    if isinstance(ports.mailer, FolderMailer | SmtpMailer):
        ports.mailer.check(parse_mailbox(ports.settings.mail_from).address)


def _open_mailbox(settings: Settings) -> MailboxReader | None:
    """Return the program's own mailbox, None where there is none. Raises BadSettings; no network yet."""
    if settings.mailbox_url is None:
        return None
    from integrations import mailbox

    address = mailbox.read_address(settings.mailbox_url)
    tokens = None if address.password else Outlook(settings).open_tokens(address.host)
    if address.password is None and tokens is None:
        raise BadSettings(
            "CADENCIA_MAILBOX_URL holds no password. Write it as imaps://user:password@host/INBOX, or, for a "
            "mailbox at Microsoft 365, set CADENCIA_MICROSOFT_TENANT and its like: docs/mailbox.md says how."
        )
    return mailbox.ImapMailbox(address, settings.ca_bundle, tokens)
