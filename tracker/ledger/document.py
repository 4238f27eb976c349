"""What the ledger says of one pair, and its JSON form; fields stand in the order they are written in."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from tracker.ledger.evidence import Side


class Outcome(StrEnum):
    """What became of one session."""

    HELD = "held"
    CANCELLED = "cancelled"
    SCHEDULED = "scheduled"
    NOT_HELD = "not_held"
    DISPUTED = "disputed"
    AWAITING = "awaiting"
    UNCONFIRMED = "unconfirmed"


class Verdict(StrEnum):
    """What the ledger says of one period."""

    MET = "met"
    EXCUSED = "excused"
    PLANNED = "planned"
    OPEN = "open"
    MISSED = "missed"
    UNKNOWN = "unknown"
    DISPUTED = "disputed"
    UNCONFIRMED = "unconfirmed"
    AWAITING = "awaiting"
    RESCHEDULED = "rescheduled"


class Reason(StrEnum):
    """Why a period is met (the first four) or missed (the last three)."""

    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    RESCHEDULED = "rescheduled"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    NO_SESSION = "no_session"


class Health(StrEnum):
    """How the pair stands as a whole."""

    NOT_STARTED = "not_started"
    ENDED = "ended"
    UNKNOWN = "unknown"
    OFF_TRACK = "off_track"
    AT_RISK = "at_risk"
    ON_TRACK = "on_track"


class HealthReason(StrEnum):
    """Why a pair's health is not `on_track`."""

    STALE = "stale"
    MISSED = "missed"
    DISPUTED = "disputed"
    NOTHING_SCHEDULED = "nothing_scheduled"


class PeriodVerdict(Struct, frozen=True, gc=False):
    """One period judged: local dates [starts_on, ends_before), serving sessions in order of slots."""

    starts_on: date
    ends_before: date
    required: int
    verdict: Verdict
    reason: Reason | None
    sessions: tuple[str, ...]
    missed_by: tuple[Side, ...]


class SessionOutcome(Struct, frozen=True, gc=False):
    """One session judged; `late` is a cancelled session's alone, `origin` is in UTC, `absent` sorted."""

    id: str
    outcome: Outcome
    late: bool
    absent: tuple[Side, ...]
    origin: datetime
    replaces: str | None


class Ledger(Struct, frozen=True, gc=False):
    """One pair judged at `now`; instants in UTC, `sessions` in the evidence's order."""

    pair: str
    now: datetime
    periods: tuple[PeriodVerdict, ...]
    sessions: tuple[SessionOutcome, ...]
    due: int
    met: int
    attendance: float | None
    consecutive_missed: int
    missed_by_mentor: int
    missed_by_mentee: int
    next_session: datetime | None
    health: Health
    health_reasons: tuple[HealthReason, ...]
    next_review_at: datetime | None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Ledger)


def encode_ledger(ledger: Ledger) -> bytes:
    """Write one ledger as a line of JSON, without the line's end."""
    return _encoder.encode(ledger)


def decode_ledger(line: bytes | str) -> Ledger:
    """Read back what `encode_ledger` wrote; anything else raises `msgspec.ValidationError`."""
    return _decoder.decode(line)
