"""A digest in which everything happens, made up for looking at and for tests of the letter."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from tracker.ledger import Outcome, Reason, Side
from tracker.services.digest.facts import (
    Digest,
    GoodKind,
    GoodNews,
    Listed,
    MissedPair,
    MissedPeriod,
    Numbers,
    OpenSession,
    PairName,
    UnreadCalendar,
    UnreadKind,
    UnscheduledPair,
    WaitingPair,
)
from tracker.services.weeks import Week

T = TypeVar("T")
BASE_URL = "https://cadencia.example.com"
MONDAY = date(2026, 11, 16)
MENTOR, MENTEE = Side.MENTOR, Side.MENTEE
NAMES = [
    ("Ana Ruiz", "Luis Gómez"),
    ("María Fernanda Castillo Rodríguez", "Juan Sebastián Ñáñez Villamizar"),
    ("Marta <b>Peña</b>", "Diego & Co"),
    ("Inés Ibarra", "Óscar Vélez"),
    ("Grace Hopper", "Ada Lovelace"),
]


def pair(number: int) -> PairName:
    mentor, mentee = NAMES[number % len(NAMES)]
    return PairName(number, mentor, mentee, 2 * number, 2 * number + 1)


def listed(*items: T, more: int = 0) -> Listed[T]:
    return Listed(items, len(items) + more)


def period(weeks_ago: int, reason: Reason, *missed_by: Side) -> MissedPeriod:
    first = MONDAY - timedelta(days=7 + 14 * weeks_ago)
    return MissedPeriod(first, first + timedelta(days=13), reason, missed_by)


def missed(number: int, *periods: MissedPeriod, in_a_row: int = 1, days: int | None = None) -> MissedPair:
    coming = MONDAY + timedelta(days=days) if days else None
    return MissedPair(pair(number), periods, in_a_row, sees_ahead=number != 4, next_session_on=coming)


def waiting(number: int, outcome: Outcome, silent: tuple[Side, ...], held: tuple[Side, ...]) -> WaitingPair:
    return WaitingPair(pair(number), (OpenSession(MONDAY + timedelta(days=number), outcome, silent, held),))


def unread(kind: UnreadKind, problem: str | None, days: int | None, pairs: int = 1) -> UnreadCalendar:
    since = MONDAY - timedelta(days=days) if days else None
    return UnreadCalendar(f"Quim {kind.value.title()}", kind, since, problem, pairs)


EVERYTHING = Digest(
    program_id=3,
    program="Mentoría Andina",
    week=Week(MONDAY),
    timezone="America/Bogota",
    as_of=datetime(2026, 11, 23, 5, 0, tzinfo=UTC),
    is_whole=True,
    new=listed(
        missed(0, period(0, Reason.CANCELLED, MENTEE), in_a_row=3),
        missed(1, period(2, Reason.NO_SHOW), period(1, Reason.NO_SHOW, MENTOR, MENTEE), days=9, in_a_row=2),
        missed(2, period(0, Reason.NO_SHOW, MENTOR), days=8),
        missed(3, period(0, Reason.NO_SESSION)),
        missed(4, period(0, Reason.CANCELLED)),
        missed(6, period(0, Reason.CANCELLED, MENTOR, MENTEE)),
        more=37,
    ),
    continuing=listed(
        missed(5, *(period(n, Reason.NO_SESSION) for n in (5, 4, 3, 2, 1)), in_a_row=5),
        missed(8, period(1, Reason.CANCELLED), days=10),
    ),
    waiting=listed(
        waiting(1, Outcome.DISPUTED, (), (MENTEE,)),
        waiting(2, Outcome.AWAITING, (MENTOR,), (MENTEE,)),
        waiting(3, Outcome.AWAITING, (MENTEE,), ()),
        waiting(4, Outcome.UNCONFIRMED, (MENTOR, MENTEE), ()),
    ),
    unscheduled=listed(
        UnscheduledPair(pair(3), MONDAY + timedelta(days=9), urgent=True),
        UnscheduledPair(pair(4), MONDAY + timedelta(days=20), urgent=False),
        more=1,
    ),
    unread=listed(
        unread(UnreadKind.FAILING, "reconnect", 4, pairs=3),
        unread(UnreadKind.FAILING, "unreachable", 6),
        unread(UnreadKind.FAILING, "not_a_calendar", 5),
        unread(UnreadKind.TAKEN_AWAY, None, 12),
        unread(UnreadKind.NEVER, "unreachable", None),
        unread(UnreadKind.NONE, None, None),
    ),
    good=listed(
        GoodNews(pair(0), GoodKind.BACK, MONDAY, MONDAY + timedelta(days=13)),
        GoodNews(pair(2), GoodKind.FIRST, MONDAY, MONDAY + timedelta(days=13)),
        GoodNews(pair(3), GoodKind.NEW_DATE, MONDAY, MONDAY + timedelta(days=13)),
    ),
    numbers=Numbers(
        pairs=58,
        due=474,
        met=421,
        due_before=430,
        met_before=390,
        newly_met=38,
        newly_missed=6,
        health=(("off_track", 2), ("at_risk", 7), ("unknown", 6), ("on_track", 43)),
    ),
)
QUIET = replace(
    EVERYTHING,
    new=Listed((), 0),
    continuing=Listed((), 0),
    waiting=Listed((), 0),
    unscheduled=Listed((), 0),
    unread=Listed((), 0),
    good=listed(*EVERYTHING.good.items[:1]),
    numbers=replace(EVERYTHING.numbers, met=463, health=(("on_track", 58),)),
)
NOBODY = replace(
    QUIET, good=Listed((), 0), numbers=Numbers(0, 0, 0, 0, 0, newly_met=0, newly_missed=0, health=())
)
