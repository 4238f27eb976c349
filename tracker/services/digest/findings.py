"""What one pair gives a digest to tell. Pure: it reads ledgers and evidence, and judges nothing itself.

HR hears of a miss only after the two had the time to put it right or to explain it (see tracker.manners).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.ledger import (
    Evidence,
    Health,
    HealthReason,
    Ledger,
    Outcome,
    PeriodVerdict,
    Reason,
    Session,
    Side,
    Verdict,
)
from tracker.ledger.zones import find_midnight
from tracker.manners import WEEK, Word, told_to_hr_from
from tracker.services.digest.facts import (
    GoodKind,
    GoodNews,
    MissedPair,
    MissedPeriod,
    OpenSession,
    PairName,
    UnscheduledPair,
    WaitingPair,
)

# As long as the two themselves are asked, see tracker.services.pairview.
ASKED_FOR = timedelta(days=30)
# Whoever met early need not plan the period after the next yet.
SOON = timedelta(days=7)
OPEN_OUTCOMES = (Outcome.DISPUTED, Outcome.UNCONFIRMED, Outcome.AWAITING)
DECIDED = (Verdict.MET, Verdict.MISSED)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """A period's verdict became this one at `at`, as the reviews wrote it down."""

    starts_on: date
    at: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Chapter:
    """One agreement of a pair: what is known, the ledger now and as the week began, and the past reviews.

    `remarks` hold what the two say of missed periods, `words` how they were told of them; both by first days.
    """

    evidence: Evidence
    ledger: Ledger
    before: Ledger
    changes: Sequence[Change]
    remarks: Mapping[date, tuple[tuple[Side, str], ...]] = field(default_factory=dict)
    words: Mapping[date, Sequence[Word]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """Return the pair's day at which the ledger was judged."""
        return self.ledger.now.astimezone(ZoneInfo(self.evidence.timezone)).date()


@dataclass(frozen=True, slots=True)
class Case:
    """A pair with its chapters, oldest first; the last one is the agreement that runs, or ran last."""

    pair: PairName
    chapters: Sequence[Chapter]

    @property
    def running(self) -> Chapter:
        """Return the latest chapter."""
        return self.chapters[-1]

    @property
    def decided(self) -> list[PeriodVerdict]:
        """Return the periods of all chapters that are met or missed, as far as HR may know, oldest first."""
        return [
            p
            for c in self.chapters
            for p in c.ledger.periods
            if p.verdict in DECIDED and not is_between_the_two(c, p)
        ]


def find_missed(case: Case) -> tuple[MissedPair | None, MissedPair | None]:
    """Return the pair's misses that are new this week; or else its older ones, if the latest is a miss."""
    new = [p for c in case.chapters for p in _new_misses(c)]
    if new:
        return _missed(case, new), None
    streak = _streak(case)
    running = case.running.ledger.health is not Health.ENDED
    return None, _missed(case, streak[-1:]) if streak and running else None


def is_between_the_two(chapter: Chapter, period: PeriodVerdict) -> bool:
    """Tell whether the period is missed, and the two still have time to put it right or to explain it."""
    return period.verdict is Verdict.MISSED and _heard_from(chapter, period) > chapter.ledger.now


def _heard_from(chapter: Chapter, period: PeriodVerdict) -> datetime:
    told_at = told_missed_at([c for c in chapter.changes if c.starts_on == period.starts_on])
    zone = chapter.evidence.timezone
    # Where no review has written it down yet, it is known since the period closed.
    closing = period.ends_before.toordinal() + chapter.evidence.policy.grace_days
    missed_at = told_at or find_midnight(ZoneInfo(zone), closing)
    return told_to_hr_from(missed_at, zone, chapter.words.get(period.starts_on, ()))


def _missed(case: Case, periods: Iterable[PeriodVerdict]) -> MissedPair:
    ledger, streak = case.running.ledger, len(_streak(case))
    remarks = {first_on: said for c in case.chapters for first_on, said in c.remarks.items()}
    return MissedPair(
        pair=case.pair,
        periods=tuple(
            MissedPeriod(
                p.starts_on,
                p.ends_before - _DAY,
                p.reason or Reason.NO_SESSION,
                p.missed_by,
                remarks.get(p.starts_on, ()),
            )
            for p in periods
        ),
        in_a_row=streak,
        calls_for_a_word=streak >= case.running.evidence.policy.escalate_after,
        sees_ahead=ledger.health is not Health.UNKNOWN,
        next_session_on=_next_session_on(case.running),
    )


def _streak(case: Case) -> list[PeriodVerdict]:
    streak: list[PeriodVerdict] = []
    for period in reversed(case.decided):
        if period.verdict is not Verdict.MISSED:
            break
        streak.insert(0, period)
    return streak


def _next_session_on(chapter: Chapter) -> date | None:
    at = chapter.ledger.next_session
    return at.astimezone(ZoneInfo(chapter.evidence.timezone)).date() if at else None


def _new_misses(chapter: Chapter) -> list[PeriodVerdict]:
    missed = [p for p in chapter.ledger.periods if p.verdict is Verdict.MISSED]
    return [p for p in missed if not is_between_the_two(chapter, p) and not _was_told(chapter, p)]


def _was_told(chapter: Chapter, period: PeriodVerdict) -> bool:
    """Tell whether an earlier week's digest came upon the miss; one that came upon `unknown` said nothing."""
    changes = [c for c in chapter.changes if c.starts_on == period.starts_on]
    heard_from, digest_at = _heard_from(chapter, period), chapter.before.now
    while digest_at >= heard_from:
        past = [c for c in changes if c.at <= digest_at]
        if not past or max(past, key=lambda c: c.at).verdict is Verdict.MISSED:
            return True
        digest_at -= WEEK
    return False


def told_missed_at(changes: Iterable[Change]) -> datetime | None:
    """Return when the period came to be missed, as it stands; None where the last word is another.

    `unknown` in between takes nothing back: it was only our view that was clouded.
    """
    told: datetime | None = None
    for change in sorted(changes, key=lambda c: c.at):
        if change.verdict is Verdict.MISSED:
            told = told or change.at
        elif change.verdict is not Verdict.UNKNOWN:
            told = None
    return told


def find_waiting(case: Case) -> WaitingPair | None:
    """Return the sessions of the last weeks of which is not known whether they took place."""
    found = [s for c in case.chapters for s in _open_sessions(c)]
    return WaitingPair(case.pair, tuple(sorted(found, key=lambda s: s.on))) if found else None


def _open_sessions(chapter: Chapter) -> Iterable[OpenSession]:
    now = chapter.ledger.now
    outcomes = {s.id: s.outcome for s in chapter.ledger.sessions if s.outcome in OPEN_OUTCOMES}
    for session in chapter.evidence.sessions:
        if session.id not in outcomes:
            continue
        latest = max((o for o in session.observations if o.at <= now), key=lambda o: o.at)
        if now - latest.ends_at < ASKED_FOR:
            on = latest.starts_at.astimezone(ZoneInfo(chapter.evidence.timezone)).date()
            words = _words(session, now)
            yield OpenSession(
                on=on,
                outcome=outcomes[session.id],
                silent=tuple(s for s in Side if s not in words),
                say_held=tuple(s for s in Side if words.get(s)),
            )


def _words(session: Session, now: datetime) -> dict[Side, bool]:
    said = sorted((s for s in session.statements if s.at <= now), key=lambda s: s.at)
    return {s.by: s.held for s in said}


def find_unscheduled(case: Case) -> UnscheduledPair | None:
    """Return when time runs out for a pair that has nothing on the calendar; None where all is well.

    Where the calendars could not be read, nobody can say that nothing is there.
    """
    chapter, ledger = case.running, case.running.ledger
    if ledger.health in (Health.ENDED, Health.UNKNOWN, Health.NOT_STARTED):
        return None
    urgent = HealthReason.NOTHING_SCHEDULED in ledger.health_reasons
    if not urgent and ledger.next_session is not None:
        return None
    soon = chapter.today + SOON
    empty = [p for p in ledger.periods if p.verdict is Verdict.OPEN and p.starts_on <= soon]
    if urgent:
        empty = [p for p in empty if p.starts_on <= chapter.today < p.ends_before]
    return UnscheduledPair(case.pair, _counts_until(chapter, empty[0]), urgent) if empty else None


def _counts_until(chapter: Chapter, period: PeriodVerdict) -> date:
    last = period.ends_before - _DAY
    grace = timedelta(days=chapter.evidence.policy.grace_days)
    return last if last >= chapter.today else last + grace


def find_good(case: Case) -> GoodNews | None:
    """Return the best of what this pair did this week, if anything is worth telling."""
    known = {p.starts_on for c in case.chapters for p in c.before.periods if p.verdict is Verdict.MET}
    decided = case.decided
    fresh = [i for i, p in enumerate(decided) if p.verdict is Verdict.MET and p.starts_on not in known]
    found = [(kind, decided[i]) for i in fresh if (kind := _praise(decided, i))]
    if not found:
        return None
    kind, period = min(found, key=lambda f: list(GoodKind).index(f[0]))
    return GoodNews(case.pair, kind, period.starts_on, period.ends_before - _DAY)


def _praise(decided: Sequence[PeriodVerdict], at: int) -> GoodKind | None:
    if at > 0 and decided[at - 1].verdict is Verdict.MISSED:
        return GoodKind.BACK
    if at == 0:
        return GoodKind.FIRST
    return GoodKind.NEW_DATE if decided[at].reason is Reason.RESCHEDULED else None


def count_newly_met(case: Case) -> int:
    """Return how many periods are met now and were not when the week began."""
    return sum(
        p.verdict is Verdict.MET
        and p.starts_on not in {b.starts_on for b in c.before.periods if b.verdict is Verdict.MET}
        for c in case.chapters
        for p in c.ledger.periods
    )


def count_newly_missed(case: Case) -> int:
    """Return how many misses HR hears of this week for the first time."""
    return sum(len(_new_misses(chapter)) for chapter in case.chapters)
