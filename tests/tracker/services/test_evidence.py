"""What the ledger is told of a pair."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import event as events
from sqlalchemy import select

from tests.tracker.world import (
    Duo,
    World,
    agreement,
    full,
    instant,
    make_duo,
    move,
    occurrence,
    series,
    single,
    unchanged,
)
from tracker.ledger import (
    AbsenceKind,
    Away,
    Outcome,
    Policy,
    Presence,
    Side,
    Verdict,
    judge,
)
from tracker.models import (
    Absence,
    Agreement,
    Attendance,
    Calendar,
    CalendarStatus,
    CompanyHoliday,
    Person,
    Program,
    Session,
    Statement,
)
from tracker.ports import Vault
from tracker.services.evidence import load_evidence
from tracker.store import Store

FIRST = "2026-02-01 08:00"
LATER = "2026-02-02 08:00"


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    return World(store, vault)


@pytest.fixture
def duo(world: World) -> Duo:
    return make_duo(world)


# --- up to when the calendars are known ---


def test_without_a_calendar_nothing_is_known(world: World) -> None:
    pair = world.pair(world.program(), world.person("a@x.example"), world.person("b@x.example"))

    assert world.evidence(pair).observed_until is None


def test_a_calendar_that_was_never_read_leaves_everything_open(duo: Duo) -> None:
    duo.sync(full(), FIRST)

    assert duo.evidence.observed_until is None


def test_the_calendar_that_was_read_least_recently_counts(duo: Duo) -> None:
    duo.sync(full(), FIRST)
    duo.sync_other(full(), LATER)

    assert duo.evidence.observed_until == instant(FIRST)


def test_an_unchanged_calendar_was_read(duo: Duo) -> None:
    duo.sync_other(full(), "2026-02-03 08:00")
    duo.sync(full(), FIRST)
    duo.sync(unchanged(), LATER)

    assert duo.evidence.observed_until == instant(LATER)


def test_one_calendar_of_the_two_is_enough(world: World) -> None:
    mentor = world.person("a@x.example")
    pair = world.pair(world.program(), mentor, world.person("b@x.example"))
    world.sync(world.calendar(mentor), full(), FIRST)

    assert world.evidence(pair).observed_until == instant(FIRST)


def disconnect(duo: Duo, calendar_id: int, at: str) -> None:
    with duo.world.store.write() as db:
        calendar = db.get_one(Calendar, calendar_id)
        calendar.status, calendar.disconnected_at = CalendarStatus.DISCONNECTED, instant(at)


def test_a_calendar_that_was_taken_away_stays_at_its_last_reading(duo: Duo) -> None:
    duo.sync(full(), FIRST)
    disconnect(duo, duo.calendar, LATER)
    duo.sync_other(full(), "2026-02-03 08:00")

    assert duo.evidence.observed_until == instant(FIRST)


def test_a_calendar_that_another_one_replaced_is_not_missed(duo: Duo) -> None:
    from tracker.models import Provider

    duo.sync(full(), FIRST)
    duo.sync_other(full(), "2026-02-03 08:00")
    disconnect(duo, duo.calendar, LATER)
    new = duo.world.calendar(duo.mentor, Provider.OUTLOOK)
    with duo.world.store.write() as db:
        db.get_one(Calendar, new).connected_at = instant(LATER)
    duo.world.sync(new, full(), "2026-02-04 08:00")

    assert duo.evidence.observed_until == instant("2026-02-03 08:00")


def test_a_calendar_that_was_there_all_along_replaces_none(duo: Duo) -> None:
    from tracker.models import Provider

    second = duo.world.calendar(duo.mentor, Provider.OUTLOOK)
    duo.sync(full(), FIRST)
    disconnect(duo, duo.calendar, LATER)
    duo.world.sync(second, full(), "2026-02-03 08:00")
    duo.sync_other(full(), "2026-02-03 08:00")

    assert duo.evidence.observed_until == instant(FIRST)


def test_a_calendar_that_was_taken_away_before_is_not_missed(duo: Duo) -> None:
    duo.sync(full(), FIRST)
    disconnect(duo, duo.calendar, "2026-01-02 08:00")
    duo.sync_other(full(), "2026-02-03 08:00")

    assert duo.evidence.observed_until == instant("2026-02-03 08:00")


# --- agreements ---


def test_a_pairs_later_agreements_are_named_by_their_first_day(world: World) -> None:
    terms = [agreement(ends="2026-03-01"), agreement(starts="2026-03-02")]
    pair = world.pair(world.program(), world.person("a@x.example"), world.person("b@x.example"), *terms)

    with world.store.read() as db:
        names = [known.evidence.pair for known in load_evidence(db, [pair])]

    assert names == [f"p-{pair}", f"p-{pair}@2026-03-02"]


def test_a_session_is_of_the_agreement_that_covered_its_first_date(world: World) -> None:
    duo = make_duo(world, agreement(ends="2026-03-01"), agreement(starts="2026-03-02"))
    duo.sync(full(move(occurrence("2026-02-27 10:00"), "2026-03-04 10:00", "2026-01-20 10:00")), FIRST)

    with world.store.read() as db:
        first, second = load_evidence(db, [duo.pair])

    assert (len(first.evidence.sessions), len(second.evidence.sessions)) == (1, 0)


def test_a_session_that_moved_into_an_agreement_is_of_that_one(world: World) -> None:
    duo = make_duo(world, agreement(ends="2026-02-20"), agreement(starts="2026-03-02"))
    duo.sync(full(move(occurrence("2026-02-25 10:00"), "2026-03-04 10:00", "2026-01-20 10:00")), FIRST)

    with world.store.read() as db:
        first, second = load_evidence(db, [duo.pair])

    assert (len(first.evidence.sessions), len(second.evidence.sessions)) == (0, 1)


def test_a_session_that_no_agreement_covers_any_more_is_left_out(duo: Duo) -> None:
    duo.sync(full(*series("2026-05-04 10:00", 4)), FIRST)
    with duo.world.store.write() as db:
        db.scalars(select(Agreement)).one().ends_on = date(2026, 5, 11)

    assert [s.observations[0].starts_at.day for s in duo.evidence.sessions] == [4, 11]


def test_what_a_calendar_showed_that_was_taken_away_gives_way_to_the_next(duo: Duo) -> None:
    from tracker.models import Provider

    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)
    disconnect(duo, duo.calendar, LATER)
    feed = duo.world.calendar(duo.mentor, Provider.ICAL)

    duo.world.sync(feed, full(move(event, "2026-02-11 10:00", "2026-02-03 10:00")), "2026-02-04 08:00")

    (session,) = duo.evidence.sessions
    assert [o.starts_at.day for o in session.observations] == [9, 11]


def test_a_programs_own_rules_go_over_the_defaults(duo: Duo) -> None:
    with duo.world.store.write() as db:
        db.scalars(select(Program)).one().policy = {"grace_days": 10}

    assert duo.evidence.policy == Policy(grace_days=10)


# --- absences ---


def test_leave_and_pauses_are_told(duo: Duo) -> None:
    with duo.world.store.write() as db:
        for owner, kind in (({"person_id": duo.mentee}, "leave"), ({"pair_id": duo.pair}, "pause")):
            db.add(
                Absence(
                    starts_on=date(2026, 2, 2),
                    ends_on=date(2026, 2, 6),
                    kind=kind,
                    created_at=instant(FIRST),
                    **owner,
                )
            )

    assert [(a.who, a.kind) for a in duo.evidence.absences] == [
        (Away.MENTEE, AbsenceKind.LEAVE),
        (Away.BOTH, AbsenceKind.PAUSE),
    ]


def test_public_holidays_follow_from_each_ones_country(duo: Duo) -> None:
    with duo.world.store.write() as db:
        db.get_one(Person, duo.mentor).country = "ES"
        db.get_one(Person, duo.mentee).country = "US"

    told = {(a.who, a.first_on, a.last_on) for a in duo.evidence.absences}

    assert (Away.MENTOR, date(2026, 1, 6), date(2026, 1, 6)) in told  # Epiphany
    assert (Away.MENTEE, date(2026, 1, 19), date(2026, 1, 19)) in told  # Martin Luther King Jr. Day
    assert {a.kind for a in duo.evidence.absences} == {AbsenceKind.HOLIDAY}


def test_the_companys_own_days_in_a_row_are_one_absence(duo: Duo) -> None:
    with duo.world.store.write() as db:
        db.add_all(CompanyHoliday(day=date(2026, 2, 2) + timedelta(days=i), name="Retreat") for i in range(5))
        db.add(CompanyHoliday(day=date(2026, 3, 2), name="Elsewhere", country="FR"))

    assert [(a.who, a.first_on, a.last_on) for a in duo.evidence.absences] == [
        (Away.BOTH, date(2026, 2, 2), date(2026, 2, 6))
    ]


# --- what people and meetings say ---


def test_a_session_without_a_calendar_entry_serves_its_period(duo: Duo) -> None:
    told_at = instant("2026-01-14 18:00")
    with duo.world.store.write() as db:
        session = Session(
            pair_id=duo.pair,
            starts_at=instant("2026-01-14 10:00"),
            ends_at=instant("2026-01-14 11:00"),
            told_by=duo.mentor,
            created_at=told_at,
        )
        session.statements.append(Statement(side="mentor", at=told_at, held=True, via="site"))
        db.add(session)

    (told,) = duo.evidence.sessions
    ledger = judge(duo.evidence, now=instant("2026-01-20 08:00"))

    assert [(o.at, o.starts_at) for o in told.observations] == [(told_at, instant("2026-01-14 10:00"))]
    assert (ledger.sessions[0].outcome, ledger.periods[0].verdict) == (Outcome.HELD, Verdict.MET)


def test_statements_and_attendance_are_told(duo: Duo) -> None:
    duo.sync(full(single("2026-01-14 10:00")), FIRST)
    joined, left = instant("2026-01-14 10:01"), instant("2026-01-14 10:55")
    with duo.world.store.write() as db:
        session = db.scalars(select(Session)).one()
        session.attendance_recorded = True
        session.statements.append(
            Statement(side="mentee", at=instant(FIRST), held=False, absent=["mentor"], via="site")
        )
        session.attendance.append(Attendance(side="mentor", joined_at=joined, left_at=left))

    (told,) = duo.evidence.sessions

    assert told.statements[0].absent == (Side.MENTOR,)
    assert told.attendance == (Presence(who=Side.MENTOR, joined_at=joined, left_at=left),)


def test_nothing_recorded_is_not_nobody_came(duo: Duo) -> None:
    duo.sync(full(single("2026-01-14 10:00")), FIRST)

    assert duo.evidence.sessions[0].attendance is None


def test_it_asks_as_many_questions_for_many_pairs_as_for_one(world: World) -> None:
    program = world.program()
    pairs = []
    for i in range(6):
        mentor, mentee = world.person(f"m{i}@x.example"), world.person(f"n{i}@x.example")
        pairs.append(world.pair(program, mentor, mentee))
        world.sync(world.calendar(mentor), full(*series("2026-01-12 10:00", 4, attendees=())), FIRST)
    asked: list[str] = []
    events.listen(world.store.engine, "after_cursor_execute", lambda *call: asked.append(str(call[2])))

    counts = []
    for some in (pairs[:1], pairs):
        asked.clear()
        with world.store.read() as db:
            assert len(load_evidence(db, some)) == len(some)
        counts.append(sum(statement.startswith("SELECT") for statement in asked))

    assert counts[0] == counts[1] <= 12
