"""`cadencia confirm`: what a participant told somebody of a session, by phone for instance."""

import re

import click

from tracker.errors import BadInput, NotAllowed
from tracker.models import Person
from tracker.services.confirm import confirm_session
from workers.cli.setup import by_command, opened
from workers.cli.sync import find_person


@click.command()
@click.argument("session")
@click.option("--by", "email", required=True, metavar="EMAIL", help="Who said it: the mentor or the mentee.")
@click.option("--held/--not-held", default=None, help="Whether the session took place.")
@click.option(
    "--absent",
    multiple=True,
    type=click.Choice(["mentor", "mentee"]),
    help="Who was not there; may be repeated. Only with --not-held.",
)
def confirm(session: str, email: str, held: bool | None, absent: tuple[str, ...]) -> None:
    """Record what a participant said of SESSION (such as s-4), marked as entered at the command line."""
    if held is None:
        raise click.UsageError("Say --held or --not-held.")
    if held and absent:
        raise click.UsageError("--absent goes with --not-held: who was absent from a session that was held?")
    number = _session_number(session)
    with opened() as ports:
        known = find_person(ports, email)
        with ports.store.write() as db:
            person = db.get_one(Person, known.id)
            try:
                confirm_session(
                    db, number, by=person, held=held, absent=frozenset(absent), act=by_command(ports)
                )
            except NotAllowed:
                raise BadInput(f"{known.email} has no session s-{number}.") from None
    click.echo(f"Noted: {email} says that s-{number} was {'held' if held else 'not held'}.", err=True)


def _session_number(name: str) -> int:
    match = re.fullmatch(r"(?:s-)?(\d{1,9})", name.strip().lower())
    if match is None:
        raise BadInput(f"{name!r} is not the name of a session, such as s-4. `cadencia ledger` shows them.")
    return int(match[1])
