"""`cadencia review`: judge pairs, and keep their ledgers."""

import click

from tracker.services.review import review as review_pairs
from workers.cli.setup import opened
from workers.cli.sync import progress


@click.command()
@click.option("--all", "everyone", is_flag=True, help="Judge every pair anew, not only those that are due.")
def review(everyone: bool) -> None:
    """Judge the pairs whose evidence changed, or for whom time alone has changed something."""
    with opened() as ports, progress("pairs") as on_progress:
        report = review_pairs(ports.store, ports.clock.now(), everyone=everyone, on_progress=on_progress)
    click.echo(
        f"Reviewed {report.pairs} pairs ({report.agreements} agreements): {report.changes} verdicts changed.",
        err=True,
    )
