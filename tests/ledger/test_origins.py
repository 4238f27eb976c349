"""Section 2: what is known of a session at a moment, and where it was first meant to be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.makers import Json, look, moment, named, only_session, pair, said, seen, session
from tracker.ledger import Outcome


def origin(*observations: Json, now: str = "06-01", **changes: Any) -> str:
    """Tell the origin of a session with this history, as "03-05 10:00"."""
    ledger = look(pair(session("a", *observations), **changes), now)
    return only_session(ledger).origin.strftime("%m-%d %H:%M")


def test_it_begins_where_it_is_without_moves() -> None:
    assert origin(seen("03-05 10:00")) == "03-05 10:00"


def test_it_begins_where_a_move_in_time_began() -> None:
    assert origin(seen("03-05 10:00"), seen("03-20 10:00", at="03-04 10:00")) == "03-05 10:00"


@pytest.mark.parametrize(
    ("moved", "expected"), [("03-12 10:00", "03-05 10:00"), ("03-12 10:01", "03-20 10:00")]
)
def test_it_takes_a_move_up_to_the_limit_after_the_old_start(moved: str, expected: str) -> None:
    assert origin(seen("03-05 10:00"), seen("03-20 10:00", at=moved)) == expected


def test_it_follows_only_the_unbroken_run_of_moves_in_time() -> None:
    history = [
        seen("03-05 10:00"),
        seen("03-25 10:00", at="03-20 10:00"),  # too late: the run breaks here
        seen("03-27 10:00", at="03-24 10:00"),
        seen("03-30 10:00", at="03-26 10:00"),
    ]
    assert origin(*history) == "03-25 10:00"


def test_it_is_not_held_up_by_observations_that_move_nothing() -> None:
    history = [
        seen("03-05 10:00"),
        seen("03-05 10:00", at="02-25 09:00"),
        seen("03-20 10:00", at="03-04 10:00"),
        seen("03-20 10:00", at="03-19 10:00", declined_by=["mentee"]),
    ]
    assert origin(*history) == "03-05 10:00"


def test_it_takes_a_cancellation_and_a_new_date_for_a_move() -> None:
    history = [
        seen("03-05 10:00"),
        seen("03-05 10:00", at="03-03 10:00", status="cancelled"),
        seen("03-20 10:00", at="03-04 10:00"),
    ]
    assert origin(*history) == "03-05 10:00"


def test_it_begins_anew_when_it_was_cancelled_at_another_time_than_it_had() -> None:
    history = [
        seen("03-05 10:00"),
        seen("03-06 10:00", at="03-03 10:00"),
        seen("03-07 10:00", at="03-04 10:00", status="cancelled"),
    ]
    assert origin(*history) == "03-07 10:00"


def test_it_orders_observations_by_their_instants() -> None:
    assert origin(seen("03-20 10:00", at="03-04 10:00"), seen("03-05 10:00")) == "03-05 10:00"


def test_it_keeps_the_order_of_the_file_at_equal_instants() -> None:
    assert origin(seen("03-05 10:00"), seen("03-20 10:00")) == "03-05 10:00"
    assert origin(seen("03-20 10:00"), seen("03-05 10:00")) == "03-20 10:00"


def test_it_does_not_know_later_observations_yet() -> None:
    history = [seen("03-05 10:00"), seen("03-20 10:00", at="03-04 10:00")]
    ledger = look(pair(session("a", *history)), "03-04 09:59")
    assert ledger.next_session == moment("03-05 10:00")


def test_it_leaves_out_a_session_that_is_on_no_calendar_yet() -> None:
    assert look(pair(session("a", seen("03-05 10:00", at="03-01 10:00"))), "03-01 09:59").sessions == ()


def test_it_does_not_know_later_statements_yet() -> None:
    told = session(
        "a", seen("03-05 10:00"), statements=[said("mentor", held=True), said("mentee", held=True)]
    )
    assert named(look(pair(told), "03-05 11:59"), "a").outcome is Outcome.AWAITING
    assert named(look(pair(told), "03-05 12:00"), "a").outcome is Outcome.HELD


def test_it_reads_any_offset() -> None:
    local = seen("03-05 10:00") | {"starts_at": "2026-03-05T15:30:00+05:30"}
    assert origin(local) == "03-05 10:00"
