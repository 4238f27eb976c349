"""Section 3, row by row: what became of a session on 5 March from 10 to 11, looked at before and after."""

from __future__ import annotations

import pytest

from tests.ledger.makers import Json, both, look, only_session, pair, said, seen, session, stay
from tracker.ledger import Outcome, Side

IN_WINDOW = "03-08 10:59"
OVER = "03-08 11:00"
HELD = said("mentor", True)
NOT_HELD = said("mentee", False, "mentor")
TOGETHER = [stay("mentor", "03-05 10:00", "03-05 10:30"), stay("mentee", "03-05 10:05", "03-05 10:15")]
ALONE = [stay("mentor", "03-05 10:00", "03-05 10:30")]
MENTOR, MENTEE = Side.MENTOR, Side.MENTEE


def become(
    now: str, *observations: Json, policy: Json | None = None, **more: object
) -> tuple[str, tuple[Side, ...]]:
    """Tell what became of the session and who was absent."""
    told = session("a", *(observations or [seen("03-05 10:00")]), **more)
    outcome = only_session(look(pair(told, policy=policy or {}), now))
    return str(outcome.outcome), outcome.absent


def cancelled(at: str = "03-01 10:00", **more: object) -> list[Json]:
    """Make the history of a session that was called off."""
    return [seen("03-05 10:00"), seen("03-05 10:00", at=at, status="cancelled", **more)]


@pytest.mark.parametrize(
    ("statements", "attendance", "in_window", "over"),
    [
        ([*both()], None, "held", "held"),
        ([*both()], [], "held", "held"),
        ([*both(held=False)], TOGETHER, "not_held", "not_held"),
        ([HELD, NOT_HELD], TOGETHER, "held", "held"),
        ([HELD, NOT_HELD], ALONE, "disputed", "disputed"),
        ([HELD, NOT_HELD], None, "disputed", "disputed"),
        ([HELD], TOGETHER, "held", "held"),
        ([HELD], [], "awaiting", "held"),
        ([HELD], None, "awaiting", "held"),
        ([NOT_HELD], TOGETHER, "awaiting", "not_held"),
        ([NOT_HELD], None, "awaiting", "not_held"),
        ([], TOGETHER, "held", "held"),
        ([], ALONE, "awaiting", "not_held"),
        ([], [], "awaiting", "not_held"),
        ([], None, "awaiting", "unconfirmed"),
    ],
)
def test_it_settles_a_session_by_what_was_said_and_recorded(
    statements: list[Json], attendance: list[Json] | None, in_window: str, over: str
) -> None:
    assert become(IN_WINDOW, statements=statements, attendance=attendance)[0] == in_window
    assert become(OVER, statements=statements, attendance=attendance)[0] == over


def test_it_counts_silence_as_held_where_the_policy_says_so() -> None:
    trusting = {"unconfirmed_counts_as": "held"}
    assert become(IN_WINDOW, policy=trusting)[0] == "awaiting"
    assert become(OVER, policy=trusting)[0] == "held"


@pytest.mark.parametrize(("now", "expected"), [("03-05 10:59", "scheduled"), ("03-05 11:00", "awaiting")])
def test_it_is_scheduled_until_its_end(now: str, expected: str) -> None:
    assert become(now)[0] == expected


def test_it_is_held_even_before_its_end_when_both_say_so() -> None:
    assert become("03-05 10:30", statements=both(at="03-05 10:20"))[0] == "held"


def test_it_waits_for_its_end_when_both_say_not_held() -> None:
    early = both(held=False, at="03-05 10:20")
    assert become("03-05 10:59", statements=early)[0] == "scheduled"
    assert become("03-05 11:00", statements=early)[0] == "not_held"


def test_it_believes_the_latest_statement_of_each() -> None:
    statements = [said("mentor", True, at="03-06 12:00"), said("mentor", False), said("mentee", True)]
    assert become(OVER, statements=statements)[0] == "held"


def test_it_believes_the_later_of_two_statements_at_the_same_instant() -> None:
    statements = [said("mentor", False), said("mentor", True), said("mentee", True)]
    assert become(OVER, statements=statements)[0] == "held"


def test_it_is_cancelled_when_the_calendar_says_so_and_nobody_says_held() -> None:
    assert become("03-02", *cancelled())[0] == "cancelled"
    assert become(OVER, *cancelled(), statements=both(held=False))[0] == "cancelled"


def test_it_is_held_though_cancelled_when_both_say_that_they_met() -> None:
    assert become(OVER, *cancelled(), statements=both())[0] == "held"


def test_it_goes_on_down_the_table_when_one_says_held_of_a_cancelled_session() -> None:
    told = [said("mentor", True, at="03-05 10:30")]
    assert become("03-05 10:59", *cancelled(), statements=told)[0] == "scheduled"
    assert become(IN_WINDOW, *cancelled(), statements=told)[0] == "awaiting"
    assert become(OVER, *cancelled(), statements=told)[0] == "held"


@pytest.mark.parametrize("by", ["mentor", "mentee"])
def test_it_is_cancelled_by_either_ones_refusal(by: str) -> None:
    history = [seen("03-05 10:00"), seen("03-05 10:00", at="03-01 10:00", declined_by=[by])]
    assert become(OVER, *history) == ("cancelled", (Side(by),))


def test_it_stands_again_when_the_refusal_is_taken_back() -> None:
    history = [seen("03-05 10:00", declined_by=["mentee"]), seen("03-05 10:00", at="03-01 10:00")]
    assert become("03-02", *history)[0] == "scheduled"


@pytest.mark.parametrize(
    ("at", "late"), [("03-04 10:00", False), ("03-04 10:01", True), ("03-05 12:00", True)]
)
def test_it_is_late_with_less_notice_than_the_policy_asks(at: str, late: bool) -> None:
    ledger = look(pair(session("a", *cancelled(at))), "03-20")
    assert only_session(ledger).late is late


def test_it_measures_notice_from_the_first_of_the_last_cancellations() -> None:
    history = [*cancelled("03-02 10:00"), seen("03-05 10:00", at="03-05 09:00", status="cancelled")]
    assert not only_session(look(pair(session("a", *history)), "03-20")).late


def test_it_calls_only_cancellations_late() -> None:
    history = [*cancelled("03-05 09:00")]
    ledger = look(pair(session("a", *history, statements=both())), "03-20")
    assert only_session(ledger).outcome is Outcome.HELD
    assert not only_session(ledger).late


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (["10:00-10:10"], "held"),
        (["10:00-10:09"], "not_held"),
        (["10:00-10:04", "10:20-10:26"], "held"),
        (["10:00-10:08", "10:03-10:09"], "not_held"),  # two devices: nine minutes, not fourteen
        (["10:00-10:30", "10:05-10:06"], "held"),
        (["10:20-10:10"], "not_held"),
    ],
)
def test_it_takes_ten_minutes_in_all_for_being_there(minutes: list[str], expected: str) -> None:
    ends = [stretch.split("-") for stretch in minutes]
    stays = [stay("mentee", f"03-05 {joined}", f"03-05 {left}") for joined, left in ends]
    assert become(OVER, attendance=[*ALONE, *stays])[0] == expected


@pytest.mark.parametrize(
    ("statements", "attendance", "absent"),
    [
        ([said("mentee", False, "mentor")], None, (MENTOR,)),
        ([said("mentee", False, "mentee")], None, (MENTEE,)),
        ([said("mentee", False, "mentee", "mentor")], None, (MENTEE,)),  # of oneself goes first
        ([said("mentee", False)], None, ()),
        ([said("mentee", False, "mentor"), said("mentor", False, "mentee")], None, ()),  # blame on both sides
        ([said("mentee", False, "mentor"), said("mentor", False)], None, ()),  # the one named has spoken
        ([said("mentee", False, "mentor"), said("mentor", False, "mentor")], None, (MENTOR,)),
        ([said("mentee", False, "mentee"), said("mentor", False, "mentor")], None, (MENTEE, MENTOR)),
        ([said("mentee", False, "mentor")], ALONE, (MENTEE,)),  # the record goes before what the other says
        ([], ALONE, (MENTEE,)),
        ([], [], (MENTEE, MENTOR)),
    ],
)
def test_it_tells_who_was_absent_from_a_session_not_held(
    statements: list[Json], attendance: list[Json] | None, absent: tuple[Side, ...]
) -> None:
    assert become(OVER, statements=statements, attendance=attendance) == ("not_held", absent)


@pytest.mark.parametrize(
    ("more", "absent"),
    [
        ({}, ()),
        ({"cancelled_by": None}, ()),
        ({"cancelled_by": "mentor"}, (MENTOR,)),
        ({"declined_by": ["mentee"], "cancelled_by": "mentor"}, (MENTEE,)),
        ({"declined_by": ["mentor", "mentee"]}, (MENTEE, MENTOR)),
    ],
)
def test_it_tells_who_called_a_session_off(more: Json, absent: tuple[Side, ...]) -> None:
    assert become(OVER, *cancelled(**more)) == ("cancelled", absent)


def test_it_blames_nobody_for_sessions_that_did_not_fail() -> None:
    assert become(OVER, statements=[HELD, NOT_HELD]) == ("disputed", ())
