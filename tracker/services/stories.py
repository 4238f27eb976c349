"""What every session of a pair rests on: which calendar said what and when, and who said what afterwards.

For reading alone: the ledger judges, this shows. What one side must not see yet is left out by
`words_for`, and nothing here knows a title.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import joinedload, selectinload

from tracker.events import Response
from tracker.ledger import Ledger, SessionOutcome, Side
from tracker.merging import CopyHistory
from tracker.models import Pair, Person, Session, SessionKey, Standing, Statement
from tracker.observing import Seen
from tracker.services.histories import load_copies


class Happening(StrEnum):
    """What one look into a calendar brought to light."""

    ADDED = "added"
    MOVED = "moved"
    CANCELLED = "cancelled"
    BACK = "back"
    DECLINED = "declined"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Sighting:
    """At `at`, the calendars of `owners` told this; the session then stood at these times.

    `by` are those who declined, where that is what happened.
    """

    at: datetime
    owners: tuple[Side, ...]
    what: Happening
    starts_at: datetime
    ends_at: datetime
    by: tuple[Side, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """What one side said; `entered_by` is the name of whoever wrote it down for them, if somebody did.

    Names are for showing: two people may share one, so `entered_by_id` says who it was.
    """

    side: Side
    at: datetime
    held: bool
    absent: tuple[Side, ...]
    entered_by: str | None
    entered_by_id: int | None
    via: str


@dataclass(frozen=True, slots=True)
class Story:
    """One session with all that is known of it. `outcome` is None where the ledger does not know it yet."""

    session_id: int
    key: str
    starts_at: datetime
    ends_at: datetime
    told_by: Side | None
    sightings: tuple[Sighting, ...]
    words: tuple[Word, ...]
    recorded: tuple[Side, ...] | None  # who was in the online meeting; None where nothing was recorded
    outcome: SessionOutcome | None

    def word_of(self, side: Side | None) -> Word | None:
        """Return what that side said last."""
        return next((word for word in reversed(self.words) if word.side is side), None)

    def words_for(self, side: Side | None, confirm_within_days: int, now: datetime) -> list[Word]:
        """Return the latest word of each side, as far as `side` (None: HR) may see it at `now`.

        Neither sees the other's answer before they gave their own, or may no longer.
        """
        latest = [word for each in Side if (word := self.word_of(each))]
        closed = now >= self.ends_at + timedelta(days=confirm_within_days)
        if side is None or closed or self.word_of(side):
            return latest
        return []


def load_stories(db: OrmSession, pair: Pair, ledgers: Iterable[Ledger]) -> dict[str, Story]:
    """Return the stories of the pair's counted sessions by their key (`s-4`), earliest first."""
    sessions = db.scalars(
        select(Session)
        .where(Session.pair_id == pair.id, Session.standing == Standing.COUNTED)
        .options(joinedload(Session.pair), selectinload(Session.statements), selectinload(Session.attendance))
        .order_by(Session.starts_at, Session.id)
    ).all()
    outcomes = {outcome.id: outcome for ledger in ledgers for outcome in ledger.sessions}
    copies = load_copies(db, SessionKey.pair_id == pair.id)
    names = _names(db, sessions)
    return {s.key: _story(s, copies.get(s.id, []), names, outcomes.get(s.key)) for s in sessions}


def _story(
    session: Session, copies: Sequence[CopyHistory], names: Mapping[int, str], outcome: SessionOutcome | None
) -> Story:
    pair = session.pair
    return Story(
        session_id=session.id,
        key=session.key,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        told_by=_side(pair, session.told_by),
        sightings=_sightings(copies, pair),
        words=tuple(_word(statement, pair, names) for statement in session.statements),
        recorded=_recorded(session),
        outcome=outcome,
    )


def _names(db: OrmSession, sessions: Sequence[Session]) -> dict[int, str]:
    ids = {s.entered_by for session in sessions for s in session.statements if s.entered_by}
    return dict(db.execute(select(Person.id, Person.name).where(Person.id.in_(ids))).all())


def _sightings(copies: Sequence[CopyHistory], pair: Pair) -> tuple[Sighting, ...]:
    # The same news on both calendars on one day is one line.
    owners: dict[tuple[object, ...], list[Side]] = defaultdict(list)
    first: dict[tuple[object, ...], Sighting] = {}
    for seen in (seen for copy in copies for seen in _of_copy(copy, pair)):
        news = (seen.what, seen.starts_at, seen.ends_at, seen.at.date())
        owners[news].extend(s for s in seen.owners if s not in owners[news])
        if news not in first or seen.at < first[news].at:
            first[news] = seen
    merged = [replace(seen, owners=tuple(sorted(owners[news]))) for news, seen in first.items()]
    return tuple(sorted(merged, key=lambda s: (s.at, s.what is not Happening.ADDED)))


def _of_copy(copy: CopyHistory, pair: Pair) -> Iterator[Sighting]:
    side = _side(pair, int(copy.owner))
    owners = (side,) if side else ()
    before: Seen | None = None
    for seen in copy.seen:
        if what := _happening(before, seen):
            by = _newly_declined(before, seen, pair) if what is Happening.DECLINED else ()
            yield Sighting(seen.at, owners, what, seen.starts_at, seen.ends_at, by)
        before = seen
    if copy.gone_at and before:
        yield Sighting(copy.gone_at, owners, Happening.GONE, before.starts_at, before.ends_at)


def _happening(before: Seen | None, seen: Seen) -> Happening | None:
    if before is None:
        return Happening.CANCELLED if seen.is_off else Happening.ADDED
    if seen.is_off != before.is_off:
        return Happening.CANCELLED if seen.is_off else Happening.BACK
    if seen.starts_at != before.starts_at:
        return Happening.MOVED
    return Happening.DECLINED if _declined(seen) - _declined(before) else None


def _newly_declined(before: Seen | None, seen: Seen, pair: Pair) -> tuple[Side, ...]:
    people = _declined(seen) - (_declined(before) if before else set())
    return tuple(sorted(side for person in people if (side := _side(pair, int(person)))))


def _declined(seen: Seen) -> set[str]:
    return {person for person, response in seen.responses.items() if response is Response.DECLINED}


def _word(statement: Statement, pair: Pair, names: Mapping[int, str]) -> Word:
    side = Side(statement.side)
    speaker = pair.mentor_id if side is Side.MENTOR else pair.mentee_id
    # On a page or by a letter's button; a command is typed by somebody else, in whoever's name.
    own = statement.via != "command" and statement.entered_by == speaker
    return Word(
        side=side,
        at=statement.at,
        held=statement.held,
        absent=tuple(Side(s) for s in statement.absent),
        entered_by=None if own else names.get(statement.entered_by or 0, ""),
        entered_by_id=statement.entered_by,
        via=statement.via,
    )


def _recorded(session: Session) -> tuple[Side, ...] | None:
    if not session.attendance_recorded:
        return None
    return tuple(sorted({Side(stay.side) for stay in session.attendance}))


def _side(pair: Pair, person_id: int | None) -> Side | None:
    return {pair.mentor_id: Side.MENTOR, pair.mentee_id: Side.MENTEE}.get(person_id or 0)
