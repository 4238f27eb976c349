"""`cadencia outbox retry`: mail that was given up, once more. Sends nothing itself."""

import click

from tracker.services.outbox import dead_letters, try_again
from workers.cli.setup import opened


@click.group()
def outbox() -> None:
    """Mail that was given up: `cadencia doctor` names it, with the reason."""


@outbox.command()
@click.option("--to", "recipient", metavar="EMAIL", help="Only the mail to this address.")
def retry(recipient: str | None) -> None:
    """Give mail that was given up one more try. `cadencia up` or a worker sends it within seconds."""
    with opened() as ports, ports.store.write() as db:
        meant = (recipient or "").strip().lower()
        keys = [m.dedupe_key for m in dead_letters(db) if not meant or m.recipient.lower() == meant]
        count = try_again(db, keys, ports.clock.now())
    click.echo(f"{count} mails are tried again." if count else "No such mail was given up.", err=True)
