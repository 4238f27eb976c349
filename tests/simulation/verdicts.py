"""Holding what the product said against the truth, as the slow oracle of the ledger's rules judges it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tests.ledger.oracle import judge_slowly
from tests.simulation.company import Company
from tests.simulation.life import LENGTH, Life, Meeting, State, day_of, tick_at
from tests.simulation.provider import event_of
from tracker.manners import LONGEST_HEAD_START
from tracker.models import Agreement, LedgerRow, SessionKey, VerdictChange
from tracker.observing import slot_of
from tracker.store import portions

Json = dict[str, Any]
# How the product names a session, by its slot: of two that begin at the same moment, the rules take the one
# that comes first by name.
Names = Mapping[str, str]
NAMELESS: Names = {}
# By then HR has heard of a miss: the longest that the two are waited for, the next Monday, and a day.
TOLD_BY = LONGEST_HEAD_START + timedelta(days=8)
MOST_ASKED = 2  # a question, and its last call
COMPARED = ("due", "met", "consecutive_missed", "missed_by_mentor", "missed_by_mentee", "health")
CHUNK = 500


@dataclass
class Findings:
    """What was wrong, by kind (`false`, `lost`, `double`, `other`), with examples; what was looked at."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    periods: int = 0
    missed: int = 0

    def add(self, kind: str, example: str) -> None:
        """Note one."""
        self.counts[kind] += 1
        if len(self.examples) < 20:
            self.examples.append(f"{kind}: {example}")

    def take_in(self, other: Findings) -> None:
        """Add what was found in another part of the company."""
        self.counts.update(other.counts)
        self.examples += other.examples
        self.periods += other.periods
        self.missed += other.missed

    def __str__(self) -> str:
        said = ", ".join(f"{self.counts[kind]} {kind}" for kind in ("false", "lost", "double", "other"))
        return f"{said} in {self.periods:,} periods, {self.missed:,} of them missed"


def judge_truth(life: Life, day: int, names: Names = NAMELESS) -> Json:
    """Return the oracle's ledger of what is true of the pair, as it could be known on that day."""
    return judge_slowly(truth_of(life, day, names), tick_at(day))


def truth_of(life: Life, day: int, names: Names = NAMELESS) -> Json:
    """Return the pair's evidence without any detour."""
    return {
        "pair": f"life {life.number}",
        "timezone": life.zone,
        "starts_on": life.starts_on.isoformat(),
        "ends_on": life.ends_on.isoformat(),
        "cadence": {"sessions": 1, "every": life.every, "unit": life.unit},
        "observed_until": tick_at(min(_last_read(life, side, day) for side in life.calendars)).isoformat(),
        "sessions": [_session(life, n, day, names) for n in range(len(life.meetings))],
        "absences": [
            {"who": leave.side, "from": leave.first.isoformat(), "to": leave.last.isoformat()}
            for leave in life.leaves
            if leave.day <= day
        ],
    }


def _last_read(life: Life, side: str, day: int) -> int:
    while life.is_failing(side, day):
        day -= 1
    return day


def _session(life: Life, number: int, day: int, names: Names) -> Json:
    meeting = life.meetings[number]
    return {
        "id": names.get(slot_of(event_of(life, meeting, 0, life.host)), f"unknown {number:04}"),
        "observations": [_observation(life, meeting, state, day) for state in meeting.states],
        "statements": [
            {"by": s.side, "at": tick_at(s.day).isoformat(), "held": s.held, "absent": list(s.absent)}
            for s in meeting.said
        ],
    }


def _observation(life: Life, meeting: Meeting, state: State, day: int) -> Json:
    host = _host_said(life, meeting, state, day)
    seen = {
        "at": state.at.isoformat(),
        "starts_at": host.start.isoformat(),
        "ends_at": (host.start + LENGTH).isoformat(),
        "status": "cancelled" if host.is_off else "confirmed",
        "declined_by": [life.guest] if state.declined else [],
    }
    # Only the organiser's own calendar tells who called it off.
    if host.is_off and life.host in life.calendars and _last_read(life, life.host, day) >= day_of(host.at):
        seen["cancelled_by"] = life.host
    return seen


def _host_said(life: Life, meeting: Meeting, state: State, day: int) -> State:
    """Return the latest state up to this one that the organiser's own calendar showed when it was read.

    Its word on time and cancellation it is: what the guest's shows of a change meanwhile waits for it.
    """
    if life.host not in life.calendars:
        return state
    read = _last_read(life, life.host, day)
    known = [s for s in meeting.states if s.at <= state.at and day_of(s.at) <= read]
    return known[-1] if known else state


@dataclass(frozen=True, slots=True)
class Kept:
    """What the product keeps of one pair: its ledger, what changed in it, and how it names sessions."""

    ledger: Json
    changes: Sequence[VerdictChange]
    names: Names


_KEYS = select(SessionKey).options(joinedload(SessionKey.session))


def load_kept(company: Company, lives: Iterable[Life]) -> Iterable[tuple[Life, Kept]]:
    """Yield what is kept of these pairs."""
    for some in portions(lives, CHUNK):
        numbers = {company.pair_ids[life.number]: life for life in some}
        with company.store.read() as db:
            rows = db.execute(
                select(Agreement.pair_id, LedgerRow.agreement_id, LedgerRow.document)
                .join(LedgerRow, LedgerRow.agreement_id == Agreement.id)
                .where(Agreement.pair_id.in_(numbers))
            ).all()
            changes = defaultdict(list)
            of_these = VerdictChange.agreement_id.in_([row.agreement_id for row in rows])
            for change in db.scalars(select(VerdictChange).where(of_these).order_by(VerdictChange.id)):
                changes[change.agreement_id].append(change)
            names: dict[int, dict[str, str]] = defaultdict(dict)
            for key in db.scalars(_KEYS.where(SessionKey.pair_id.in_(numbers))):
                names[key.pair_id][key.slot] = key.session.key
        for row in rows:
            ledger, pair_id = msgspec.json.decode(row.document), row.pair_id
            yield numbers[pair_id], Kept(ledger, changes[row.agreement_id], names[pair_id])


def compare(company: Company, lives: Iterable[Life], day: int, findings: Findings) -> None:
    """Hold the ledgers as they are kept now against the truth of that day."""
    for life, kept in load_kept(company, lives):
        truth = judge_truth(life, day, kept.names)
        pairs = zip(truth["periods"], kept.ledger["periods"], strict=True)
        for true, told in pairs:
            _compare_period(life, true, told, findings)
        for name in COMPARED:
            if truth[name] != kept.ledger[name]:
                findings.add("other", f"{life.number} {name}: {truth[name]}, said {kept.ledger[name]}")


def _compare_period(life: Life, true: Json, told: Json, findings: Findings) -> None:
    content = [(p["starts_on"], p["verdict"], p["reason"], p["missed_by"]) for p in (true, told)]
    findings.periods += 1
    findings.missed += true["verdict"] == "missed"
    if content[0] != content[1]:
        missed = (true["verdict"] == "missed", told["verdict"] == "missed")
        kind = {(False, True): "false", (True, False): "lost"}.get(missed, "other")
        findings.add(kind, f"{life.number} {content[0]}, said {content[1]}")


def follow(company: Company, lives: Iterable[Life], day: int, findings: Findings, every: int = 1) -> None:
    """Hold what was said in the course of the year against what was true then.

    Each miss is judged anew as of its day for one pair in `every`; of all pairs, that no change was noted
    twice, and that HR heard of each miss once.
    """
    told = _weeks_told(company)
    for life, kept in load_kept(company, lives):
        pair_id, by_period = company.pair_ids[life.number], defaultdict(list)
        for change in kept.changes:
            by_period[change.starts_on].append(change)
        for starts_on, changes in by_period.items():
            _follow_changes(life, changes, findings, kept.names if life.number % every == 0 else None)
            _follow_digests(life, changes, told.pop((pair_id, starts_on), []), day, findings)
    for pair_id, starts_on in told:
        findings.add("false", f"HR was told of a miss of pair {pair_id}, {starts_on}, that never was one")


def _weeks_told(company: Company) -> dict[tuple[int, date], list[str]]:
    told = defaultdict(list)
    for pair_id, first_on, week in company.writer.misses:
        told[pair_id, first_on].append(week)
    return told


def _follow_changes(
    life: Life, changes: Sequence[VerdictChange], findings: Findings, names: Names | None
) -> None:
    last = None
    for change in changes:
        content = (change.verdict, change.reason, change.missed_by)
        if content == last:
            findings.add("double", f"{life.number} {change.starts_on} {content} noted twice")
        last = content
        if names is not None and change.verdict == "missed":
            _check_then(life, change, findings, names)


def _check_then(life: Life, change: VerdictChange, findings: Findings, names: Names) -> None:
    truth = judge_truth(life, day_of(change.at), names)
    then = next(p for p in truth["periods"] if p["starts_on"] == change.starts_on.isoformat())
    if then["verdict"] != "missed":
        findings.add("false", f"{life.number} {change.starts_on} was {then['verdict']} on {change.at:%m-%d}")


def _follow_digests(
    life: Life, changes: Sequence[VerdictChange], weeks: Sequence[str], day: int, findings: Findings
) -> None:
    name = f"{life.number} {changes[0].starts_on}"
    since = _misses(changes)
    if len(weeks) > len(since):
        findings.add("double", f"{name}: HR was told in {weeks}, missed since {since}")
    if not since and weeks:
        findings.add("false", f"{name}: HR was told in {weeks} of what is no miss")
    stands = changes[-1].verdict in ("missed", "unknown") and since
    if stands and since[-1] < tick_at(day) - TOLD_BY and not weeks:
        findings.add("lost", f"{name}: missed since {since[-1]:%m-%d}, and HR was never told")


def _misses(changes: Sequence[VerdictChange]) -> list[datetime]:
    """Return when the period came to be missed, each time; `unknown` in between takes nothing back."""
    since: list[datetime] = []
    is_missed = False
    for change in changes:
        if change.verdict == "missed" and not is_missed:
            since.append(change.at)
        is_missed = change.verdict == "missed" or (is_missed and change.verdict == "unknown")
    return since


def listen(company: Company, findings: Findings) -> None:
    """Look for letters that were written twice, or say again what an earlier one said."""
    for (kind, *about), times in company.writer.nudges.items():
        if times > (MOST_ASKED if kind == "ask" else 1):
            findings.add("double", f"{kind} {about} said {times} times")
    for name, times in company.writer.digests.items():
        if times > 1:
            findings.add("double", f"digest {name} written {times} times")
    for _ in range(company.mailer.doubles):
        findings.add("double", "a mail was sent twice")
