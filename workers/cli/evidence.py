"""`cadencia evidence export`: what is known of pairs, as files for `cadencia replay`."""

import sys

import click
import msgspec

from tracker.services.evidence import load_evidence
from tracker.store import portions
from workers.cli.choosing import choose_pairs, pair_options
from workers.cli.setup import opened

CHUNK = 500


@click.group()
def evidence() -> None:
    """Export evidence files, which `cadencia replay` judges."""


@evidence.command()
@pair_options
def export(pair: str | None, program: str | None) -> None:
    """Print the evidence of pairs, one JSON object a line (docs/ledger.md describes it)."""
    out = sys.stdout.buffer
    encoder = msgspec.json.Encoder()
    with opened() as ports:
        with ports.store.read() as db:
            ids = choose_pairs(db, pair, program)
        for portion in portions(ids, CHUNK):
            # A session for each portion: a large export is no reason to keep one state for long.
            with ports.store.read() as db:
                for known in load_evidence(db, portion):
                    out.write(encoder.encode(known.evidence) + b"\n")
    out.flush()
