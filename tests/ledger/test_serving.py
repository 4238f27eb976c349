"""Section 5: which session serves which period. Period 1 is 2 to 15 March, 2 is 16 to 29 March, and so on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.makers import Json, both, held, look, pair, said, seen, session

WEEKLY = {"sessions": 1, "every": 1, "unit": "week"}


def served(*sessions: Json, now: str = "06-01", **changes: Any) -> list[tuple[str, ...]]:
    """Tell which sessions serve each period."""
    return [period.sessions for period in look(pair(*sessions, **changes), now).periods]


@pytest.mark.parametrize(
    ("start", "period"),
    [
        ("02-26 23:00", 0),  # midnight in Madrid of the 27th, three days before
        ("03-02 10:00", 0),
        ("03-29 21:59", 1),
        ("03-29 22:00", 1),  # grace, as an earlier period has an open slot
    ],
)
def test_it_serves_the_period_of_its_local_date_or_one_near_it(start: str, period: int) -> None:
    assert served(held("a", start))[period] == ("a",)


@pytest.mark.parametrize("start", ["02-26 22:59", "09-02 22:00"])
def test_it_serves_nothing_beyond_the_grace(start: str) -> None:
    assert not any(served(held("a", start), now="10-01"))


def test_it_serves_the_last_period_up_to_the_end_of_the_grace() -> None:
    assert served(held("a", "09-02 21:59"), now="10-01")[-1] == ("a",)


def test_it_measures_the_grace_by_the_policy() -> None:
    evidence = held("a", "03-20 10:00")
    assert served(evidence, policy={"grace_days": 4})[0] == ()
    assert served(evidence, policy={"grace_days": 5})[0] == ("a",)


def moved(name: str, *starts: str) -> Json:
    """Make a session that was moved from start to start, and held."""
    history = [seen(start, at=f"02-{20 + n} 09:00") for n, start in enumerate(starts)]
    return session(name, *history, statements=both(at=starts[-1]))


def test_it_serves_every_period_from_its_origin_to_its_start() -> None:
    third = moved("a", "03-05 10:00", "04-08 10:00")
    assert served(third)[:3] == [("a",), (), ()]
    assert served(third, held("b", "03-05 10:00"))[:3] == [("b",), ("a",), ()]
    assert served(third, held("b", "03-05 10:00"), held("c", "03-20 10:00"))[:3] == [("b",), ("c",), ("a",)]


def test_it_serves_every_period_when_moved_to_an_earlier_date() -> None:
    first = moved("a", "04-08 10:00", "03-05 10:00")
    assert served(first, held("b", "03-03 10:00"), held("c", "03-25 10:00"))[:3] == [("b",), ("c",), ("a",)]


def test_it_counts_a_start_after_the_last_period_as_in_it() -> None:
    late = moved("a", "08-20 10:00", "09-20 10:00")
    assert served(late, now="10-01")[-1] == ("a",)


def test_it_counts_a_start_before_the_first_period_as_in_it() -> None:
    early = moved("a", "03-20 10:00", "02-22 10:00")
    assert served(early, held("b", "03-05 10:00"))[:2] == [("b",), ("a",)]


def test_it_takes_no_account_of_an_origin_outside_all_periods() -> None:
    assert served(moved("a", "02-22 10:00", "03-25 10:00"))[:2] == [(), ("a",)]


def test_it_fills_slots_with_held_sessions_first() -> None:
    unsure = session("a", seen("03-03 10:00"))
    assert served(unsure, held("b", "03-13 10:00"))[0] == ("b",)


def test_it_fills_slots_class_by_class() -> None:
    sessions = [
        session("scheduled", seen("03-14 10:00")),
        session("unconfirmed", seen("03-02 10:00")),
        session("disputed", seen("03-03 10:00"), statements=[said("mentor", True), said("mentee", False)]),
        session("awaiting", seen("03-12 10:00")),
        held("held", "03-04 10:00"),
    ]
    cadence = {"sessions": 5, "every": 2, "unit": "week"}
    assert served(*sessions, now="03-13", cadence=cadence)[0] == (
        "held", "awaiting", "disputed", "unconfirmed", "scheduled",
    )  # fmt: skip


def test_it_fills_slots_with_no_failed_session() -> None:
    failed = session("a", seen("03-05 10:00"), statements=both(held=False))
    assert not any(served(failed))


def test_it_takes_the_session_first_that_can_wait_least() -> None:
    # The 14th serves only period 1 or 2, by the grace; the 5th only period 1.
    assert served(held("a", "03-14 10:00"), held("b", "03-05 10:00"))[:2] == [("b",), ("a",)]


def test_it_then_takes_one_whose_origin_lies_in_the_period() -> None:
    # Both may serve periods 1 and 2, and the earlier one began in period 2.
    sessions = moved("a", "03-20 10:00", "03-05 10:00"), moved("b", "03-06 10:00", "03-20 10:00")
    assert served(*sessions)[:2] == [("b",), ("a",)]


def test_it_then_takes_the_earliest_and_of_those_the_lowest_id() -> None:
    assert served(held("b", "03-04 10:00"), held("a", "03-05 10:00"))[0] == ("b",)
    assert served(held("b", "03-04 10:00"), held("a", "03-04 10:00"))[0] == ("a",)


def test_it_serves_an_ordinary_period_before_an_excused_one() -> None:
    away = [{"who": "mentor", "from": "2026-03-02", "to": "2026-03-13"}]
    either = held("a", "03-14 10:00")
    assert served(either)[:2] == [("a",), ()]
    assert served(either, absences=away)[:2] == [(), ("a",)]
    assert served(either, held("b", "03-20 10:00"), absences=away)[:2] == [("a",), ("b",)]


def test_it_lists_sessions_in_the_order_in_which_slots_were_filled() -> None:
    cadence = {"sessions": 3, "every": 1, "unit": "month"}
    sessions = [session("a", seen("03-03 10:00")), held("c", "03-20 10:00"), held("b", "03-10 10:00")]
    assert served(*sessions, cadence=cadence)[0] == ("b", "c", "a")
