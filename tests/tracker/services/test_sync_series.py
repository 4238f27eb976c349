"""Series that move, split and are edited late, and two calendars that show one meeting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from integrations.vault import FernetVault, fresh_key
from tests.tracker.world import (
    MENTEE,
    Duo,
    World,
    answer,
    as_attendee,
    cancel,
    delta,
    full,
    instant,
    make_duo,
    move,
    series,
    single,
    unchanged,
    versioned,
)
from tracker.events import CalendarEvent, Pull, Response
from tracker.ledger import Session, Status, judge
from tracker.ledger.document import Outcome
from tracker.models import Provider, SessionKey, Statement
from tracker.models import Session as SessionRow
from tracker.ports import Vault
from tracker.services import schema
from tracker.store import Store

SIX = series("2026-03-02 10:00", 6)  # Mondays
FIRST = "2026-02-20 08:00"
CHANGED = "2026-02-25 10:00"
SECOND = "2026-02-26 08:00"
THIRD = "2026-02-27 08:00"


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    return World(store, vault)


@pytest.fixture
def duo(world: World) -> Duo:
    return make_duo(world)


def later(events: list[CalendarEvent], shift: timedelta, updated: str = CHANGED) -> list[CalendarEvent]:
    """Return the series as it is after somebody moved all of it."""
    first = events[0]
    assert isinstance(first.start, datetime)
    return series(f"{first.start + shift:%Y-%m-%d %H:%M}", len(events), updated_at=instant(updated))


def as_ben(events: list[CalendarEvent]) -> list[CalendarEvent]:
    return [as_attendee(event) for event in events]


def steps(session: Session) -> list[tuple[str, str]]:
    return [(f"{o.starts_at:%m-%d %H}", o.status.value) for o in session.observations]


TUESDAYS = later(SIX, timedelta(days=1))


def six_moves(duo: Duo) -> bool:
    sessions = duo.evidence.sessions
    moved = [
        [(f"{m.start:%m-%d %H}", "confirmed"), (f"{t.start:%m-%d %H}", "confirmed")]
        for m, t in zip(SIX, TUESDAYS, strict=True)
    ]
    return [steps(session) for session in sessions] == moved


def test_monday_to_tuesday_is_six_moves(duo: Duo) -> None:
    duo.sync(full(*SIX), FIRST)

    result = duo.sync(full(*TUESDAYS), SECOND)

    assert (result.intake.changed, result.intake.gone) == (6, 0)
    assert six_moves(duo)
    assert duo.evidence.sessions[0].observations[-1].at == instant(CHANGED)


def test_monday_to_tuesday_in_a_delta_is_six_moves(duo: Duo) -> None:
    duo.sync(full(*SIX), FIRST)

    duo.sync(delta(*TUESDAYS, removed=tuple(e.provider_event_id for e in SIX)), SECOND)

    assert six_moves(duo)


def test_a_moved_series_is_no_mass_removal(duo: Duo) -> None:
    many = series("2026-03-02 10:00", 16)
    duo.sync(full(*many), FIRST)

    result = duo.sync(full(*later(many, timedelta(hours=3))), SECOND)

    assert result.problem is None


def test_a_series_that_moves_there_and_back_again(duo: Duo) -> None:
    duo.sync(full(*SIX), FIRST)
    duo.sync(full(*TUESDAYS), SECOND)

    back = [versioned(replace(e, updated_at=instant("2026-02-26 20:00"))) for e in SIX]
    duo.sync(full(*back), THIRD)

    assert [len(session.observations) for session in duo.evidence.sessions] == [3] * 6


Turn = Callable[[Duo], object]
MENTOR_BEFORE: Turn = lambda duo: duo.sync(full(*SIX), FIRST)  # noqa: E731
MENTOR_AFTER: Turn = lambda duo: duo.sync(full(*TUESDAYS), SECOND)  # noqa: E731
MENTEE_BEFORE: Turn = lambda duo: duo.sync_other(full(*as_ben(SIX)), FIRST)  # noqa: E731
MENTEE_AFTER: Turn = lambda duo: duo.sync_other(full(*as_ben(TUESDAYS)), SECOND)  # noqa: E731


@pytest.mark.parametrize(
    "turns",
    [
        [MENTOR_BEFORE, MENTEE_BEFORE, MENTOR_AFTER, MENTEE_AFTER],
        [MENTOR_BEFORE, MENTEE_BEFORE, MENTEE_AFTER, MENTOR_AFTER],
        [MENTEE_BEFORE, MENTOR_BEFORE, MENTEE_AFTER, MENTOR_AFTER],
        [MENTOR_BEFORE, MENTOR_AFTER, MENTEE_AFTER],
        [MENTOR_BEFORE, MENTEE_AFTER, MENTOR_AFTER],
        [MENTEE_BEFORE, MENTOR_AFTER, MENTEE_AFTER],
        [MENTEE_BEFORE, MENTEE_AFTER, MENTOR_AFTER],
    ],
)
def test_two_calendars_of_a_moved_series_show_six_sessions(duo: Duo, turns: list[Turn]) -> None:
    for turn in turns:
        turn(duo)

    assert six_moves(duo)


def test_only_one_calendar_read_since_the_move_still_is_six_sessions(duo: Duo) -> None:
    for turn in (MENTOR_BEFORE, MENTEE_BEFORE, MENTEE_AFTER):
        turn(duo)

    assert len(duo.evidence.sessions) == 6


def test_what_had_ended_when_the_series_was_moved_stays(duo: Duo) -> None:
    duo.sync(full(*SIX), FIRST)

    duo.sync(full(*later(SIX, timedelta(days=1), "2026-03-12 10:00")), "2026-03-12 12:00")

    assert [steps(session) for session in duo.evidence.sessions[:3]] == [
        [("03-02 10", "confirmed")],
        [("03-09 10", "confirmed")],
        [("03-16 10", "confirmed"), ("03-17 10", "confirmed")],
    ]
    assert len(duo.evidence.sessions) == 6


def test_what_had_ended_stays_whatever_the_other_calendar_tells_later(duo: Duo) -> None:
    moved = later(SIX, timedelta(days=1), "2026-03-12 10:00")
    duo.sync_other(full(*as_ben(SIX)), FIRST)
    duo.sync_other(full(*as_ben(moved)), "2026-03-12 12:00")

    duo.sync(full(*moved), "2026-03-13 12:00")

    assert len(duo.evidence.sessions) == 6
    assert steps(duo.evidence.sessions[0]) == [("03-02 10", "confirmed")]


def test_a_rolling_feed_does_not_move_the_past_into_the_future(duo: Duo) -> None:
    duo.sync(full(*SIX), FIRST)
    rolled = series("2026-03-09 10:00", 6)

    result = duo.sync(full(*rolled), "2026-03-05 08:00")

    assert (result.intake.added, result.intake.gone) == (1, 1)
    assert len(duo.evidence.sessions) == 7


def test_a_split_with_unchanged_times_changes_nothing(duo: Duo) -> None:
    duo.sync(full(*SIX), FIRST)
    tail = [replace(e, provider_event_id=f"new_{e.provider_event_id}", series_id="new") for e in SIX[3:]]

    duo.sync(full(*SIX[:3], *tail), SECOND)

    assert [steps(s) for s in duo.evidence.sessions] == [[(f"{e.start:%m-%d %H}", "confirmed")] for e in SIX]


def test_the_slot_that_a_split_leaves_over_is_dropped(duo: Duo) -> None:
    tail = [
        versioned(replace(e, provider_event_id=f"new_{e.provider_event_id}", updated_at=instant(CHANGED)))
        for e in SIX[2:]
    ]

    duo.sync(full(*SIX[:3], *tail), SECOND)

    assert len(duo.evidence.sessions) == 6


def test_cancelled_and_made_anew_is_a_replacement(duo: Duo) -> None:
    event = single("2026-03-03 10:00")
    duo.sync(full(event), FIRST)
    anew = single("2026-03-06 10:00", uid="new@x", created_at=instant(CHANGED), updated_at=instant(CHANGED))

    duo.sync(full(cancel(event, CHANGED), anew), SECOND)

    ledger = judge(duo.evidence, now=instant(THIRD))
    assert [s.outcome for s in ledger.sessions] == [Outcome.CANCELLED, Outcome.SCHEDULED]
    assert ledger.sessions[1].replaces == ledger.sessions[0].id


# The first period is from 5 to 18 January, the second to 1 February; up to three days outside may serve.
@pytest.mark.parametrize(
    "start",
    [
        *(f"2026-01-{day} 10:00" for day in (15, 18)),  # in the same period: it counts for no other
        *(
            f"2026-01-{day} 10:00" for day in (19, 20, 21)
        ),  # in the next one; the grace alone reaches that far
        *(f"2026-01-{day} 10:00" for day in (22, 26, 31)),  # nearer and nearer to the next one, and beyond it
        "2026-02-01 10:00",
    ],
)
def test_cancelled_and_made_anew_serves_where_it_was_due_at_any_distance(duo: Duo, start: str) -> None:
    event = single("2026-01-14 10:00")
    duo.sync(full(event), "2026-01-06 08:00")
    stamp = instant("2026-01-13 09:00")
    anew = single(start, uid="new@x", created_at=stamp, updated_at=stamp)

    duo.sync(full(cancel(event, "2026-01-13 09:00"), anew), "2026-01-13 12:00")

    assert verdicts_when_held(duo, start) == ("met", "missed")


@pytest.mark.parametrize(
    ("made", "first", "second"),
    [
        ("2026-01-12 08:00", "missed", "met"),  # a day and an hour before the other was called off: its own
        ("2026-01-12 09:00", "met", "missed"),
        ("2026-01-20 10:00", "met", "missed"),  # N-1: six days after the one that failed
        ("2026-01-21 10:00", "met", "missed"),
        ("2026-01-21 11:00", "missed", "met"),
        ("2026-01-22 10:00", "missed", "met"),  # N+1: too late for a replacement
    ],
)
def test_made_anew_too_late_it_serves_the_period_it_lies_in(
    duo: Duo, made: str, first: str, second: str
) -> None:
    event = single("2026-01-14 10:00")
    duo.sync(full(event), "2026-01-06 08:00")
    anew = single("2026-01-27 10:00", uid="new@x", created_at=instant(made), updated_at=instant(made))

    duo.sync(full(cancel(event, "2026-01-13 09:00"), anew), "2026-01-23 12:00")

    assert verdicts_when_held(duo, "2026-01-27 10:00") == (first, second)


@pytest.mark.parametrize(
    ("day", "first", "second"),
    [
        *((day, "met", "missed") for day in (14, 18, 19, 21)),  # in the first, or within three days of it
        *((day, "missed", "met") for day in (22, 25, 31)),  # without an origin, beyond the grace
    ],
)
def test_one_session_between_two_periods_serves_one_of_them(
    duo: Duo, day: int, first: str, second: str
) -> None:
    start = f"2026-01-{day} 10:00"
    duo.sync(full(single(start)), "2026-01-06 08:00")

    assert verdicts_when_held(duo, start) == (first, second)


def verdicts_when_held(duo: Duo, start: str) -> tuple[str, str]:
    """Say for both that the session at `start` was held; return what the first two periods come to."""
    with duo.world.store.write() as db:
        row = db.scalars(select(SessionRow).where(SessionRow.starts_at == instant(start))).one()
        for side in ("mentor", "mentee"):
            said = {"session_id": row.id, "side": side, "at": row.ends_at, "held": True, "via": "site"}
            db.add(Statement(**said))
    for read in (duo.sync, duo.sync_other):
        read(unchanged(), "2026-02-06 08:00")
    one, two = judge(duo.evidence, now=instant("2026-02-06 09:00")).periods[:2]
    return one.verdict.value, two.verdict.value


def test_a_slot_left_out_of_the_series_is_cancelled(duo: Duo) -> None:
    duo.sync(full(*SIX), FIRST)

    duo.sync(full(cancel(SIX[0], CHANGED), *SIX[1:]), SECOND)

    assert steps(duo.evidence.sessions[0]) == [("03-02 10", "confirmed"), ("03-02 10", "cancelled")]


def test_sessions_that_became_one_keep_what_was_said_of_either(duo: Duo) -> None:
    MENTOR_BEFORE(duo)
    MENTEE_AFTER(duo)
    with duo.world.store.write() as db:
        for row in db.query(SessionRow).all():
            db.add(Statement(session_id=row.id, side="mentor", at=instant(THIRD), held=True, via="site"))

    MENTOR_AFTER(duo)

    assert [len(session.statements) for session in duo.evidence.sessions] == [2] * 6
    with duo.world.store.read() as db:
        assert db.query(SessionKey).count() == 12


# --- any interleaving ---

MONDAY = single("2026-03-02 10:00")
ORGANISERS = [
    full(MONDAY),
    delta(move(MONDAY, "2026-03-04 10:00", "2026-02-21 10:00")),
    delta(
        answer(
            move(MONDAY, "2026-03-04 10:00", "2026-02-21 10:00"),
            MENTEE,
            Response.DECLINED,
            "2026-02-22 10:00",
        )
    ),
    delta(cancel(MONDAY, "2026-02-23 10:00")),
]
INVITED = [
    full(as_attendee(MONDAY)),
    delta(as_attendee(answer(MONDAY, MENTEE, Response.ACCEPTED, "2026-02-20 20:00"))),
    delta(as_attendee(move(MONDAY, "2026-03-04 10:00", "2026-02-21 11:00"))),
    full(),
]
WHEN = ["2026-02-20 08:00", "2026-02-21 12:00", "2026-02-22 12:00", "2026-02-23 12:00"]


@pytest.fixture(scope="module")
def fresh_world(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], World]:
    folder: Path = tmp_path_factory.mktemp("worlds")
    numbers = iter(range(10**6))

    def make() -> World:
        store = Store(f"sqlite:///{folder / str(next(numbers))}.sqlite")
        schema.create_in_memory(store)
        return World(store, FernetVault([fresh_key()]))

    return make


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations([0] * len(ORGANISERS) + [1] * len(INVITED)))
def test_whichever_calendar_is_read_first_the_evidence_is_the_same(
    fresh_world: Callable[[], World], order: list[int]
) -> None:
    def told(turns: list[int]) -> tuple[Session, ...]:
        duo = make_duo(fresh_world(), providers=(Provider.GOOGLE, Provider.OUTLOOK))
        queues: list[list[tuple[Pull, str]]] = [
            list(zip(ORGANISERS, WHEN, strict=True)),
            list(zip(INVITED, WHEN, strict=True)),
        ]
        for turn in turns:
            pull, at = queues[turn].pop(0)
            duo.world.sync((duo.calendar, duo.other)[turn], pull, at)
        sessions = duo.evidence.sessions
        duo.world.store.close()
        return sessions

    expected = told([0, 0, 0, 0, 1, 1, 1, 1])
    assert [o.status for o in expected[0].observations][-1] is Status.CANCELLED
    assert told(order) == expected
