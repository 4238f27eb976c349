"""The weekly digest: what HR should know of a program, and what would help. Stores and sends nothing.

It is told as it was known at the end of the week (now, while the week runs): evidence that came later does
not exist yet. A miss is new once, in the week in which the head start of the two is over.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from tracker.errors import BadInput
from tracker.ledger import Health, Side, Verdict, judge
from tracker.manners import LONGEST_HEAD_START, Word
from tracker.models import Agreement, LedgerRow, Pair, Person, Program, VerdictChange
from tracker.services.digest.calendars import find_unread
from tracker.services.digest.facts import (
    Digest,
    GoodKind,
    GoodNews,
    Listed,
    MissedPair,
    Numbers,
    PairName,
    UnscheduledPair,
    WaitingPair,
)
from tracker.services.digest.findings import (
    OPEN_OUTCOMES,
    Case,
    Change,
    Chapter,
    count_newly_met,
    count_newly_missed,
    find_good,
    find_missed,
    find_unscheduled,
    find_waiting,
)
from tracker.services.evidence import AgreementEvidence, load_evidence
from tracker.services.headstarts import load_words
from tracker.services.remarks import load_remarks
from tracker.services.weeks import Week, latest_week
from tracker.store import portions
from tracker.tags import fold

T = TypeVar("T")
Remarks = dict[date, tuple[tuple[Side, str], ...]]
CHUNK = 500
# Agreements that ended longer ago are of the past, unless something came to light of them.
STILL_TOLD_OF = timedelta(days=28)
# What a letter can hold and a person will read; the board has all of them.
MOST = {"new": 20, "continuing": 12, "waiting": 12, "unscheduled": 12, "unread": 10, "good": 8}


@dataclass(frozen=True, slots=True)
class Span:
    """From the begin of a week to its end, or to now while it runs."""

    week: Week
    timezone: str
    starts_at: datetime
    as_of: datetime
    is_whole: bool


@dataclass(slots=True)
class _Found:
    new: list[MissedPair] = field(default_factory=list)
    continuing: list[MissedPair] = field(default_factory=list)
    waiting: list[WaitingPair] = field(default_factory=list)
    unscheduled: list[UnscheduledPair] = field(default_factory=list)
    good: list[GoodNews] = field(default_factory=list)
    not_known: list[tuple[PairName, int]] = field(default_factory=list)
    health: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)


def find_programs(db: OrmSession, name: str | None = None) -> Sequence[Program]:
    """Return all programs by name, or the one that is called so, whatever its case and accents.

    Raises BadInput where none is.
    """
    programs = db.scalars(select(Program).order_by(Program.name)).all()
    if name is None:
        return programs
    named = [p for p in programs if fold(p.name) == fold(name)]
    if not named:
        known = ", ".join(p.name for p in programs) or "none yet"
        raise BadInput(f"There is no program {name!r}. Programs: {known}.")
    return named


def span_of(db: OrmSession, program: Program, week: Week | None, now: datetime) -> Span:
    """Return what time to tell of; None is the week of yesterday. Raises BadInput for a week to come."""
    timezone = zone_of(db, program)
    week = week or latest_week(now, timezone)
    starts_at, ends_at = week.starts_at(timezone), week.ends_at(timezone)
    if starts_at > now:
        raise BadInput(
            f"The week {week.name} has not begun yet. The latest is {latest_week(now, timezone).name}."
        )
    return Span(week, timezone, starts_at, min(now, ends_at), is_whole=now >= ends_at)


def zone_of(db: OrmSession, program: Program) -> str:
    """Return the time zone of most of the program's agreements: its weeks begin and end there."""
    count = func.count(Agreement.id)
    zones = select(Agreement.timezone).join(Pair).where(Pair.program_id == program.id)
    most = zones.group_by(Agreement.timezone).order_by(count.desc(), Agreement.timezone).limit(1)
    return db.scalar(most) or "UTC"


def build_digest(db: OrmSession, program: Program, span: Span) -> Digest:
    """Judge the program's pairs as of the span's end, and return what there is to tell."""
    found = _Found(sums=_count_past(db, program, span))
    for case in _cases(db, program, span):
        _note(found, case)
    return Digest(
        program_id=program.id,
        program=program.name,
        week=span.week,
        timezone=span.timezone,
        as_of=span.as_of,
        is_whole=span.is_whole,
        new=_listed("new", found.new, _by_misses),
        continuing=_listed("continuing", found.continuing, _by_misses),
        waiting=_listed("waiting", found.waiting, _by_openness),
        unscheduled=_listed("unscheduled", found.unscheduled, _by_time_left),
        unread=_listed(
            "unread", find_unread(db, found.not_known, span.as_of, span.timezone), lambda u: -u.pairs
        ),
        good=_listed("good", found.good, _by_joy),
        numbers=_numbers(found),
    )


def _cases(db: OrmSession, program: Program, span: Span) -> Iterator[Case]:
    here = Pair.program_id == program.id
    ids = db.scalars(select(Pair.id).where(here, _is_of_today(span)).order_by(Pair.id)).all()
    for portion in portions(ids, CHUNK):
        names = _load_names(db, portion)
        chapters = _load_chapters(db, portion, span)
        yield from (Case(names[pair_id], chapters[pair_id]) for pair_id in portion if pair_id in chapters)


def _is_of_today(span: Span) -> ColumnElement[bool]:
    # Asked of each pair of the program alone: else each program would look through the whole company.
    today = span.as_of.astimezone(ZoneInfo(span.timezone)).date()
    own = aliased(Agreement)
    lately = exists().where(
        own.pair_id == Pair.id, own.starts_on <= today, own.ends_on >= span.week.monday - STILL_TOLD_OF
    )
    late_news = exists().where(
        own.pair_id == Pair.id,
        VerdictChange.agreement_id == own.id,
        VerdictChange.at > span.starts_at - LONGEST_HEAD_START,
        VerdictChange.at <= span.as_of,
    )
    return lately.correlate(Pair) | late_news.correlate(Pair)


def _count_past(db: OrmSession, program: Program, span: Span) -> Counter[str]:
    """Return what was due and met of the pairs of the past. Nothing changes there, so nothing is judged."""
    monday = span.week.monday
    query = (
        select(func.sum(LedgerRow.due), func.sum(LedgerRow.met))
        .join(Agreement, Agreement.id == LedgerRow.agreement_id)
        .join(Pair, Pair.id == Agreement.pair_id)
        .where(Pair.program_id == program.id, Agreement.ends_on < monday, ~_is_of_today(span))
    )
    due, met = db.execute(query).one()
    return Counter({"due": due or 0, "met": met or 0, "due_before": due or 0, "met_before": met or 0})


def _load_names(db: OrmSession, pair_ids: Sequence[int]) -> dict[int, PairName]:
    mentor, mentee = aliased(Person), aliased(Person)
    rows = db.execute(
        select(Pair.id, mentor.name, mentee.name, mentor.id, mentee.id)
        .join(mentor, mentor.id == Pair.mentor_id)
        .join(mentee, mentee.id == Pair.mentee_id)
        .where(Pair.id.in_(pair_ids))
    )
    return {row[0]: PairName(*row) for row in rows}


def _load_chapters(db: OrmSession, pair_ids: Sequence[int], span: Span) -> dict[int, list[Chapter]]:
    known = load_evidence(db, pair_ids, from_memory=True)
    changes = _load_changes(db, [each.agreement_id for each in known])
    remarks = _load_remarks(db, [each.agreement_id for each in known], span)
    words: dict[int, dict[date, Sequence[Word]]] = defaultdict(dict)
    for (agreement_id, starts_on), some in load_words(db, pair_ids, span.starts_at).items():
        words[agreement_id][starts_on] = some
    chapters: dict[int, list[Chapter]] = defaultdict(list)
    for each in known:
        bare = _chapter(each, changes.get(each.agreement_id, ()), span)
        chapter = replace(
            bare, remarks=remarks.get(each.agreement_id, {}), words=words.get(each.agreement_id, {})
        )
        if each.evidence.starts_on <= chapter.today:
            chapters[each.pair_id].append(chapter)
    return chapters


def _chapter(known: AgreementEvidence, changes: Sequence[Change], span: Span) -> Chapter:
    evidence = known.evidence
    ledger, before = judge(evidence, now=span.as_of), judge(evidence, now=span.starts_at)
    return Chapter(evidence, ledger, before, changes)


def _load_remarks(db: OrmSession, agreement_ids: Sequence[int], span: Span) -> dict[int, Remarks]:
    found: dict[int, Remarks] = defaultdict(dict)
    for remark in load_remarks(db, agreement_ids):
        if remark.at <= span.as_of:
            before = found[remark.agreement_id].get(remark.starts_on, ())
            found[remark.agreement_id][remark.starts_on] = (*before, (Side(remark.side), remark.text))
    return found


def _load_changes(db: OrmSession, agreement_ids: Sequence[int]) -> dict[int, list[Change]]:
    found: dict[int, list[Change]] = defaultdict(list)
    for portion in portions(agreement_ids):
        rows = db.execute(
            select(
                VerdictChange.agreement_id, VerdictChange.starts_on, VerdictChange.at, VerdictChange.verdict
            )
            .where(VerdictChange.agreement_id.in_(portion))
            .order_by(VerdictChange.id)
        )
        for row in rows:
            found[row.agreement_id].append(Change(row.starts_on, row.at, Verdict(row.verdict)))
    return found


def _note(found: _Found, case: Case) -> None:
    """Add what this pair gives to tell. Nobody is in two lists of things to do."""
    _count(found, case)
    running = case.running
    if running.ledger.health is Health.UNKNOWN:
        found.not_known.append((case.pair, running.evidence.policy.stale_after_days))
    new, old = find_missed(case)
    if new or old:
        _add(found.new, new)
        _add(found.continuing, old)
        return
    _add(found.good, find_good(case))
    waiting = find_waiting(case)
    _add(found.waiting, waiting)
    if waiting is None:
        _add(found.unscheduled, find_unscheduled(case))


def _add(things: list[T], thing: T | None) -> None:
    if thing is not None:
        things.append(thing)


def _count(found: _Found, case: Case) -> None:
    if case.running.ledger.health is not Health.ENDED:
        found.health[case.running.ledger.health.value] += 1
    for chapter in case.chapters:
        found.sums["due"] += chapter.ledger.due
        found.sums["met"] += chapter.ledger.met
        found.sums["due_before"] += chapter.before.due
        found.sums["met_before"] += chapter.before.met
    found.sums["newly_met"] += count_newly_met(case)
    found.sums["newly_missed"] += count_newly_missed(case)


def _numbers(found: _Found) -> Numbers:
    names = ("due", "met", "due_before", "met_before", "newly_met", "newly_missed")
    counts = {name: found.sums[name] for name in names}
    return Numbers(pairs=found.health.total(), health=tuple(sorted(found.health.items())), **counts)


def _listed(name: str, things: Iterable[T], order: Callable[[T], Any]) -> Listed[T]:
    in_order = sorted(things, key=order)
    return Listed(tuple(in_order[: MOST[name]]), len(in_order))


def _by_misses(missed: MissedPair) -> Any:
    return (-missed.in_a_row, missed.periods[0].first_on, missed.pair.mentor, missed.pair.id)


def _by_openness(waiting: WaitingPair) -> Any:
    # Two who see it differently need somebody; one who was asked yesterday does not yet.
    rank = min(OPEN_OUTCOMES.index(s.outcome) for s in waiting.sessions)
    return (rank, waiting.sessions[0].on, waiting.pair.id)


def _by_time_left(pair: UnscheduledPair) -> Any:
    return (not pair.urgent, pair.until, pair.pair.id)


def _by_joy(news: GoodNews) -> Any:
    return (list(GoodKind).index(news.kind), news.pair.mentor, news.pair.id)
