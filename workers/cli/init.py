"""`cadencia init`: the settings file and the database. Never overwrites either."""

import os
from pathlib import Path

import click

from integrations.registry import new_key
from tracker.errors import BadSettings
from tracker.services import schema
from tracker.settings import SETTINGS_FILE, load_settings
from tracker.store import Store, sqlite_file

TEMPLATE = """\
# Cadencia's settings. Lines that begin with # are explanations, or defaults that you may change.
# Environment variables of the same names go before this file; docs/settings.md explains all of them.
# Keep this file secret, and keep a copy of it apart from the backups: without its keys, the addresses
# of calendars in a backup can not be opened.

# Keys that seal secrets in the database and sign the links in mail; the newest first.
CADENCIA_SECRET_KEYS={key}

# The database: SQLite in this folder, or postgresql+psycopg://user:password@host/name.
#CADENCIA_DATABASE_URL=sqlite:///cadencia.sqlite

# Where people reach the site. Links in mail begin with it.
#CADENCIA_BASE_URL=http://127.0.0.1:8000

# Mail: file: and a folder collects .eml files; for real mail smtp://user:password@host:587.
#CADENCIA_MAIL_URL=file:outbox
#CADENCIA_MAIL_FROM=Cadencia <cadencia@localhost>

# Further marks of mentoring sessions in titles and categories, separated by commas.
#CADENCIA_TAGS=#mentorship

# A mailbox that people invite to mark a session.
#CADENCIA_PROGRAM_ADDRESS=mentoring@example.com

# Where that mailbox is read, as a way in that needs no calendar rights: see docs/mailbox.md.
#CADENCIA_MAILBOX_URL=imaps://mentoring%40example.com:password@mail.example.com/INBOX

# A file of certificates to trust besides the system's.
#CADENCIA_CA_BUNDLE=/etc/ssl/company.pem

# Hosts whose calendar feeds may be plain http or lie at private addresses.
#CADENCIA_FEED_HOSTS=calendar.intranet.example

# The key of a service account that may read your company's Google calendars: see docs/google.md.
#CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE=/etc/cadencia/google.json

# Or, and besides: the client at which people consent to have their own calendars read.
#CADENCIA_GOOGLE_CLIENT_ID=
#CADENCIA_GOOGLE_CLIENT_SECRET_FILE=/etc/cadencia/google-client

# The application that may read your company's Outlook calendars: see docs/microsoft.md.
#CADENCIA_MICROSOFT_TENANT=
#CADENCIA_MICROSOFT_CLIENT_ID=
#CADENCIA_MICROSOFT_CLIENT_CERTIFICATE_FILE=/etc/cadencia/microsoft.pem
"""


@click.command()
def init() -> None:
    """Write a commented settings file with fresh keys, and create the database.

    Both in the folder where you are. What is there already stays as it is; a database of an older version is
    brought up to date.
    """
    path = Path(os.environ.get("CADENCIA_SETTINGS") or SETTINGS_FILE)
    _settle_settings(path)
    settings = load_settings()
    _ = settings.keys
    store = Store(settings.database_url)
    try:
        _settle_database(store)
    finally:
        store.close()
    click.echo(
        "Next: `cadencia people import people.csv`, or `cadencia doctor` to check the set-up.", err=True
    )


def _settle_settings(path: Path) -> None:
    if {"CADENCIA_SECRET_KEYS", "CADENCIA_SECRET_KEYS_FILE"} & set(os.environ):
        click.echo("The keys come from the environment, so no settings file is written.", err=True)
    elif _write_new(path):
        click.echo(f"Wrote {path} with fresh keys. Keep it secret, and keep a copy.", err=True)
    else:
        click.echo(f"{path} is there already and stays as it is.", err=True)


def _write_new(path: Path) -> bool:
    try:
        # Never through a link and never over anything; nobody else may read it, from the first byte on.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(TEMPLATE.format(key=new_key()))
    return True


def _settle_database(store: Store) -> None:
    file = sqlite_file(store.url)
    where = str(file) if file else "The PostgreSQL database"
    if file and not file.parent.is_dir():
        raise BadSettings(
            f"CADENCIA_DATABASE_URL names the folder {file.parent}, which is not there. Make it first."
        )
    before = schema.present(store)
    if before == schema.newest():
        click.echo(f"{where} is there already and up to date.", err=True)
        return
    _guard_file(file)
    schema.upgrade(store)
    click.echo(f"{where} {'was brought up to date' if before else 'was created'}.", err=True)


def _guard_file(file: Path | None) -> None:
    # The database holds what people said of each other: it is made for its owner's eyes alone.
    if file and not file.exists():
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
