"""All that is due to one person, put together for one letter. Reads; never writes, never sends."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import joinedload

from tracker.bulk import among
from tracker.ledger import PeriodVerdict, Reason, Side, decode_ledger
from tracker.manners import MISS_LASTS, Word, told_to_hr_from
from tracker.models import Agreement, LedgerRow, Nudge, NudgeKind, Pair, Person, Session
from tracker.services.confirm import side_of
from tracker.services.links import LetterLink, Purpose, letter_link
from tracker.services.nudges.facts import Ask, Bundle, Miss, Plan, SlotLink
from tracker.services.nudges.wanting import period_of
from tracker.services.unsubscribing import unsubscribe_url
from tracker.settings import Settings

LINKS_LAST = timedelta(days=30)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A time at which a pair could meet; `is_sure`: the calendars of both could be seen."""

    starts_at: datetime
    ends_at: datetime
    is_sure: bool


# Asked for a pair and the person who is to be written to; reaches the network.
SuggestTimes = Callable[[int, int, datetime], Sequence[Suggestion]]


@dataclass(frozen=True, slots=True)
class DueSession:
    """A nudge about one session."""

    nudge: Nudge
    pair: Pair
    session: Session


@dataclass(frozen=True, slots=True)
class DuePeriod:
    """A nudge about one period."""

    nudge: Nudge
    pair: Pair
    agreement: Agreement
    period: PeriodVerdict


Due = DueSession | DuePeriod


@dataclass(frozen=True, slots=True)
class Matters:
    """What is due to some people, by person, and what that is about."""

    nudges: Mapping[int, Sequence[Nudge]]
    sessions: Mapping[int, Session]
    agreements: Mapping[int, tuple[Agreement, bytes]]  # each with its ledger as it is stored

    def due_to(self, person_id: int) -> list[Due]:
        """Return the person's nudges that are still about something, in the order of their rows."""
        return [due for nudge in self.nudges.get(person_id, ()) if (due := self._due(nudge))]

    def _due(self, nudge: Nudge) -> Due | None:
        number = _number_of(nudge)
        if _is_of_session(nudge):
            session = self.sessions.get(number)
            return DueSession(nudge, nudge.pair, session) if session else None
        agreement, document = self.agreements.get(number, (None, b""))
        period = _period(document, nudge) if agreement else None
        return DuePeriod(nudge, nudge.pair, agreement, period) if agreement and period else None


def load_matters(db: OrmSession, person_ids: Sequence[int], now: datetime) -> Matters:
    """Return what is due to these people now."""
    nudges = db.scalars(
        select(Nudge)
        .where(among(db, Nudge.person_id, person_ids), Nudge.due_at <= now, Nudge.expires_at > now)
        .options(joinedload(Nudge.pair).options(joinedload(Pair.mentor), joinedload(Pair.mentee)))
        .order_by(Nudge.id)
    ).all()
    of_person: dict[int, list[Nudge]] = defaultdict(list)
    for nudge in nudges:
        of_person[nudge.person_id].append(nudge)
    sessions = {_number_of(nudge) for nudge in nudges if _is_of_session(nudge)}
    agreements = {_number_of(nudge) for nudge in nudges if not _is_of_session(nudge)}
    return Matters(of_person, _load_sessions(db, sessions), _load_agreements(db, agreements))


def _load_sessions(db: OrmSession, ids: Iterable[int]) -> dict[int, Session]:
    return {session.id: session for session in db.scalars(select(Session).where(among(db, Session.id, ids)))}


def _load_agreements(db: OrmSession, ids: Iterable[int]) -> dict[int, tuple[Agreement, bytes]]:
    rows = db.execute(
        select(Agreement, LedgerRow.document)
        .join(LedgerRow, LedgerRow.agreement_id == Agreement.id)
        .where(among(db, Agreement.id, ids))
    )
    return {row.Agreement.id: (row.Agreement, row.document) for row in rows}


def _is_of_session(nudge: Nudge) -> bool:
    return nudge.about.startswith("session:")


def _number_of(nudge: Nudge) -> int:
    """Return the id of the session, or of the agreement, that the nudge is about."""
    return int(nudge.about.partition(":")[2].partition("/")[0])


def _period(document: bytes, nudge: Nudge) -> PeriodVerdict | None:
    _, starts_on = period_of(nudge.about)
    return next((p for p in decode_ledger(document).periods if p.starts_on == starts_on), None)


@dataclass(frozen=True, slots=True)
class Bundler:
    """Puts letters together for one moment."""

    settings: Settings
    suggest_times: SuggestTimes
    now: datetime

    def bundle(self, person: Person, due: Sequence[Due]) -> Bundle:
        """Return the letter's facts. Asks calendars for free times where a date is to be found."""
        asks = [self._ask(person, d) for d in due if isinstance(d, DueSession)]
        periods = [d for d in due if isinstance(d, DuePeriod)]
        snooze = LetterLink(Purpose.SNOOZE, person.id, person.id)
        return Bundle(
            name=person.name,
            timezone=person.timezone,
            written_at=self.now,
            # A question and its last call can fall due together: it is asked once.
            asks=tuple({ask.link: ask for ask in asks}.values()),
            misses=tuple(self._miss(person, d) for d in periods if d.nudge.kind is NudgeKind.MISSED),
            plans=tuple(self._plan(person, d) for d in periods if d.nudge.kind is NudgeKind.PLAN),
            snooze_link=self._link(snooze, self.now + LINKS_LAST),
            unsubscribe_link=unsubscribe_url(self.settings, person.id),
        )

    def _ask(self, person: Person, due: DueSession) -> Ask:
        starts_at = due.session.starts_at
        link = LetterLink(Purpose.CONFIRM, person.id, due.session.id, (int(starts_at.timestamp()),))
        expires_at = due.session.ends_at + LINKS_LAST
        return Ask(_partner(due.pair, person), starts_at, self._link(link, expires_at))

    def _plan(self, person: Person, due: DuePeriod) -> Plan:
        slots = [
            self._slot(person, due.pair, s) for s in self.suggest_times(due.pair.id, person.id, self.now)
        ]
        last_on = due.period.ends_before - _DAY
        return Plan(_partner(due.pair, person), last_on, tuple(slots), self._page(due.pair, "/new-date"))

    def _slot(self, person: Person, pair: Pair, slot: Suggestion) -> SlotLink:
        times = (int(slot.starts_at.timestamp()), int(slot.ends_at.timestamp()))
        link = LetterLink(Purpose.BOOK, person.id, pair.id, times)
        return SlotLink(slot.starts_at, slot.ends_at, self._link(link, slot.starts_at), slot.is_sure)

    def _miss(self, person: Person, due: DuePeriod) -> Miss:
        period, agreement = due.period, due.agreement
        own = side_of(due.pair, person)
        explain = LetterLink(Purpose.EXPLAIN, person.id, agreement.id, (period.starts_on.toordinal(),))
        nudge = due.nudge
        # The partner may be told later than this: HR then hears of it later, too.
        word = Word(nudge.created_at, nudge.expires_at, told_at=self.now)
        return Miss(
            partner=_partner(due.pair, person),
            first_on=period.starts_on,
            last_on=period.ends_before - _DAY,
            reason=period.reason or Reason.NO_SESSION,
            by_me=own in period.missed_by,
            by_partner=any(side is not own for side in period.missed_by),
            told_from=told_to_hr_from(nudge.expires_at - MISS_LASTS, agreement.timezone, [word]),
            link=self._page(due.pair, "/new-date"),
            tell_link=self._page(due.pair, "/tell"),
            explain_link=self._link(explain, self.now + LINKS_LAST),
        )

    def _link(self, link: LetterLink, expires_at: datetime) -> str:
        return letter_link(self.settings, link, expires_at)

    def _page(self, pair: Pair, below: str) -> str:
        return f"{self.settings.base_url}/pairs/{pair.id}{below}"


def _partner(pair: Pair, person: Person) -> str:
    return (pair.mentee if side_of(pair, person) is Side.MENTOR else pair.mentor).name
