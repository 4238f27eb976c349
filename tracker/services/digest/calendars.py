"""Why pairs can not be judged: whose calendars were not read. Blames nobody; says what would help."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Calendar, CalendarStatus
from tracker.services.digest.facts import PairName, UnreadCalendar, UnreadKind
from tracker.services.evidence import those_that_count
from tracker.store import portions

_State = tuple[UnreadKind, datetime | None, str | None]
_NO_CALENDAR: _State = (UnreadKind.NONE, None, None)


def find_unread(
    db: OrmSession, pairs: Sequence[tuple[PairName, int]], as_of: datetime, timezone: str
) -> list[UnreadCalendar]:
    """Return whose calendars keep these pairs from being judged; each pair comes with its limit in days."""
    people = {person_id for pair, _ in pairs for person_id in (pair.mentor_id, pair.mentee_id)}
    calendars = _load_calendars(db, people)
    counts: Counter[int] = Counter()
    found: dict[int, tuple[str, _State]] = {}
    for pair, stale_days in pairs:
        for person_id, state in _causes(pair, calendars, as_of - timedelta(days=stale_days)):
            counts[person_id] += 1
            found[person_id] = (pair.mentor if person_id == pair.mentor_id else pair.mentee, state)
    return [
        UnreadCalendar(name, kind, _day(read_at, timezone), problem, counts[person_id])
        for person_id, (name, (kind, read_at, problem)) in sorted(found.items())
    ]


def _load_calendars(db: OrmSession, people: Iterable[int]) -> Mapping[int, list[Calendar]]:
    found: dict[int, list[Calendar]] = defaultdict(list)
    for portion in portions(sorted(people)):
        for calendar in db.scalars(select(Calendar).where(Calendar.person_id.in_(portion))):
            found[calendar.person_id].append(calendar)
    return found


def _causes(
    pair: PairName, calendars: Mapping[int, list[Calendar]], stale_at: datetime
) -> list[tuple[int, _State]]:
    people = (pair.mentor_id, pair.mentee_id)
    states = [(p, state) for p in people if (state := _state(calendars.get(p, []), stale_at))]
    # A pair can be judged by one calendar, so a missing one is a cause only where there is no other.
    broken = [(p, state) for p, state in states if state != _NO_CALENDAR]
    return broken or (states if len(states) == len(people) else [])


def _state(calendars: Sequence[Calendar], stale_at: datetime) -> _State | None:
    """Return what is wrong with a person's calendars, None where they were read well."""
    calendars = those_that_count(calendars)
    connected = [c for c in calendars if c.status is CalendarStatus.CONNECTED]
    if not connected:
        last = max((c.last_read_at for c in calendars if c.last_read_at), default=None)
        return (UnreadKind.TAKEN_AWAY, last, None) if last else _NO_CALENDAR
    never = next((c for c in connected if c.last_read_at is None), None)
    if never:
        return (UnreadKind.NEVER, None, never.problem)
    oldest = min(connected, key=lambda c: c.last_read_at or stale_at)
    if oldest.last_read_at and oldest.last_read_at <= stale_at:
        return (UnreadKind.FAILING, oldest.last_read_at, oldest.problem)
    return None


def _day(at: datetime | None, timezone: str) -> date | None:
    return at.astimezone(ZoneInfo(timezone)).date() if at else None
