"""`cadencia backup FILE` and `cadencia restore FILE`."""

from pathlib import Path

import click

from tracker.clock import SystemClock
from tracker.services import schema
from tracker.services.backup.copying import back_up
from tracker.services.backup.copying import restore as restore_database
from tracker.settings import load_settings
from tracker.store import Store

FORCE = click.option("--force", is_flag=True, help="Replace what is there.")


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@FORCE
def backup(file: Path, force: bool) -> None:
    """Write a consistent copy of the database to FILE, while it is in use.

    The keys in the settings file are not in it: keep a copy of them in another place.
    """
    store = Store(load_settings().database_url)
    try:
        schema.require_current(store)
        back_up(store, file, force=force)
    finally:
        store.close()
    click.echo(
        f"Wrote {file} ({file.stat().st_size:,} bytes). Keep the settings file with its keys apart.", err=True
    )


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a database that is not empty; it is kept aside.")
def restore(file: Path, force: bool) -> None:
    """Put the copy in FILE in the place of the database. Mail that waited in it is held back."""
    store = Store(load_settings().database_url)
    try:
        done = restore_database(store, file, SystemClock().now(), force=force)
    finally:
        store.close()
    if done.aside:
        click.echo(f"The database as it was is kept: {done.aside}.", err=True)
    if done.held:
        click.echo(f"{done.held} mails that waited are held back: they may have been sent before.", err=True)
    click.echo(f"Restored {file}. Next: `cadencia sync`, then `cadencia review --all`.", err=True)
