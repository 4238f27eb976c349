"""`cadencia keys reseal`: after the keys changed."""

import click

from tracker.services.resealing import reseal as reseal_all
from workers.cli.setup import by_command, opened


@click.group()
def keys() -> None:
    """Change the keys that seal secrets in the database (docs/operations.md)."""


@keys.command()
def reseal() -> None:
    """Seal anew with the newest key. Run it after a new key came, and again after the old ones went."""
    with opened() as ports, ports.store.write() as db:
        count = reseal_all(db, ports.vault, by_command(ports))
    click.echo(f"Sealed anew: the addresses of {count} calendars.", err=True)
