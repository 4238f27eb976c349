"""`cadencia sync`: pull the calendars now."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from sqlalchemy import select

from integrations.registry import Ports
from tracker.errors import BadInput
from tracker.models import Calendar, CalendarStatus
from tracker.services.importing.fields import read_address
from tracker.services.importing.people import Known, find_people
from tracker.services.importing.tables import BadCell
from tracker.services.sync import Outcome, SyncResult, accept_removals, sync_all
from workers.cli.failures import IN_PART
from workers.cli.problems import explain_problem
from workers.cli.setup import by_command, opened


@click.command()
@click.option("--person", "email", metavar="EMAIL", help="Only the calendars of this person.")
@click.option(
    "--accept-removals",
    "accept",
    is_flag=True,
    help="Accept that so many sessions are gone as were held back.",
)
def sync(email: str | None, accept: bool) -> int:
    """Read the connected calendars now, and take in what changed.

    A calendar that can not be read is named, and what was known of it stands; the exit status is then 1.
    """
    with opened() as ports:
        person_id = find_person(ports, email).id if email else None
        if accept:
            _accept(ports, person_id)
        with progress("calendars") as on_progress:
            results = sync_all(ports, ports.clock.now(), person_id=person_id, on_progress=on_progress)
    return say_results(results)


def find_person(ports: Ports, email: str) -> Known:
    """Return the person with this address, one of theirs. Raises BadInput."""
    try:
        address = read_address(email)
    except BadCell as error:
        raise BadInput(str(error)) from None
    with ports.store.read() as db:
        person = find_people(db, [address]).get(address)
    if person is None:
        raise BadInput(f"Nobody is known by {address}. `cadencia people import` adds people.")
    return person


def _accept(ports: Ports, person_id: int | None) -> None:
    held = select(Calendar.id).where(Calendar.status == CalendarStatus.CONNECTED, Calendar.removals_held > 0)
    if person_id is not None:
        held = held.where(Calendar.person_id == person_id)
    with ports.store.write() as db:
        ids = db.scalars(held).all()
        for calendar_id in ids:
            accept_removals(db, calendar_id, by_command(ports))
    if not ids:
        click.echo("No calendar was held back.", err=True)


def say_results(results: Sequence[SyncResult]) -> int:
    """Name what could not be read and count the rest; return the exit status."""
    for result in results:
        if result.problem:
            click.echo(explain_problem(result.problem, result.person), err=True)
        for entry in result.set_aside:
            click.echo(
                f"The calendar of {result.person}, {entry.place}: set aside ({entry.issue}).", err=True
            )
    counts = Counter(result.outcome for result in results)
    read = counts[Outcome.READ] + counts[Outcome.UNCHANGED]
    news = sum(r.intake.added + r.intake.changed + r.intake.gone for r in results)
    click.echo(
        f"Calendars: {read} read, {counts[Outcome.FAILED]} failed, {counts[Outcome.HELD]} held back, "
        f"{counts[Outcome.NOT_NEEDED]} not needed; {news} entries new, changed or gone.",
        err=True,
    )
    return IN_PART if counts[Outcome.FAILED] + counts[Outcome.HELD] else 0


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on a terminal's standard error; give None in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
