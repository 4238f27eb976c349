"""From ledgers to nudges."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.tracker.services.nudges.desk import Desk
from tests.tracker.world import World, cancel, make_duo, single
from tracker.models import Nudge
from tracker.ports import Vault
from tracker.store import Store

# The pair meets every two weeks from Monday 5 January 2026; the first period closes on the 22nd.
SESSION = "2026-01-13 10:00"
TWO_THIRDS = "2026-01-14 08:00"


@pytest.fixture
def desk(store: Store, vault: Vault) -> Desk:
    return Desk(make_duo(World(store, vault)))


def about(desk: Desk, kind: str) -> set[tuple[int, str]]:
    return {(person, name) for person, of, name in desk.nudges() if of == kind}


def count(desk: Desk) -> int:
    with desk.store.read() as db:
        return db.scalar(select(func.count()).select_from(Nudge)) or 0


def test_both_are_asked_after_a_session(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:30")
    first = {(desk.duo.mentor, "session:1"), (desk.duo.mentee, "session:1")}
    assert first <= about(desk, "confirm")


def test_nobody_is_asked_before_the_session_ended(desk: Desk) -> None:
    desk.read("2026-01-13 10:30", single(SESSION))
    desk.notice("2026-01-13 10:30")
    assert about(desk, "confirm") == set()


def test_whoever_has_spoken_is_not_asked(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.confirm(desk.duo.mentor, "2026-01-13 11:40")
    desk.notice("2026-01-13 11:41")
    assert {person for person, _ in about(desk, "confirm")} == {desk.duo.mentee}


def test_a_question_comes_to_nothing_once_it_is_answered(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:31")
    for person in (desk.duo.mentor, desk.duo.mentee):
        desk.confirm(person, "2026-01-13 11:40")
    report = desk.notice("2026-01-13 11:41")
    assert report.closed == 4
    assert desk.nudges() == []


def test_a_question_comes_back_where_the_answer_is_taken_back(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:31")
    before = desk.nudges()
    desk.read("2026-01-13 11:40", cancel(single(SESSION), "2026-01-13 09:00"))
    desk.notice("2026-01-13 11:40")
    assert about(desk, "confirm") == set()
    desk.read("2026-01-13 11:50", single(SESSION))
    desk.notice("2026-01-13 11:50")
    assert desk.nudges() == before


def test_a_pair_without_a_date_is_reminded_when_two_thirds_have_passed(desk: Desk) -> None:
    desk.read("2026-01-13 08:00")
    desk.notice("2026-01-13 08:00")
    assert desk.nudges() == []
    desk.read(TWO_THIRDS)
    desk.notice(TWO_THIRDS)
    assert about(desk, "plan") == {
        (desk.duo.mentor, "period:1/2026-01-05"),
        (desk.duo.mentee, "period:1/2026-01-05"),
    }


def test_a_pair_with_a_date_is_left_alone(desk: Desk) -> None:
    desk.read(TWO_THIRDS, single("2026-01-16 10:00"))
    desk.notice(TWO_THIRDS)
    assert desk.nudges() == []


def test_nobody_is_told_that_nothing_is_planned_where_the_calendar_could_not_be_read(desk: Desk) -> None:
    desk.read("2026-01-06 08:00")
    desk.notice("2026-01-14 08:00")
    assert desk.nudges() == []


def test_a_miss_is_told_to_both(desk: Desk) -> None:
    desk.read("2026-01-22 06:00")
    desk.notice("2026-01-22 06:00")
    assert about(desk, "missed") == {
        (desk.duo.mentor, "period:1/2026-01-05"),
        (desk.duo.mentee, "period:1/2026-01-05"),
    }


def test_a_miss_of_long_ago_is_not_told(desk: Desk) -> None:
    # The first review finds two periods in the past; only the second ended a moment ago.
    desk.read("2026-02-05 06:00")
    desk.notice("2026-02-05 06:00")
    assert {name for _, name in about(desk, "missed")} == {"period:1/2026-01-19"}


def test_unknown_is_no_miss(desk: Desk) -> None:
    desk.notice("2026-01-22 06:00")
    assert desk.nudges() == []


def test_looking_twice_adds_nothing(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:31")
    before = count(desk)
    again = desk.notice("2026-01-13 11:32")
    assert (again.pairs, count(desk)) == (0, before)


def test_a_pair_is_looked_at_after_each_review_and_not_else(desk: Desk) -> None:
    desk.read("2026-01-06 08:00")
    assert desk.notice("2026-01-06 08:01").pairs == 1
    assert desk.notice("2026-01-06 08:02").pairs == 0
