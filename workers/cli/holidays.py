"""`cadencia holidays import FILE.csv`."""

import click

from tracker.services.importing.company_days import import_company_days
from workers.cli.people import say_imported
from workers.cli.setup import by_command, opened, read_file


@click.group()
def holidays() -> None:
    """Import the company's own days off; public holidays follow from people's countries."""


@holidays.command("import")
@click.argument("file", metavar="FILE.csv")
def import_file(file: str) -> None:
    """Import days off from FILE.csv: all of it, or nothing where a line is wrong.

    Columns: date,name,country. The country is such as ES or ES-MD; empty means everywhere.
    """
    source = read_file(file)
    with opened() as ports, ports.store.write() as db:
        done = import_company_days(db, source, by_command(ports))
    say_imported(done, "days")
