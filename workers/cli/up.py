"""`cadencia up`: the site and the schedule in one process; the site alone where there is a broker."""

import dataclasses
import errno
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import click
from sqlalchemy import select

from integrations.registry import Ports, open_ports
from tracker import logs
from tracker.errors import BadSettings
from tracker.models import Person
from tracker.services import schema
from tracker.services.signin import hand_link
from tracker.settings import Settings, load_settings
from workers.cli.setup import by_command
from workers.leaving import leave_now, leave_within
from workers.schedule import Schedule

THREADS = 8
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port.")
def up(host: str, port: int) -> None:
    """Run the site, the reading of calendars and the mail, until Ctrl-C or SIGTERM.

    With CADENCIA_BROKER_URL it is the site alone: `cadencia beat` and `cadencia worker` do the rest.
    A database of an older version is brought up to date first.
    """
    settings = load_settings()
    logs.set_up(settings.log_format)
    ports = open_ports(_addressed(settings, host, port))
    try:
        if schema.is_older(ports.store):
            schema.upgrade(ports.store)
        schema.require_current(ports.store)
        # With a broker the work is the workers': whoever set one up wants the site to answer, not to read.
        _serve(ports, host, port, _greet, None if ports.settings.broker_url else Schedule(ports))
    finally:
        ports.store.close()


def serve(ports: Ports, host: str, port: int) -> None:
    """Serve the site and run the schedule until Ctrl-C or SIGTERM. Raises BadSettings for a port in use."""
    _serve(ports, host, port, lambda _: click.echo(f"The site: {ports.settings.base_url}"), Schedule(ports))


def _serve(
    ports: Ports, host: str, port: int, greet: Callable[[Ports], None], schedule: Schedule | None
) -> None:
    server = _open_server(ports, host, port)
    signal.signal(signal.SIGTERM, _leave)
    greet(ports)
    click.echo("Ctrl-C ends it.", err=True)
    if schedule:
        schedule.start()
    try:
        server.run()
    finally:
        server.close()
        if schedule and not schedule.stop():
            # A feed that does not answer. What is under way is not committed, and is done again next time.
            leave_now()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    leave_within()  # threads of libraries are waited for at the end, however slow a provider is
    raise SystemExit(0)


def _addressed(settings: Settings, host: str, port: int) -> Settings:
    """Let links lead to where the site really is, unless somebody said where people reach it."""
    if settings.base_url != Settings().base_url:
        return settings
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return dataclasses.replace(settings, base_url=f"http://{f'[{shown}]' if ':' in shown else shown}:{port}")


def _open_server(ports: Ports, host: str, port: int) -> Any:
    from waitress import create_server
    from werkzeug.utils import import_string

    # By name: the site and the workers are neighbours that do not import each other.
    create_app: Callable[[Ports], Any] = import_string("web.app:create_app")
    try:
        return create_server(
            create_app(ports),
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            # Where no proxy of ours stands in front, such headers are anybody's invention.
            clear_untrusted_proxy_headers=ports.settings.proxies == 0,
        )
    except OSError as error:
        raise BadSettings(_why_closed(error, host, port)) from None
    except ValueError:
        raise BadSettings(f"{host} is not an address of this machine. Choose another with --host.") from None


def _why_closed(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken: is Cadencia running already? Choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user. Choose one above 1023 with --port."
    return f"{host}, port {port} can not be opened ({(error.strerror or 'refused').lower()})."


def _greet(ports: Ports) -> None:
    settings = ports.settings
    click.echo(f"Cadencia is at {settings.base_url}")
    if not settings.is_https and urlsplit(settings.base_url).hostname not in LOOPBACK:
        click.echo("Warning: people reach it without TLS. Put a proxy with https in front.", err=True)
    first = select(Person).where(Person.is_admin | Person.is_hr).order_by(Person.is_admin.desc(), Person.id)
    with ports.store.write() as db:
        person = db.scalars(first.limit(1)).first()
        if person is None:
            click.echo("Nobody has the role hr or admin yet: `cadencia people import` gives roles.", err=True)
        elif sys.stdout.isatty():
            link = hand_link(db, settings, person, by_command(ports))
            click.echo(f"Sign in as {person.name} (once, within 30 minutes): {link}")
        else:  # into a log, which others read
            click.echo("Sign in with the link that `cadencia people link EMAIL` prints.")
    sys.stdout.flush()
