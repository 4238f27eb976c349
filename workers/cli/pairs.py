"""`cadencia pairs import FILE.csv`."""

import click

from tracker.services.importing.pairs import import_pairs
from workers.cli.people import say_imported
from workers.cli.setup import by_command, opened, read_file


@click.group()
def pairs() -> None:
    """Import pairs, and what they agreed, from a file."""


@pairs.command("import")
@click.argument("file", metavar="FILE.csv")
def import_file(file: str) -> None:
    """Import pairs from FILE.csv: all of it, or nothing where a line is wrong.

    Columns: program,mentor,mentee,timezone,starts_on,ends_on,cadence. Mentor and mentee are addresses of
    people that were imported; cadence is such as `biweekly` or `2 times every 3 weeks`.
    """
    source = read_file(file)
    with opened() as ports, ports.store.write() as db:
        done = import_pairs(db, source, by_command(ports))
    say_imported(done, "agreements")
