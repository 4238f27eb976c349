"""`cadencia programs list` and `set`: the rules of each program."""

import click
import msgspec
from sqlalchemy import func, select

from tracker.ledger import Policy
from tracker.models import Pair, Program
from tracker.services.overview import list_programs
from tracker.services.programs import Rules, change_program
from workers.cli.choosing import find_program
from workers.cli.output import choose_format, format_option
from workers.cli.replay import read_overrides
from workers.cli.setup import by_command, opened


@click.group()
def programs() -> None:
    """See and change a program's own rules."""


@programs.command("list")
@format_option
def list_all(form: str | None) -> None:
    """List the programs with their rules; what is not named is as usual (docs/ledger.md)."""
    with opened() as ports, ports.store.read() as db:
        counts = dict(
            db.execute(select(Pair.program_id, func.count(Pair.id)).group_by(Pair.program_id)).all()
        )
        rows = [_describe(program, counts.get(program.id, 0)) for program in list_programs(db)]
    if not rows:
        click.echo("There are no programs yet: `cadencia pairs import` brings them in.", err=True)
    for row in rows:
        if choose_format(form) == "json":
            click.echo(msgspec.json.encode(row).decode())
        else:
            click.echo("  ".join(f"{name}={_shown(value)}" for name, value in row.items()))


@programs.command("set")
@click.argument("name")
@click.option(
    "--address", metavar="EMAIL", help="A mailbox that people invite to mark a session; '' for none."
)
@click.option(
    "--suggest/--no-suggest", "suggests_untagged", default=None, help="Ask about untagged meetings."
)
@click.option(
    "--absences/--no-absences", "reads_absences", default=None, help="Read days away of all members."
)
@click.option(
    "--attendance/--no-attendance", "reads_attendance", default=None, help="Read who was in online meetings."
)
@click.option(
    "--set", "policy", multiple=True, metavar="KEY=VALUE", callback=read_overrides,
    help="A rule of judging, e.g. --set grace_days=10; may be repeated.",
)  # fmt: skip
def change(
    name: str,
    address: str | None,
    suggests_untagged: bool | None,
    reads_absences: bool | None,
    reads_attendance: bool | None,
    policy: dict[str, int | str],
) -> None:
    """Change rules of the program NAME; all its pairs are judged anew under them."""
    rules = Rules(address, suggests_untagged, reads_absences, reads_attendance, policy)
    with opened() as ports, ports.store.write() as db:
        program = db.get_one(Program, find_program(db, name))
        changed = change_program(db, program, rules, by_command(ports))
    click.echo(f"Changed: {', '.join(changed)}." if changed else "Nothing to change.", err=True)


def _describe(program: Program, pairs: int) -> dict[str, object]:
    return {
        "program": program.name,
        "pairs": pairs,
        "address": program.address,
        "suggest": program.suggests_untagged,
        "absences": program.reads_absences,
        "attendance": program.reads_attendance,
        **{key: program.policy[key] for key in Policy.__struct_fields__ if key in program.policy},
    }


def _shown(value: object) -> str:
    words = {True: "yes", False: "no", None: "none"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
