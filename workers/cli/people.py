"""`cadencia people import FILE.csv`."""

import click

from tracker.services.people import Imported, import_people
from workers.cli.setup import by_command, opened, read_file


@click.group()
def people() -> None:
    """Import people, with their calendars, from a file."""


@people.command("import")
@click.argument("file", metavar="FILE.csv")
def import_file(file: str) -> None:
    """Import people from FILE.csv: all of it, or nothing where a line is wrong.

    Columns: email,name,timezone,language,country,calendar,aliases,department,manager,roles. Only email and
    name are required. An empty cell leaves what is known, a cell with - clears it.
    """
    source = read_file(file)
    with opened() as ports, ports.store.write() as db:
        done = import_people(db, ports.vault, source, by_command(ports))
    say_imported(done, "people")


def say_imported(done: Imported, what: str) -> None:
    """Say what an import did."""
    for note in done.notes:
        click.echo(f"Note: {note}", err=True)
    counts = f"{done.added} added, {done.changed} changed, {done.unchanged} as they were"
    click.echo(f"{what.capitalize()}: {counts}.", err=True)
