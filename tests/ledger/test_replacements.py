"""Section 4: which session stands in for one that failed, and what it inherits."""

from __future__ import annotations

import pytest

from tests.ledger.makers import Json, both, held, look, moment, named, pair, seen, session


def off(name: str, start: str, at: str, *more: Json) -> Json:
    """Make a session that was cancelled at a moment."""
    return session(name, seen(start), seen(start, at=at, status="cancelled"), *more)


def not_held(name: str, start: str, at: str = "02-20 09:00") -> Json:
    """Make a session that both say was not held."""
    return session(name, seen(start, at=at), statements=both(held=False, at=start))


def replaced(*sessions: Json) -> dict[str, str | None]:
    """Tell what each session replaces."""
    return {s.id: s.replaces for s in look(pair(*sessions), "06-01").sessions}


@pytest.mark.parametrize(
    ("first_seen", "replaces"),
    [
        ("03-09 08:59", None),
        ("03-09 09:00", "a"),  # 24 h before the cancellation was seen
        ("03-19 10:00", "a"),  # 7 x 24 h after the start
        ("03-19 10:01", None),
    ],
)
def test_it_replaces_a_cancelled_session_when_first_seen_in_time(
    first_seen: str, replaces: str | None
) -> None:
    sessions = off("a", "03-12 10:00", "03-10 09:00"), held("b", "03-20 10:00", at=first_seen)
    assert replaced(*sessions)["b"] == replaces


@pytest.mark.parametrize(
    ("first_seen", "replaces"),
    [("03-11 09:59", None), ("03-11 10:00", "a"), ("03-19 10:00", "a"), ("03-19 10:01", None)],
)
def test_it_replaces_a_session_not_held_when_first_seen_in_time(
    first_seen: str, replaces: str | None
) -> None:
    sessions = not_held("a", "03-12 10:00"), held("b", "03-20 10:00", at=first_seen)
    assert replaced(*sessions)["b"] == replaces


def test_it_knows_a_cancellation_from_the_first_of_the_last_observations_that_are_all_off() -> None:
    again = seen("03-12 10:00", at="03-11 09:00", declined_by=["mentee"])
    sessions = off("a", "03-12 10:00", "03-05 09:00", again), held("b", "03-20 10:00", at="03-04 09:00")
    assert replaced(*sessions)["b"] == "a"


def test_it_forgets_a_cancellation_that_was_taken_back() -> None:
    back, again = (
        seen("03-12 10:00", at="03-06 09:00"),
        seen("03-12 10:00", at="03-11 09:00", status="cancelled"),
    )
    sessions = off("a", "03-12 10:00", "03-05 09:00", back, again), held("b", "03-20 10:00", at="03-04 09:00")
    assert replaced(*sessions)["b"] is None


def test_it_replaces_only_by_what_starts_later() -> None:
    sessions = off("a", "03-12 10:00", "03-10 09:00"), held("b", "03-12 10:00", at="03-10 10:00")
    assert replaced(*sessions)["b"] is None


def test_it_is_not_replaced_by_a_cancelled_session() -> None:
    second = session(
        "b", seen("03-14 10:00", at="03-11 09:00"), seen("03-14 10:00", at="03-13 09:00", status="cancelled")
    )
    assert replaced(off("a", "03-12 10:00", "03-10 09:00"), second) == {"a": None, "b": None}


def test_it_may_be_replaced_by_a_session_not_held_and_so_on_along_a_chain() -> None:
    chain = [
        off("a", "03-05 10:00", "03-04 09:00"),
        not_held("b", "03-08 10:00", at="03-04 10:00"),
        held("c", "03-19 10:00", at="03-09 10:00"),
    ]
    ledger = look(pair(*chain), "06-01")
    assert [s.replaces for s in ledger.sessions] == [None, "a", "b"]
    assert {s.origin for s in ledger.sessions} == {moment("03-05 10:00")}


def test_it_inherits_the_origin_that_a_moved_session_had() -> None:
    moved = session(
        "a",
        seen("03-05 10:00"),
        seen("03-06 10:00", at="03-04 10:00"),
        seen("03-06 10:00", at="03-05 10:00", status="cancelled"),
    )
    ledger = look(pair(moved, held("b", "03-18 10:00", at="03-06 10:00")), "06-01")
    assert named(ledger, "b").origin == moment("03-05 10:00")


def test_it_gives_the_earliest_replacement_to_the_earliest_failure() -> None:
    sessions = [
        held("d", "03-15 10:00", at="03-10 09:00"),
        held("c", "03-14 10:00", at="03-10 09:00"),
        off("b", "03-13 10:00", "03-10 09:00"),
        off("a", "03-12 10:00", "03-10 09:00"),
    ]
    assert replaced(*sessions) == {"a": None, "b": None, "c": "a", "d": "b"}


def test_it_orders_equal_starts_by_id() -> None:
    sessions = [
        held("d", "03-14 10:00", at="03-10 09:00"),
        held("c", "03-14 10:00", at="03-10 09:00"),
        off("b", "03-12 10:00", "03-10 09:00"),
        off("a", "03-12 10:00", "03-10 09:00"),
    ]
    assert replaced(*sessions) == {"a": None, "b": None, "c": "a", "d": "b"}


def test_it_replaces_one_failure_only() -> None:
    sessions = [
        off("a", "03-12 10:00", "03-10 09:00"),
        off("b", "03-13 10:00", "03-10 09:00"),
        held("c", "03-14 10:00", at="03-10 09:00"),
    ]
    assert replaced(*sessions) == {"a": None, "b": None, "c": "a"}
