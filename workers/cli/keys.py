"""`cadencia keys`: a new key, and sealing anew with it. Never prints a key."""

import os
from pathlib import Path

import click

from integrations.registry import Ports, new_key
from tracker.services.keyfile import find_file, locked, put_in_front
from tracker.services.resealing import reseal as reseal_all
from workers.cli.setup import by_command, opened


@click.group()
def keys() -> None:
    """Change the keys that seal secrets in the database (docs/operations.md)."""


@keys.command()
def rotate() -> None:
    """Put a new key in front of the others in the settings file, and seal everything with it.

    The site may go on running; restart it and all workers afterwards. Whatever interrupts this, nothing
    becomes unreadable: run it again, or `cadencia keys reseal`.
    """
    path = find_file(os.environ, Path())
    with opened():
        pass  # a database that can not be opened is found before anything is changed
    with locked(path):
        put_in_front(path, new_key())
        click.echo(f"{path} has a new key. Keep a copy of the file.", err=True)
        with opened() as ports:
            count = _reseal(ports)
    click.echo(
        f"Sealed anew: {count} values. Restart the site and all workers; docs/operations.md says when the "
        "old keys can go.",
        err=True,
    )


@keys.command()
def reseal() -> None:
    """Seal anew with the newest key. Run it after a new key came, and again after the old ones went."""
    with opened() as ports:
        count = _reseal(ports)
    click.echo(f"Sealed anew: {count} values.", err=True)


def _reseal(ports: Ports) -> int:
    return reseal_all(ports.store, ports.vault, by_command(ports))
