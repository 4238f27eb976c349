"""`cadencia demo`: a sample company on the real path, and the site to look at it."""

import shutil
import socket
import sys
from datetime import datetime
from pathlib import Path

import click

from integrations.registry import Ports
from tracker.clock import FixedClock, SystemClock
from tracker.errors import BadSettings
from workers.cli.output import print_ledgers
from workers.cli.replay import INSTANT

HOST = "127.0.0.1"
PORT = 8000
PORTS_TO_TRY = 50


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default="demo",
    show_default=True,
    help="The folder to build it in; an earlier demo there is replaced.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Where to serve the site; {PORT}, or the next that is free.",
)
@click.option("--no-serve", is_flag=True, help="End after the weekly digest.")
@click.option("--now", type=INSTANT, help="Pretend that it is this instant, such as 2026-03-05T10:00:00Z.")
def demo(folder: Path, port: int | None, no_serve: bool, now: datetime | None) -> None:
    """Build a sample company of 24 pairs, run everything on it and show the site.

    Its calendars are written as Google, Outlook and Apple export them, and read as anybody's are. All of it,
    settings and database included, lies in one folder.
    """
    from workers.demo.stage import set_stage

    port = port if no_serve else choose_port(port)
    clock = FixedClock(now) if now else SystemClock()
    ports = set_stage(folder, f"http://{HOST}:{port or PORT}", clock)
    try:
        perform(ports, folder, clock.now())
        if port:
            serve_site(ports, port)
    finally:
        ports.store.close()


def perform(ports: Ports, folder: Path, now: datetime) -> None:
    """Build the company, let its half year happen, and print what came of it."""
    from workers.demo.company import make_company
    from workers.demo.folder import write_tables
    from workers.demo.rehearsal import rehearse
    from workers.demo.report import named_ledgers, send_mails

    company = make_company(now)
    write_tables(company, folder)
    say(f"A sample company in {folder}: {len(company.people)} people, {len(company.plots)} pairs.")
    rehearse(ports, company, folder, say)
    send_mails(ports, now)
    with ports.store.read() as db:
        print_ledgers(named_ledgers(db), "table")
    _name_mails(folder)
    say(f"Every command works in that folder: cd {folder} && {_our_name()} ledger")


def _name_mails(folder: Path) -> None:
    from workers.demo.report import mails_of

    digests = mails_of(folder, "digest")
    say(f"The weekly digest, {len(digests)} mails:")
    for path in digests:
        click.echo(path)
    for kind, name in (("nudge", "reminders"), ("invitation", "invitations")):
        if mails := mails_of(folder, kind):
            say(f"And {len(mails)} {name}, such as")
            click.echo(mails[0])


def _our_name() -> str:
    """Return how to call this command from any folder."""
    here, ours = shutil.which("cadencia"), Path(sys.argv[0])
    return "cadencia" if here and ours.exists() and ours.samefile(here) else str(ours.absolute())


def serve_site(ports: Ports, port: int) -> None:
    """Print the links that sign in, and serve the site until it is interrupted."""
    from workers.cli.up import serve
    from workers.demo.report import guests

    for guest in guests(ports, ports.clock.now()):
        click.echo(f"Sign in as {guest.role}, {guest.name}: {guest.link}")
    serve(ports, HOST, port)


def choose_port(asked: int | None) -> int:
    """Return a port that is free: the one that was asked for, or the first from 8000 on.

    Raises BadSettings where the one that was asked for is taken, or none is free.
    """
    if asked is not None:
        if trouble := _try_port(asked):
            raise BadSettings(f"Port {asked} {trouble}. Choose another with --port, or leave it out.")
        return asked
    for port in range(PORT, PORT + PORTS_TO_TRY):
        if not _try_port(port):
            if port != PORT:
                say(f"Port {PORT} is taken, so the site will be at port {port}.")
            return port
    raise BadSettings(f"No port from {PORT} to {PORT + PORTS_TO_TRY - 1} is free. Choose one with --port.")


def _try_port(port: int) -> str:
    """Return what is wrong with the port, '' where it is free."""
    with socket.socket() as probe:
        # As a server does: a port whose last server has just ended counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return "may not be opened by this user"
        except OSError:
            return "is taken"
    return ""


def say(text: str) -> None:
    """Tell how it goes, on standard error."""
    click.echo(text, err=True)
