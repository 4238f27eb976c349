"""What a digest tells, as plain facts: who missed, who waits, what is not known, what went well.

Pure: no database, no clock, no words. Nobody is named as the cause of a miss whom the ledger does not name,
and a pair whose calendars can not be read is never counted against anybody.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from tracker.ledger import Outcome, Reason, Side
from tracker.services.weeks import Week

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """The first few of many, those that need somebody most in front; `total` counts all."""

    items: tuple[T, ...]
    total: int

    @property
    def more(self) -> int:
        """Return how many are not listed."""
        return self.total - len(self.items)


@dataclass(frozen=True, slots=True)
class PairName:
    """Which pair, and what the two are called."""

    id: int
    mentor: str
    mentee: str
    mentor_id: int
    mentee_id: int

    def name_of(self, side: Side) -> str:
        """Return the name of that side."""
        return self.mentor if side is Side.MENTOR else self.mentee


@dataclass(frozen=True, slots=True)
class MissedPeriod:
    """A period that was missed and not made up for; `missed_by` only as far as evidence names somebody.

    `remarks` are what the two say of it themselves, in their words.
    """

    first_on: date
    last_on: date
    reason: Reason
    missed_by: tuple[Side, ...]
    remarks: tuple[tuple[Side, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MissedPair:
    """A pair with misses, oldest first; `in_a_row` counts back from the latest period.

    `sees_ahead`: the calendars are readable, so that no `next_session_on` means that none is planned.
    `calls_for_a_word`: so many in a row that somebody should speak with the two.
    """

    pair: PairName
    periods: tuple[MissedPeriod, ...]
    in_a_row: int
    sees_ahead: bool
    next_session_on: date | None
    calls_for_a_word: bool = False


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session of which nobody knows whether it took place: who said nothing, and who says that it did."""

    on: date
    outcome: Outcome
    silent: tuple[Side, ...]
    say_held: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class WaitingPair:
    """A pair that still owes an answer, its open sessions oldest first."""

    pair: PairName
    sessions: tuple[OpenSession, ...]


@dataclass(frozen=True, slots=True)
class UnscheduledPair:
    """A pair with nothing on the calendar. A session up to `until` still counts; `urgent`: time runs out."""

    pair: PairName
    until: date
    urgent: bool


class UnreadKind(StrEnum):
    """Why nothing is known."""

    NONE = "none"  # no calendar was ever connected
    NEVER = "never"  # connected, and never read to its end
    TAKEN_AWAY = "taken_away"  # disconnected while the agreement runs
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class UnreadCalendar:
    """Whose calendar could not be read since when (None: never), and how many pairs are not judged for it.

    `problem` is the code of the last failure, if there is one.
    """

    name: str
    kind: UnreadKind
    since: date | None
    problem: str | None
    pairs: int


class GoodKind(StrEnum):
    """What went well, the best first."""

    BACK = "back"
    FIRST = "first"
    NEW_DATE = "new_date"


@dataclass(frozen=True, slots=True)
class GoodNews:
    """What a pair did well this week, for the period from `first_on` to `last_on`."""

    pair: PairName
    kind: GoodKind
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class Numbers:
    """Sessions that were due and took place, up to now and up to the week's begin; pairs by health."""

    pairs: int
    due: int
    met: int
    due_before: int
    met_before: int
    newly_met: int
    newly_missed: int
    health: tuple[tuple[str, int], ...]

    @property
    def percent(self) -> int | None:
        """Return the attendance in percent, None where nothing was due."""
        return _percent(self.met, self.due)

    @property
    def change(self) -> int | None:
        """Return by how many points the attendance rose this week, None where there is nothing to compare."""
        now, before = self.percent, _percent(self.met_before, self.due_before)
        return None if now is None or before is None else now - before


@dataclass(frozen=True, slots=True)
class Digest:
    """A program's week. `as_of` is the end of the week, or now while it still runs (`is_whole` tells)."""

    program_id: int
    program: str
    week: Week
    timezone: str
    as_of: datetime
    is_whole: bool
    new: Listed[MissedPair]
    continuing: Listed[MissedPair]
    waiting: Listed[WaitingPair]
    unscheduled: Listed[UnscheduledPair]
    unread: Listed[UnreadCalendar]
    good: Listed[GoodNews]
    numbers: Numbers

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nobody to tell of."""
        return not self.numbers.pairs and self.is_quiet

    @property
    def is_quiet(self) -> bool:
        """Tell whether there is nothing that anybody could do."""
        lists = (self.new, self.continuing, self.waiting, self.unscheduled, self.unread)
        return not any(listed.total for listed in lists)


def _percent(part: int, whole: int) -> int | None:
    return None if whole == 0 else round(100 * part / whole)
