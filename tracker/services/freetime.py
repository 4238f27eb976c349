"""When the two of a pair are both free, as far as anybody lets us see. Stores nothing of what it sees.

Whose time could not be seen is said, and never passes for free time: the slots are offered all the same, and
`unseen` names for whom they may not suit.
"""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import ConnectorError
from tracker.events import EventStatus, Window
from tracker.freeslots import (
    LONG_DAY,
    WORKING_DAY,
    Agenda,
    Habit,
    free_slots,
    is_usual,
    merge_windows,
    pick_slots,
    usual_habit,
)
from tracker.ledger import Away
from tracker.models import Booking, BookingState, Calendar, Copy, Pair, Person, Session, Standing
from tracker.services.away import Region, Twosome, load_absences
from tracker.services.confirm import covers
from tracker.services.hosts import Account, DiaryPorts, load_accounts, open_diary

NOTICE = timedelta(hours=12)  # nobody is asked to change the rest of their day
AHEAD = timedelta(days=14)
USUAL_LENGTH = timedelta(minutes=45)
_SHORTEST, _LONGEST = timedelta(minutes=15), timedelta(hours=3)
_ROUND = timedelta(minutes=5)
_REMEMBERED = 8  # so many meetings tell what is usual
_NO_HABIT_AT = time(10)
_NO_WEEKDAY = -1


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for: so many slots within `window`; `length` None means as long as usual.

    Slots begin on the hour or half hour of the clock of `for_id`, one of the two, who waits for so many
    seconds that providers answer.
    """

    window: Window
    for_id: int
    length: timedelta | None = None
    most: int = 3
    patience_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Slots:
    """What was found, sorted by start. `usual` are those at the pair's usual day and time.

    `unseen` are the ids of those whose calendar could not be asked. `long_day`: the two live so far apart
    that the slots lie outside the working day of one of them.
    """

    offers: tuple[Window, ...]
    length: timedelta
    usual: frozenset[Window] = frozenset()
    unseen: frozenset[int] = frozenset()
    long_day: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """What our own tables tell of the two: `agendas` in the order of `people`, who asks first."""

    pair: Pair
    people: tuple[Person, ...]
    agendas: tuple[Agenda, ...]
    accounts: tuple[Account, ...]
    length: timedelta
    habit: Habit


def coming_window(now: datetime, weeks_later: int = 0) -> Window:
    """Return the two weeks in which a new date is looked for, or so many weeks after."""
    start = now + timedelta(weeks=weeks_later)
    return Window(start, start + AHEAD)


def find_slots(ports: DiaryPorts, pair_id: int, wish: Wish, now: datetime) -> Slots:
    """Return free slots of the pair; asks the providers, outside of any transaction.

    A provider that does not answer makes its person unseen, nothing worse.
    """
    window = Window(max(wish.window.start, now + NOTICE), wish.window.end)
    with ports.store.read() as db:
        known = _load(db, ports, pair_id, wish, window)
    seen = _ask_in_time(ports, known, window, wish.patience_s)
    agendas = [
        Agenda(own.timezone, merge_windows([*own.busy, *seen.get(person.id, ())]), own.days_off)
        for person, own in zip(known.people, known.agendas, strict=True)
    ]
    slots = free_slots(agendas, window, known.length, WORKING_DAY)
    long_day = not slots
    if long_day:
        slots = free_slots(agendas, window, known.length, LONG_DAY)
    agreed = [s for s in slots if any(covers(a, s.start) for a in known.pair.agreements)]
    offers = tuple(pick_slots(agreed, known.habit, wish.most))
    return Slots(
        offers=offers,
        length=known.length,
        usual=frozenset(slot for slot in offers if is_usual(slot, known.habit)),
        unseen=frozenset({person.id for person in known.people} - seen.keys()),
        long_day=long_day and bool(offers),
    )


def _ask_in_time(
    ports: DiaryPorts, known: _Known, window: Window, patience_s: float
) -> dict[int, list[Window]]:
    # Connectors are patient with a provider that is slow; somebody who looks at a page is not.
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(_ask, ports, known, window).result(patience_s)
    except TimeoutError:
        return {}
    finally:
        pool.shutdown(wait=False)


def _ask(ports: DiaryPorts, known: _Known, window: Window) -> dict[int, list[Window]]:
    # One account that sees the other's time is asked for both; else everybody's own is.
    wanted = _addresses(known)
    found: dict[tuple[int, str, str], Sequence[Window]] = {}
    for account in known.accounts:
        missing = [key for key in wanted if key not in found and key[1] == account.provider]
        if not missing:
            continue
        try:
            answer = open_diary(ports, account).free_busy([address for *_, address in missing], window)
        except ConnectorError:
            continue
        for key in missing:
            if (busy := answer.get(key[2])) is not None:
                found[key] = busy
    # Somebody with two accounts is seen only where both are.
    hidden = {key[0] for key in wanted if key not in found and _is_own(key, known.accounts)}
    return {
        person.id: [w for key, busy in found.items() if key[0] == person.id for w in busy]
        for person in known.people
        if person.id not in hidden and any(key[0] == person.id for key in found)
    }


def _addresses(known: _Known) -> list[tuple[int, str, str]]:
    """Return whom to ask about where: (person, provider, address)."""
    own = [(account.person_id, str(account.provider), account.address) for account in known.accounts]
    with_own = {person_id for person_id, *_ in own}
    providers = sorted({provider for _, provider, _ in own})
    return own + [(p.id, each, p.email) for p in known.people if p.id not in with_own for each in providers]


def _is_own(key: tuple[int, str, str], accounts: Sequence[Account]) -> bool:
    return any((a.person_id, a.address) == (key[0], key[2]) for a in accounts)


def _load(db: OrmSession, ports: DiaryPorts, pair_id: int, wish: Wish, window: Window) -> _Known:
    pair = db.get_one(Pair, pair_id)
    people = tuple(sorted((pair.mentor, pair.mentee), key=lambda person: person.id != wish.for_id))
    ids = [person.id for person in people]
    _ = pair.agreements  # while the transaction lasts
    busy = list(_own_busy(db, ids, window))
    past = _past_sessions(db, pair_id, window.start)
    away = _days_off(db, pair, window)
    timezone = people[0].timezone
    return _Known(
        pair=pair,
        people=people,
        agendas=tuple(
            Agenda(person.timezone, merge_windows(w for of, w in busy if of == person.id), away[person.id])
            for person in people
        ),
        accounts=tuple(load_accounts(db, ports.vault, ids)),
        length=wish.length or _usual_length(past),
        habit=usual_habit([w.start for w in past], timezone) or Habit(_NO_WEEKDAY, _NO_HABIT_AT, timezone),
    )


def _own_busy(db: OrmSession, ids: Collection[int], window: Window) -> Iterator[tuple[int, Window]]:
    """Yield what our own copies and bookings know: sessions, also with others, are no free time."""
    copies = select(Copy.people, Copy.starts_at, Copy.ends_at).join(Calendar).where(
        Calendar.person_id.in_(ids),
        Copy.gone_at.is_(None),
        Copy.status != EventStatus.CANCELLED,
        ~Copy.all_day,
        Copy.starts_at < window.end,
        Copy.ends_at > window.start,
    )  # fmt: skip
    for people, starts_at, ends_at in db.execute(copies):
        yield from ((each, Window(starts_at, ends_at)) for each in people if each in ids)
    bookings = (
        select(Pair.mentor_id, Pair.mentee_id, Booking.starts_at, Booking.ends_at)
        .join(Booking)
        .where(
            or_(Pair.mentor_id.in_(ids), Pair.mentee_id.in_(ids)),
            Booking.state.in_((BookingState.CREATE, BookingState.MOVE, BookingState.WRITTEN)),
            Booking.starts_at < window.end,
            Booking.ends_at > window.start,
        )
    )
    for *people, starts_at, ends_at in db.execute(bookings):
        yield from ((each, Window(starts_at, ends_at)) for each in people if each in ids)


def _days_off(db: OrmSession, pair: Pair, window: Window) -> dict[int, frozenset[date]]:
    mentor, mentee = pair.mentor, pair.mentee
    two = Twosome(
        pair.id,
        mentor.id,
        mentee.id,
        Region(mentor.country, mentor.subdivision),
        Region(mentee.country, mentee.subdivision),
    )
    # A day of margin: the two may be up to a day apart.
    first, last = (at.date() + timedelta(days=d) for at, d in ((window.start, -1), (window.end, 1)))
    runs = load_absences(db, [mentor.id, mentee.id], [pair.id]).of(two, first, last)
    sides = {mentor.id: Away.MENTOR, mentee.id: Away.MENTEE}
    return {
        person_id: frozenset(
            day
            for run in runs
            if run.who in (Away.BOTH, side)
            for day in _days(max(run.first_on, first), min(run.last_on, last))
        )
        for person_id, side in sides.items()
    }


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=i) for i in range((last - first).days + 1))


def _past_sessions(db: OrmSession, pair_id: int, before: datetime) -> list[Window]:
    query = (
        select(Session.starts_at, Session.ends_at)
        .where(
            Session.pair_id == pair_id,
            Session.standing == Standing.COUNTED,
            Session.ends_at <= before,
        )
        .order_by(Session.starts_at.desc(), Session.id)
        .limit(_REMEMBERED)
    )
    return [Window(*row) for row in db.execute(query)]


def _usual_length(past: Sequence[Window]) -> timedelta:
    lengths = [slot.end - slot.start for slot in past]
    if not lengths:
        return USUAL_LENGTH
    usual = max(lengths, key=lengths.count)
    return min(max(-(-usual // _ROUND) * _ROUND, _SHORTEST), _LONGEST)
