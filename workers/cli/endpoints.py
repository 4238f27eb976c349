"""`cadencia endpoints`: channels besides mail. Never prints an address; a secret once, when it is made."""

import sys

import click

from tracker.errors import ConnectorError
from tracker.models import EndpointEvent, EndpointKind
from tracker.services.endpoints import (
    NewEndpoint,
    add_endpoint,
    deliver_due,
    enqueue_test,
    find_endpoint,
    list_endpoints,
    remove_endpoint,
    rotate_secret,
)
from tracker.wording import LANGUAGES
from workers.cli.failures import IN_PART
from workers.cli.setup import by_command, opened

PROGRAM = click.option("--program", required=True, help="The program's name.")
NAME = click.argument("name")
_EVENTS = [event.value for event in EndpointEvent if event is not EndpointEvent.TEST]


@click.group()
def endpoints() -> None:
    """Tell chats and programs of your own what is new (docs/webhooks.md)."""


@endpoints.command()
@NAME
@PROGRAM
@click.option("--kind", type=click.Choice([kind.value for kind in EndpointKind]), required=True)
@click.option("--event", "events", type=click.Choice(_EVENTS), multiple=True, help="Default: all that fit.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", show_default=True)
def add(name: str, program: str, kind: str, events: tuple[str, ...], language: str) -> None:
    """Add the endpoint NAME. Its address is asked for, or read from standard input.

    The address of a chat is a secret: on the command line it would stand in the shell's history.
    """
    url = _ask_address()
    wanted = NewEndpoint(
        program, name, EndpointKind(kind), url, tuple(EndpointEvent(event) for event in events), language
    )
    with opened() as ports:
        ports.courier.check(url)
        with ports.store.write() as db:
            _, secret = add_endpoint(db, ports.vault, wanted, by_command(ports))
    click.echo(f"Added {name}. Try it: cadencia endpoints test {name} --program {program!r}", err=True)
    _show(secret)


def _ask_address() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Address", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()


def _show(secret: str | None) -> None:
    if secret:
        click.echo("The secret that its deliveries are signed with. It is shown this once:", err=True)
        click.echo(secret)


@endpoints.command("list")
def list_() -> int:
    """List the endpoints, and why one of them waits."""
    with opened() as ports, ports.store.read() as db:
        now = ports.clock.now()
        known = [
            (e.program.name, e.name, e.kind.value, ", ".join(e.events), pause)
            for e, pause in list_endpoints(db)
        ]
    for program, name, kind, events, pause in known:
        waits = f"waits until {pause.until:%Y-%m-%d %H:%M} UTC: {pause.reason}" if pause else "ready"
        state = waits if pause and pause.until > now else "ready"
        click.echo(f"{program}: {name} ({kind}; {events}): {state}")
    return IN_PART if any(pause for *_, pause in known) else 0


@endpoints.command()
@NAME
@PROGRAM
def remove(name: str, program: str) -> None:
    """Remove the endpoint NAME and what waits for it."""
    with opened() as ports, ports.store.write() as db:
        remove_endpoint(db, find_endpoint(db, program, name), by_command(ports))
    click.echo(f"Removed {name}.", err=True)


@endpoints.command()
@NAME
@PROGRAM
def rotate(name: str, program: str) -> None:
    """Give NAME a new secret; for a day the old one signs as well."""
    with opened() as ports, ports.store.write() as db:
        secret = rotate_secret(db, ports.vault, find_endpoint(db, program, name), by_command(ports))
    _show(secret)


@endpoints.command()
@NAME
@PROGRAM
def test(name: str, program: str) -> int:
    """Send an event that says hello to NAME, now."""
    with opened() as ports:
        now = ports.clock.now()
        with ports.store.write() as db:
            endpoint = find_endpoint(db, program, name)
            enqueue_test(db, endpoint, ports.settings.base_url, now)
        report = deliver_due(ports, now)
    if report.stopped or report.failed or not report.sent:
        raise ConnectorError(report.stopped or "The endpoint refused the event: `cadencia doctor` says why.")
    click.echo("Delivered.", err=True)
    return 0
