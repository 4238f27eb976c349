"""What the two of a pair may be reminded of, as its ledger stands. Pure: no database, and nothing is sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.ledger import Health, Ledger, Outcome, PeriodVerdict, Policy, Side, Verdict
from tracker.ledger.zones import find_midnight
from tracker.manners import MISS_LASTS
from tracker.models import NudgeKind

SETTLING = timedelta(minutes=30)  # a session that ended just now may run over
LAST_CALL = timedelta(hours=24)
AGAIN = "/again"  # the last call is a reminder of its own


@dataclass(frozen=True, slots=True)
class Spoken:
    """When a session ended, and which sides have said what became of it."""

    session_id: int
    ends_at: datetime
    by: frozenset[Side] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """One agreement: its latest ledger, sessions that wait for an answer, and when misses came to light."""

    agreement_id: int
    timezone: str
    policy: Policy
    ledger: Ledger
    spoken: Mapping[str, Spoken] = field(default_factory=dict)  # by the session's key
    missed_at: Mapping[date, datetime] = field(default_factory=dict)  # by the period's first day


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that one side may be reminded of, from `due_at` until `expires_at`."""

    side: Side
    kind: NudgeKind
    about: str
    due_at: datetime
    expires_at: datetime


def find_wanted(facts: Facts, now: datetime) -> list[Wanted]:
    """Return what each side may be reminded of from now on."""
    found = [*_to_confirm(facts), *_to_plan(facts, now), *_missed(facts)]
    return [each for each in found if each.expires_at > now]


def about_session(session_id: int) -> str:
    """Return what a question about a session is known by."""
    return f"session:{session_id}"


def about_period(agreement_id: int, starts_on: date) -> str:
    """Return what a reminder about a period is known by."""
    return f"period:{agreement_id}/{starts_on.isoformat()}"


def period_of(about: str) -> tuple[int, date]:
    """Return the agreement and the first day of the period that a reminder about a period names."""
    number, _, starts_on = about.partition(":")[2].partition("/")
    return int(number), date.fromisoformat(starts_on)


def _to_confirm(facts: Facts) -> Iterator[Wanted]:
    waiting = (s.id for s in facts.ledger.sessions if s.outcome is Outcome.AWAITING)
    for spoken in (facts.spoken[key] for key in waiting if key in facts.spoken):
        over = spoken.ends_at + timedelta(days=facts.policy.confirm_within_days)
        first, name = spoken.ends_at + SETTLING, about_session(spoken.session_id)
        for side in sorted(set(Side) - spoken.by):
            yield Wanted(side, NudgeKind.CONFIRM, name, first, over)
            if over - LAST_CALL > first + LAST_CALL:
                yield Wanted(side, NudgeKind.CONFIRM, name + AGAIN, over - LAST_CALL, over)


def _to_plan(facts: Facts, now: datetime) -> Iterator[Wanted]:
    # Where the calendars could not be read, nobody can say that nothing is planned.
    if facts.ledger.health is Health.UNKNOWN:
        return
    for period in facts.ledger.periods:
        if period.verdict is Verdict.OPEN:
            start, end = _instants(facts, period)
            due_at = start + (end - start) * 2 / 3
            if due_at > now:
                return  # periods stand in order, and the pair is judged again at that moment
            name = about_period(facts.agreement_id, period.starts_on)
            for side in Side:
                yield Wanted(side, NudgeKind.PLAN, name, due_at, end)


def _missed(facts: Facts) -> Iterator[Wanted]:
    for period in facts.ledger.periods:
        at = facts.missed_at.get(period.starts_on)
        if period.verdict is Verdict.MISSED and at is not None:
            name = about_period(facts.agreement_id, period.starts_on)
            for side in Side:
                yield Wanted(side, NudgeKind.MISSED, name, at, at + MISS_LASTS)


def _instants(facts: Facts, period: PeriodVerdict) -> Sequence[datetime]:
    zone = ZoneInfo(facts.timezone)
    return [find_midnight(zone, day.toordinal()) for day in (period.starts_on, period.ends_before)]
