"""Remembering a pair's merged sessions, since most reviews are due by the clock alone. Never the only place.

A memo is good for one version of the pair's evidence and for the code that made it; it may be lost at any
moment, and then costs the time of merging again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import among, put_rows
from tracker.ledger import Session
from tracker.models import EvidenceMemo

Sessions = tuple[Session, ...]
_MAKERS = (
    "ledger/evidence.py",
    "merging.py",
    "services/histories.py",
    "services/memos.py",
    "services/sessions.py",
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Sessions)


def stamp_of(evidence_version: int) -> str:
    """Return what a memo of that version of a pair's evidence must bear to be good."""
    return f"{_code()}.{evidence_version}"


def load_memos(db: OrmSession, stamps: Mapping[int, str]) -> dict[int, Sessions]:
    """Return the good memos among those of these agreements; `stamps` says which stamp each must bear."""
    rows = db.execute(
        select(EvidenceMemo.agreement_id, EvidenceMemo.stamp, EvidenceMemo.sessions).where(
            among(db, EvidenceMemo.agreement_id, stamps)
        )
    )
    return {i: _decoder.decode(sessions) for i, stamp, sessions in rows if stamp == stamps[i]}


def keep_memos(db: OrmSession, memos: Sequence[tuple[int, str, Sessions]]) -> None:
    """Keep the sessions of agreements (id, stamp, sessions)."""
    rows = [
        {"agreement_id": agreement_id, "stamp": stamp, "sessions": _encoder.encode(sessions)}
        for agreement_id, stamp, sessions in memos
    ]
    put_rows(db, EvidenceMemo, rows)


@cache
def _code() -> str:
    # Whoever mends the merging must not have to remember that its results were kept.
    texts = b"".join((Path(__file__).parents[1] / maker).read_bytes() for maker in _MAKERS)
    return hashlib.blake2b(texts, digest_size=8).hexdigest()
