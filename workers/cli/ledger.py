"""`cadencia ledger`: the stored ledgers."""

from collections.abc import Iterator

import click
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.ledger import Ledger, decode_ledger
from tracker.models import Agreement, LedgerRow
from tracker.store import portions
from workers.cli.choosing import choose_pairs, pair_options
from workers.cli.output import choose_format, format_option, print_ledgers
from workers.cli.setup import opened


@click.command()
@pair_options
@format_option
def ledger(pair: str | None, program: str | None, form: str | None) -> None:
    """Print the ledgers as they were judged last; `cadencia review` judges anew."""
    with opened() as ports, ports.store.read() as db:
        ids = choose_pairs(db, pair, program)
        print_ledgers(_stored(db, ids), choose_format(form))
        _say_unjudged(db, ids)


def _stored(db: OrmSession, pair_ids: list[int]) -> Iterator[Ledger]:
    for portion in portions(pair_ids, 1_000):
        documents = (
            select(LedgerRow.document)
            .join(Agreement)
            .where(Agreement.pair_id.in_(portion))
            .order_by(Agreement.pair_id, Agreement.starts_on)
        )
        yield from map(decode_ledger, db.scalars(documents))


def _say_unjudged(db: OrmSession, pair_ids: list[int]) -> None:
    waiting = 0
    for portion in portions(pair_ids, 1_000):
        query = (
            select(Agreement.id)
            .outerjoin(LedgerRow, LedgerRow.agreement_id == Agreement.id)
            .where(Agreement.pair_id.in_(portion), LedgerRow.agreement_id.is_(None))
        )
        waiting += len(db.scalars(query).all())
    if waiting:
        click.echo(f"{waiting} agreements were not judged yet: run `cadencia review`.", err=True)
    elif not pair_ids:
        click.echo("There are no pairs yet: `cadencia pairs import` brings them in.", err=True)
