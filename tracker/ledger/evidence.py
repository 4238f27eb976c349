"""What is known of one pair: agreement, calendar history, statements, attendance and absences.

These structs are the evidence file's format (docs/evidence.schema.json) and what `judge` takes. Building
them in Python checks nothing; `tracker.ledger.decoding` checks what comes from outside.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

Instant = Annotated[datetime, Meta(tz=True)]
Text = Annotated[str, Meta(min_length=1)]
Days = Annotated[int, Meta(ge=0, le=366)]


class Side(StrEnum):
    """One of the two people of a pair."""

    MENTOR = "mentor"
    MENTEE = "mentee"


class Away(StrEnum):
    """Who an absence keeps away."""

    MENTOR = "mentor"
    MENTEE = "mentee"
    BOTH = "both"


class Unit(StrEnum):
    """What a cadence counts in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Status(StrEnum):
    """How a calendar shows a session."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class AbsenceKind(StrEnum):
    """Why somebody is away; told to people, of no weight in judging."""

    HOLIDAY = "holiday"
    LEAVE = "leave"
    PAUSE = "pause"


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Share the options of every part of the evidence; `gc=False` since no part can be in a cycle."""


class Cadence(_Part, frozen=True, kw_only=True):
    """`sessions` meetings are due `every` so many `unit`s."""

    sessions: Annotated[int, Meta(ge=1, le=31)]
    every: Annotated[int, Meta(ge=1, le=366)]
    unit: Unit


class Policy(_Part, frozen=True, kw_only=True):
    """The program's rules; a key left out has the default."""

    grace_days: Days = 3
    reschedule_within_days: Days = 7
    confirm_within_days: Days = 3
    notice_hours: Annotated[int, Meta(ge=0, le=8784)] = 24
    unconfirmed_counts_as: Literal["unconfirmed", "held"] = "unconfirmed"
    escalate_after: Annotated[int, Meta(ge=1)] = 2
    stale_after_days: Annotated[int, Meta(ge=1)] = 3


class Observation(_Part, frozen=True, kw_only=True):
    """What a calendar said of a session `at` a moment; `ends_at` is after `starts_at`."""

    at: Instant
    starts_at: Instant
    ends_at: Instant
    status: Status
    declined_by: tuple[Side, ...] = ()
    cancelled_by: Side | None = None


class Statement(_Part, frozen=True, kw_only=True):
    """What one participant said of a session afterwards."""

    by: Side
    at: Instant
    held: bool
    absent: tuple[Side, ...] = ()


class Presence(_Part, frozen=True, kw_only=True):
    """One stay of one person in the online meeting."""

    who: Side
    joined_at: Instant
    left_at: Instant


class Session(_Part, frozen=True, kw_only=True):
    """One meeting, merged from all calendars that show it.

    `observations` are in any order (at least one; equal `at`s keep theirs). `attendance` is None
    when nothing was recorded, and empty when it was recorded and neither of the two came.
    """

    id: Text
    observations: Annotated[tuple[Observation, ...], Meta(min_length=1)]
    statements: tuple[Statement, ...] = ()
    attendance: tuple[Presence, ...] | None = None


class Absence(_Part, frozen=True, kw_only=True):
    """Days on which one or both are away, first and last included (`from` and `to` in the file)."""

    who: Away
    first_on: date = field(name="from")
    last_on: date = field(name="to")
    kind: AbsenceKind | UnsetType = UNSET


class Evidence(_Part, frozen=True, kw_only=True):
    """All that is known of one pair; `ends_on` is the agreement's last day, session ids are unique.

    `observed_until`: up to this moment the pair's calendars are known to have been read.
    `now` is only the moment the file proposes to judge at; `judge` is told its own.
    """

    pair: Text
    timezone: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    policy: Policy = Policy()
    observed_until: Instant | None
    now: Instant | UnsetType = UNSET
    sessions: tuple[Session, ...]
    absences: tuple[Absence, ...] = ()
