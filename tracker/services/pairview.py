"""One pair in full: agreement, ledgers, and what every period rests on. For reading alone; never judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.ledger import Absence, Evidence, Ledger, Outcome, Policy, Side, decode_ledger
from tracker.models import Agreement, Calendar, CalendarStatus, LedgerRow, Pair, Remark
from tracker.services.beats import Beat, beats_of, current_beat
from tracker.services.evidence import load_evidence, policy_of, those_that_count
from tracker.services.overview import Card
from tracker.services.remarks import load_remarks
from tracker.services.stories import Story, load_stories

# Answers are asked for as long as somebody may remember.
ASKED_FOR_DAYS = 30


@dataclass(frozen=True, slots=True)
class Chapter:
    """One period, the sessions that bear on it (earliest first), who was away in it, what the two say of it.

    `remarks` are for HR and for whoever wrote them, never for the partner.
    """

    beat: Beat
    agreement: Agreement
    stories: tuple[Story, ...]
    absences: tuple[Absence, ...]
    remarks: tuple[tuple[Side, str], ...]

    def remark_of(self, side: Side | None) -> str:
        """Return what that side says of the period, '' where it says nothing."""
        return dict(self.remarks).get(side, "") if side else ""

    @property
    def serving(self) -> list[Story]:
        """Return the sessions that fill the period's slots, in their order."""
        by_key = {story.key: story for story in self.stories}
        return [by_key[key] for key in self.beat.period.sessions if key in by_key]


@dataclass(frozen=True, slots=True)
class CalendarState:
    """How far one side's calendars were read; `last_read_at` None means that one of them never was."""

    side: Side
    connected: bool
    last_read_at: datetime | None
    problem: str | None  # the code of what keeps one of them from being read
    is_stale: bool


@dataclass(frozen=True, slots=True)
class PairView:
    """All that the page of a pair shows, the words of goals excepted."""

    pair: Pair
    agreement: Agreement
    policy: Policy
    ledger: Ledger | None
    judged_at: datetime | None
    observed_until: datetime | None
    chapters: tuple[Chapter, ...]
    stories: tuple[Story, ...]
    calendars: tuple[CalendarState, ...]

    @property
    def beats(self) -> list[Beat]:
        """Return the periods of all agreements, oldest first."""
        return [chapter.beat for chapter in self.chapters]

    @property
    def card(self) -> Card:
        """Return the pair as lists show it."""
        return Card(self.pair, self.agreement, self.ledger, tuple(self.beats))

    @property
    def now_beat(self) -> Beat | None:
        """Return the period that is running."""
        return current_beat(self.beats)

    @property
    def serves(self) -> dict[str, Beat]:
        """Return for which period each session counts."""
        return {key: beat for beat in self.beats for key in beat.period.sessions}

    @property
    def last_held(self) -> Story | None:
        """Return the latest session that took place."""
        held = (s for s in reversed(self.stories) if s.outcome and s.outcome.outcome is Outcome.HELD)
        return next(held, None)

    def coming(self, now: datetime) -> list[Story]:
        """Return the sessions that are still to come or running, earliest first."""
        return [
            s for s in self.stories
            if s.outcome and s.outcome.outcome is Outcome.SCHEDULED and s.ends_at > now
        ]  # fmt: skip

    def asked(self, side: Side, now: datetime) -> list[Story]:
        """Return the sessions of which this side has not spoken and should, latest first."""
        return [
            s
            for s in reversed(self.stories)
            if s.word_of(side) is None and (now - s.ends_at).days < ASKED_FOR_DAYS and _is_open(s, side)
        ]

    def answered(self, side: Side) -> list[Story]:
        """Return the sessions of which this side has spoken and which are not settled, latest first."""
        unsettled = (Outcome.AWAITING, Outcome.DISPUTED)
        return [
            s
            for s in reversed(self.stories)
            if s.outcome and s.outcome.outcome in unsettled and s.word_of(side)
        ]


def load_view(db: OrmSession, pair: Pair, now: datetime) -> PairView:
    """Return everything about the pair as it was judged last, seen at `now`."""
    rows = {row.agreement_id: row for row in _ledger_rows(db, pair)}
    ledgers = {agreement_id: decode_ledger(row.document) for agreement_id, row in rows.items()}
    stories = load_stories(db, pair, ledgers.values())
    agreement = running_agreement(pair.agreements, now.date())
    evidence = {each.agreement_id: each.evidence for each in load_evidence(db, [pair.id])}
    policy = policy_of(pair.program.policy)
    row = rows.get(agreement.id)
    said = load_remarks(db, list(ledgers))
    chapters = [
        _chapter(beat, a, stories, evidence[a.id], said)
        for a in pair.agreements
        if a.id in ledgers
        for beat in beats_of(ledgers[a.id], a.timezone, now)
    ]
    return PairView(
        pair=pair,
        agreement=agreement,
        policy=policy,
        ledger=ledgers.get(agreement.id),
        judged_at=row.judged_at if row else None,
        observed_until=evidence[agreement.id].observed_until,
        chapters=tuple(chapters),
        stories=tuple(stories.values()),
        calendars=tuple(_calendar_state(db, pair, side, policy, now) for side in Side),
    )


def _is_open(story: Story, side: Side) -> bool:
    if story.outcome is None:
        return False
    # What the other one told of is asked about also when their word alone has settled it by now.
    told_by_other = story.told_by not in (None, side)
    return told_by_other or story.outcome.outcome in (Outcome.AWAITING, Outcome.UNCONFIRMED)


def running_agreement(agreements: Sequence[Agreement], today: date) -> Agreement:
    """Return the latest agreement that has begun; where none has, the first to come."""
    begun = [a for a in agreements if a.starts_on <= today]
    return max(begun, key=lambda a: a.starts_on) if begun else min(agreements, key=lambda a: a.starts_on)


def _ledger_rows(db: OrmSession, pair: Pair) -> Sequence[LedgerRow]:
    ids = [a.id for a in pair.agreements]
    return db.scalars(select(LedgerRow).where(LedgerRow.agreement_id.in_(ids))).all()


def _chapter(
    beat: Beat,
    agreement: Agreement,
    stories: dict[str, Story],
    evidence: Evidence,
    said: Sequence[Remark],
) -> Chapter:
    zone = ZoneInfo(agreement.timezone)
    away = [a for a in evidence.absences if a.first_on <= beat.last_on and a.last_on >= beat.starts_on]
    bearing = [story for story in stories.values() if _bears_on(story, beat, zone)]
    remarks = [
        (Side(r.side), r.text)
        for r in said
        if (r.agreement_id, r.starts_on) == (agreement.id, beat.starts_on)
    ]
    return Chapter(beat, agreement, tuple(bearing), tuple(away), tuple(remarks))


def _bears_on(story: Story, beat: Beat, zone: ZoneInfo) -> bool:
    if story.key in beat.period.sessions:
        return True
    moments = [story.starts_at, *([story.outcome.origin] if story.outcome else [])]
    return any(beat.starts_on <= moment.astimezone(zone).date() <= beat.last_on for moment in moments)


def _calendar_state(db: OrmSession, pair: Pair, side: Side, policy: Policy, now: datetime) -> CalendarState:
    person_id = pair.mentor_id if side is Side.MENTOR else pair.mentee_id
    calendars = those_that_count(db.scalars(select(Calendar).where(Calendar.person_id == person_id)).all())
    connected = [c for c in calendars if c.status is CalendarStatus.CONNECTED]
    readings = [c.last_read_at for c in connected or calendars]
    # As far as all of them were read: one that never was leaves everything open.
    last = min((r for r in readings if r), default=None) if all(readings) else None
    return CalendarState(
        side=side,
        connected=bool(connected),
        last_read_at=last,
        problem=next((c.problem for c in connected if c.problem), None),
        is_stale=bool(calendars) and (last is None or (now - last).days >= policy.stale_after_days),
    )
