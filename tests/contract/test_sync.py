"""What every connector owes: the same deeds on the calendars give the same sessions."""

from __future__ import annotations

import pytest

from tests.contract.company import ANA, BEN, DAY, EVE, HOUR, MONDAY, WEEK, Company
from tracker.ledger import Side
from tracker.services.sync import Outcome

WEEKLY = "FREQ=WEEKLY;COUNT=4"
FOUR = [MONDAY + n * WEEK for n in range(4)]


def test_first_sync_takes_in_what_is_tagged_and_nothing_else(company: Company) -> None:
    company.office.meet(ANA, (BEN,), MONDAY - DAY)
    company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.office.meet(ANA, (EVE,), MONDAY + DAY, summary="Dentist")
    result = company.sync(ANA)
    assert (result.outcome, result.looked_at) == (Outcome.READ, 3)
    assert company.standing() == [MONDAY - DAY, *FOUR]


def test_first_sync_of_an_empty_calendar_is_a_reading(company: Company) -> None:
    assert company.sync(ANA).outcome is Outcome.READ
    assert company.sessions() == []


def test_no_change_changes_nothing(company: Company) -> None:
    company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    before = company.sessions()
    assert company.sync(ANA).outcome is Outcome.UNCHANGED
    assert company.sessions() == before


def test_change_of_what_is_not_kept_changes_nothing(company: Company) -> None:
    event = company.office.meet(ANA, (BEN,), MONDAY)
    company.sync(ANA)
    before = company.sessions()
    company.office.change(event, description="Other words", location="Another room")
    result = company.sync(ANA)
    assert result.problem is None
    assert company.sessions() == before


def test_new_entry_becomes_a_session(company: Company) -> None:
    company.sync(ANA)
    company.office.meet(ANA, (BEN,), MONDAY)
    company.sync(ANA)
    assert company.standing() == [MONDAY]


def test_moved_entry_stays_the_same_session(company: Company) -> None:
    event = company.office.meet(ANA, (BEN,), MONDAY)
    company.sync(ANA)
    company.office.move(event, MONDAY + DAY)
    company.sync(ANA)
    (session,) = company.sessions()
    assert [o.starts_at for o in session.observations] == [MONDAY, MONDAY + DAY]


def test_moved_instance_keeps_its_slot(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.move_instance(series, FOUR[1], FOUR[1] + DAY)
    company.sync(ANA)
    assert company.standing() == [FOUR[0], FOUR[1] + DAY, *FOUR[2:]]
    assert [o.starts_at for o in company.sessions()[1].observations] == [FOUR[1], FOUR[1] + DAY]


def test_exception_known_from_the_start_tells_where_it_was(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.office.now += 3 * DAY
    moved_at = company.office.now
    company.office.move_instance(series, FOUR[1], FOUR[1] + DAY)
    company.sync(ANA)
    told = company.sessions()[1].observations
    assert [(o.starts_at, o.at) for o in told] == [
        (FOUR[1], moved_at - 3 * DAY),
        (FOUR[1] + DAY, moved_at),
    ]


def test_cancelled_instance_is_cancelled_by_the_organiser(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.cancel_instance(series, FOUR[2])
    company.sync(ANA)
    assert company.cancelled() == [FOUR[2]]
    (cancelled,) = [s for s in company.sessions() if s.observations[-1].starts_at == FOUR[2]]
    assert cancelled.observations[-1].cancelled_by is Side.MENTOR


def test_instance_that_was_cancelled_before_the_first_sync_is_known(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.office.now += DAY
    company.office.cancel_instance(series, FOUR[2])
    company.sync(ANA)
    assert company.standing() == [FOUR[0], FOUR[1], FOUR[3]]
    assert company.cancelled() == [FOUR[2]]


def test_deleted_entry_is_not_shown_any_more(company: Company) -> None:
    event = company.office.meet(ANA, (BEN,), MONDAY)
    company.sync(ANA)
    company.office.cancel(event)
    company.sync(ANA)
    assert company.shown(ANA) == []
    assert company.cancelled() == ([MONDAY] if company.connector.tells_deletion else [])


def test_deleted_series_is_not_shown_any_more(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.office.meet(ANA, (BEN,), MONDAY + DAY)
    company.sync(ANA)
    company.office.cancel(series)
    company.sync(ANA)
    assert company.shown(ANA) == [MONDAY + DAY]
    assert company.cancelled() == (FOUR if company.connector.tells_deletion else [])


def test_series_deleted_later_calls_off_only_what_was_to_come(company: Company) -> None:
    """Whoever deletes a series deletes its past as well: nobody is accused of a session that had ended."""
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.office.meet(ANA, (BEN,), MONDAY + DAY)
    company.sync(ANA)
    company.office.now = FOUR[1] + DAY
    company.office.cancel(series)
    company.sync(ANA)
    assert company.shown(ANA) == [MONDAY + DAY]
    assert company.cancelled() == (FOUR[2:] if company.connector.tells_deletion else [])


def test_deletion_of_more_than_anybody_deletes_waits_for_a_person(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, "FREQ=WEEKLY;COUNT=8")
    company.office.meet(ANA, (BEN,), MONDAY + DAY)
    company.sync(ANA)
    company.office.cancel(series)
    assert company.sync(ANA).outcome is Outcome.HELD
    assert len(company.standing()) == 9
    assert company.sync_surely(ANA).outcome is Outcome.READ
    assert company.shown(ANA) == [MONDAY + DAY]


def test_series_that_moved_is_moves_and_no_cancellation(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.move(series, MONDAY + DAY)
    company.sync(ANA)
    assert company.standing() == [start + DAY for start in FOUR]
    assert company.cancelled() == []
    assert [len(s.observations) for s in company.sessions()] == [2, 2, 2, 2]


def test_series_that_moved_to_another_hour_keeps_its_sessions(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.move(series, MONDAY + 3 * HOUR)
    company.sync(ANA)
    assert company.standing() == [start + 3 * HOUR for start in FOUR]


def test_series_that_got_shorter_is_no_cancellation(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.change(series, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    company.sync(ANA)
    assert company.shown(ANA) == FOUR[:2]
    assert company.cancelled() == []


def test_split_without_a_new_time_changes_nothing(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    before = [s.id for s in company.sessions()]
    company.office.split(series, FOUR[2])
    company.sync(ANA)
    assert company.standing() == FOUR
    assert [s.id for s in company.sessions()] == before


def test_split_moves_what_follows(company: Company) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.sync(ANA)
    company.office.split(series, FOUR[2], FOUR[2] + DAY)
    company.sync(ANA)
    assert company.standing() == [*FOUR[:2], FOUR[2] + DAY, FOUR[3] + DAY]
    assert company.cancelled() == []


def test_lost_tag_takes_the_entry_away_without_a_cancellation(company: Company) -> None:
    event = company.office.meet(ANA, (BEN, EVE), MONDAY)
    company.sync(ANA)
    company.office.change(event, summary="Something else")
    company.sync(ANA)
    assert company.shown(ANA) == []
    assert company.cancelled() == []


def test_tag_that_was_added_later_counts(company: Company) -> None:
    event = company.office.meet(ANA, (BEN, EVE), MONDAY, summary="Something")
    company.sync(ANA)
    assert company.sessions() == []
    company.office.change(event, summary="Something #mentoring")
    company.sync(ANA)
    assert company.standing() == [MONDAY]


def test_single_entry_that_becomes_a_series_keeps_its_session(company: Company) -> None:
    event = company.office.meet(ANA, (BEN,), MONDAY)
    company.sync(ANA)
    company.office.change(event, recurrence=[f"RRULE:{WEEKLY}"])
    company.sync(ANA)
    assert company.standing() == FOUR
    assert company.shown(ANA) == FOUR


def test_declined_invitation_is_on_the_session(company: Company) -> None:
    event = company.office.meet(ANA, (BEN,), MONDAY)
    company.sync(BEN)
    company.office.answer(BEN, event, "declined")
    company.sync(BEN)
    (session,) = company.sessions()
    assert session.observations[-1].declined_by == (Side.MENTEE,)


def test_forgotten_cursor_changes_nothing(company: Company) -> None:
    company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    event = company.office.meet(ANA, (BEN,), MONDAY + DAY)
    company.sync(ANA)
    company.connector.forget_cursors()
    company.office.move(event, MONDAY + 2 * DAY)
    assert company.sync(ANA).problem is None
    assert company.standing() == [FOUR[0], MONDAY + 2 * DAY, *FOUR[1:]]
    assert company.cancelled() == []


def test_deleted_while_the_cursor_was_forgotten_is_gone_not_cancelled(company: Company) -> None:
    event = company.office.meet(ANA, (BEN,), MONDAY)
    company.office.meet(ANA, (BEN,), MONDAY + DAY)
    company.sync(ANA)
    company.office.cancel(event)
    company.office.calendars[ANA].bury(event)
    company.connector.forget_cursors()
    company.sync(ANA)
    assert company.shown(ANA) == [MONDAY + DAY]
    assert company.cancelled() == []


def test_reading_that_breaks_off_changes_nothing(company: Company) -> None:
    for day in range(3):
        company.office.meet(ANA, (BEN,), MONDAY + day * DAY)
    company.sync(ANA)
    before = company.sessions()
    for day in range(3, 6):
        company.office.meet(ANA, (BEN,), MONDAY + day * DAY)
    company.connector.publish()
    mend = company.connector.break_off(ANA)
    company.connector.publish = lambda: None  # type: ignore[method-assign]
    assert company.sync(ANA).outcome is Outcome.FAILED
    assert company.sessions() == before
    del company.connector.publish
    mend()
    assert company.sync(ANA).outcome is Outcome.READ
    assert company.standing() == [MONDAY + day * DAY for day in range(6)]


def test_what_is_delivered_twice_counts_once(company: Company) -> None:
    company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    company.office.meet(ANA, (BEN,), MONDAY + DAY)
    company.sync(ANA)
    before = company.sessions()
    company.connector.repeat_everything()
    assert company.sync(ANA).problem is None
    assert company.sessions() == before


@pytest.mark.parametrize("order", [(ANA, BEN), (BEN, ANA)])
def test_two_copies_are_one_session_in_either_order(company: Company, order: tuple[str, str]) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    for person in order:
        company.sync(person)
    assert company.standing() == FOUR
    company.office.move_instance(series, FOUR[0], FOUR[0] + DAY)
    company.office.move(company.office.meet(ANA, (BEN,), FOUR[0]), FOUR[0] + 2 * DAY)
    for person in order:
        company.sync(person)
    assert company.standing() == [FOUR[0] + DAY, FOUR[0] + 2 * DAY, *FOUR[1:]]


@pytest.mark.parametrize("order", [(ANA, BEN), (BEN, ANA)])
def test_moved_series_is_one_session_each_in_either_order(company: Company, order: tuple[str, str]) -> None:
    series = company.office.repeat(ANA, (BEN,), MONDAY, WEEKLY)
    for person in order:
        company.sync(person)
    company.office.move(series, MONDAY + DAY)
    for person in order:
        company.sync(person)
    assert company.standing() == [start + DAY for start in FOUR]
    assert company.cancelled() == []


@pytest.mark.parametrize("order", [(ANA, BEN), (BEN, ANA)])
def test_guest_who_deletes_the_own_copy_calls_nothing_off(company: Company, order: tuple[str, str]) -> None:
    event = company.office.meet(ANA, (BEN,), MONDAY)
    for person in order:
        company.sync(person)
    company.office.throw_away(BEN, event)
    for person in order:
        company.sync(person)
    assert company.standing() == [MONDAY]


def test_summer_time_moves_no_session(company: Company) -> None:
    """Ten o'clock in Madrid is an hour earlier in UTC from 29 March on, and nothing moved."""
    start = MONDAY + 3 * WEEK - HOUR  # 10:00 in Madrid, in winter
    company.office.repeat(ANA, (BEN,), start, "FREQ=WEEKLY;COUNT=3", zone="Europe/Madrid")
    company.sync(ANA)
    assert company.standing() == [start, start + WEEK - HOUR, start + 2 * WEEK - HOUR]
    assert [len(s.observations) for s in company.sessions()] == [1, 1, 1]
