"""`cadencia alive`: a sign of life for whoever watches over single processes. Looks, and changes nothing."""

from datetime import timedelta

import click
from sqlalchemy import func, select

from tracker.errors import TrackerError
from tracker.models import Heartbeat
from workers.cli.setup import opened

# Turns are given out every few seconds; a task lasts ten minutes at most.
PATIENCE = {"beat": timedelta(minutes=5), "worker": timedelta(minutes=15)}


@click.command()
@click.argument("what", type=click.Choice(list(PATIENCE)))
def alive(what: str) -> None:
    """End with 0 while the beat gives out turns, or some worker brings work to a good end."""
    seen = Heartbeat.ticked_at if what == "beat" else Heartbeat.ended_at
    with opened() as ports, ports.store.read() as db:
        latest, now = db.scalar(select(func.max(seen))), ports.clock.now()
    if latest is None or now - latest > PATIENCE[what]:
        raise TrackerError(f"No {what} was at work for {int(PATIENCE[what].total_seconds() // 60)} minutes.")
