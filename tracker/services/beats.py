"""A pair's periods as pictures show them: one beat each, with its mark. Never judges; it reads ledgers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tracker.ledger import Ledger, Outcome, PeriodVerdict, Verdict
from tracker.wording import Mark, mark_of

_UNSETTLED = (Outcome.AWAITING, Outcome.DISPUTED, Outcome.UNCONFIRMED)


class Place(StrEnum):
    """Where a period lies, seen from today."""

    PAST = "past"
    NOW = "now"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Beat:
    """One period: its first and last day (both in it), its verdict, its mark and where it lies."""

    starts_on: date
    last_on: date
    place: Place
    mark: Mark
    period: PeriodVerdict


def beats_of(ledger: Ledger, timezone: str, now: datetime) -> list[Beat]:
    """Return the ledger's periods in order, oldest first, as seen on the pair's day of `now`."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    outcomes = {session.id: session.outcome for session in ledger.sessions}
    return [_beat(period, outcomes, today) for period in ledger.periods]


def nearest(beats: Sequence[Beat], most: int, ahead: int = 2) -> list[Beat]:
    """Return up to `most` beats around today: at most `ahead` that are still to come, the rest before."""
    behind = sum(beat.place is not Place.AHEAD for beat in beats)
    stop = min(len(beats), behind + ahead)
    if stop < most:
        stop = min(len(beats), most)
    return list(beats[max(0, stop - most) : stop])


def current_beat(beats: Iterable[Beat]) -> Beat | None:
    """Return the period that today lies in, if there is one."""
    return next((beat for beat in beats if beat.place is Place.NOW), None)


def _beat(period: PeriodVerdict, outcomes: Mapping[str, Outcome], today: date) -> Beat:
    place = Place.AHEAD if period.starts_on > today else Place.NOW
    if period.ends_before <= today:
        place = Place.PAST
    last = period.ends_before - timedelta(days=1)
    return Beat(period.starts_on, last, place, _mark(period, outcomes), period)


def _mark(period: PeriodVerdict, outcomes: Mapping[str, Outcome]) -> Mark:
    # A period that is not over is `planned` also when its session has ended and waits for an answer. To call
    # yesterday's session "planned" would puzzle the two, so the picture shows what it waits for.
    if period.verdict is Verdict.PLANNED:
        unsettled = [o for key in period.sessions if (o := outcomes.get(key)) in _UNSETTLED]
        if unsettled:
            return mark_of(unsettled[0])
    return mark_of(period.verdict, period.reason)
