"""`cadencia people import FILE.csv`, `cadencia people link EMAIL` and `cadencia people erase EMAIL`."""

import click
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.models import Person
from tracker.services.erasing import erase_person
from tracker.services.importing.people import Imported, import_people
from tracker.services.signin import find_by_address, hand_link
from workers.cli.setup import by_command, opened, read_file


@click.group()
def people() -> None:
    """Import people, with their calendars, from a file; let one in, or erase one."""


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


@people.command()
@click.argument("email")
def link(email: str) -> None:
    """Print a link that signs that person in, once and within 30 minutes.

    For the first time on a new site, or while mail does not arrive. Whoever has the link is that person.
    """
    with opened() as ports, ports.store.write() as db:
        click.echo(hand_link(db, ports.settings, _find(db, email), by_command(ports)))


@people.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, yes: bool) -> None:
    """Erase the person of that address. Their pairs end; the verdicts so far stay, without a name."""
    with opened() as ports:
        with ports.store.read() as db:
            person = _find(db, email)
        if not yes:
            click.confirm(
                f"Erase {person.name} ({person.email})? This can not be undone", abort=True, err=True
            )
        with ports.store.write() as db:
            erased = erase_person(db, ports.vault, db.get_one(Person, person.id), by_command(ports))
    click.echo(f"Erased. {erased.pairs} pairs ended, {erased.calendars} calendars were taken away.", err=True)
    if erased.consents:
        click.echo(f"{erased.consents} consents stand at the provider until the person ends them.", err=True)
    click.echo("Backups still hold the person, and so do mailboxes and calendars that got mail.", err=True)


def _find(db: OrmSession, email: str) -> Person:
    person = find_by_address(db, email)
    if person is None:
        raise BadInput(f"Nobody has the address {email}.")
    return person


def say_imported(done: Imported, what: str) -> None:
    """Say what an import did."""
    for note in done.notes:
        click.echo(f"Note: {note}", err=True)
    counts = f"{done.added} added, {done.changed} changed, {done.unchanged} as they were"
    click.echo(f"{what.capitalize()}: {counts}.", err=True)
