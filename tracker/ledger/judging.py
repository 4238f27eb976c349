"""Judging one pair: evidence, policy and now in, a ledger out. Reads no clock, no file and no database."""

from __future__ import annotations

from datetime import datetime

from tracker.ledger.document import Ledger
from tracker.ledger.evidence import Evidence, Policy


def judge(evidence: Evidence, *, now: datetime, policy: Policy | None = None) -> Ledger:
    """Judge one pair as known at `now` (aware), under `policy` or, when it is None, the evidence's own."""
    raise NotImplementedError
