"""Section 6: what is said of the period from 2 to 15 March, which is over on the 19th."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.makers import Json, both, first_period, held, look, pair, said, seen, session
from tracker.ledger import Reason, Side, Verdict

OVER = "03-18 23:00"
BEFORE = "03-18 22:59"
MENTOR, MENTEE = Side.MENTOR, Side.MENTEE
WEEKS = {"sessions": 2, "every": 2, "unit": "week"}


def verdict(now: str, *sessions: Json, **changes: Any) -> tuple[str, str | None]:
    """Tell the verdict of the first period and its reason."""
    period = first_period(look(pair(*sessions, **changes), now))
    return str(period.verdict), period.reason and str(period.reason)


def moved(name: str, *starts: str) -> Json:
    """Make a session that was moved from start to start, and held."""
    history = [seen(start, at=f"02-{20 + n} 09:00") for n, start in enumerate(starts)]
    return session(name, *history, statements=both(at=starts[-1]))


@pytest.mark.parametrize(
    ("sessions", "reason"),
    [
        ([held("a", "03-05 10:00")], "on_time"),
        ([held("a", "03-01 10:00")], "early"),
        ([held("a", "03-17 10:00")], "late"),
        ([moved("a", "03-05 10:00", "03-17 10:00")], "rescheduled"),
        ([moved("a", "03-20 10:00", "03-05 10:00")], "rescheduled"),
        ([moved("a", "03-05 10:00", "03-12 10:00")], "on_time"),
        ([moved("a", "02-20 10:00", "03-05 10:00")], "on_time"),  # from outside all periods
        ([moved("a", "03-05 10:00", "02-20 10:00")], "early"),  # to outside all periods
    ],
)
def test_it_is_met_when_every_slot_is_held(sessions: list[Json], reason: str) -> None:
    assert verdict("04-01", *sessions) == ("met", reason)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (held("b", "03-06 10:00"), "early"),
        (held("b", "03-17 10:00"), "late"),
        (moved("b", "03-05 10:00", "03-17 10:00"), "rescheduled"),
    ],
)
def test_it_gives_the_strongest_reason_of_its_sessions(second: Json, reason: str) -> None:
    assert verdict("04-01", held("a", "03-01 10:00"), second, cadence=WEEKS) == ("met", reason)


def test_it_is_met_before_it_is_over() -> None:
    assert verdict("03-05 12:00", held("a", "03-05 10:00")) == ("met", "on_time")


@pytest.mark.parametrize("now", ["02-10", "03-10", OVER])
def test_it_is_excused_when_more_than_half_of_its_weekdays_are_taken(now: str) -> None:
    away = [
        {"who": "mentor", "from": "2026-03-02", "to": "2026-03-05"},
        {"who": "mentee", "from": "2026-03-12", "to": "2026-03-13"},
    ]
    assert verdict(now, absences=away) == ("excused", None)


@pytest.mark.parametrize(
    ("absences", "expected"),
    [
        ([("both", "03-02", "03-06")], "missed"),  # 5 of 10 are free
        ([("both", "03-02", "03-09")], "excused"),  # 4 of 10
        ([("both", "03-07", "03-08"), ("mentor", "03-02", "03-06")], "missed"),  # a weekend takes nothing
        ([("mentor", "03-02", "03-05"), ("mentee", "03-03", "03-06")], "missed"),  # days count once
        ([("mentor", "02-01", "03-09")], "excused"),
        ([("mentor", "03-06", "05-30")], "excused"),
    ],
)
def test_it_counts_the_weekdays_free_of_absences_of_either(
    absences: list[tuple[str, str, str]], expected: str
) -> None:
    away = [{"who": who, "from": f"2026-{first}", "to": f"2026-{last}"} for who, first, last in absences]
    assert verdict(OVER, absences=away)[0] == expected


def test_it_is_excusable_without_any_weekday() -> None:
    weekend = {
        "starts_on": "2026-03-07",
        "ends_on": "2026-03-08",
        "cadence": {"sessions": 1, "every": 2, "unit": "day"},
    }
    assert verdict("04-01", **weekend) == ("excused", None)


def test_it_is_met_though_excusable() -> None:
    away = [{"who": "both", "from": "2026-03-02", "to": "2026-03-13"}]
    assert verdict(OVER, held("a", "03-05 10:00"), absences=away) == ("met", "on_time")


def test_it_is_planned_when_every_slot_has_some_session_to_come() -> None:
    assert verdict("03-03", session("a", seen("03-10 10:00"))) == ("planned", None)
    assert verdict(BEFORE, session("a", seen("03-10 10:00"))) == ("planned", None)


def test_it_is_open_when_a_slot_is_empty() -> None:
    assert verdict(BEFORE) == ("open", None)
    assert verdict(BEFORE, held("a", "03-05 10:00"), cadence=WEEKS) == ("open", None)


@pytest.mark.parametrize(
    ("read", "expected"), [(OVER, "missed"), (BEFORE, "unknown"), (None, "unknown"), ("12-30", "missed")]
)
def test_it_is_missed_only_when_calendars_were_read_past_its_close(read: str | None, expected: str) -> None:
    assert verdict("04-10", read=read)[0] == expected


def test_it_is_not_read_past_now() -> None:
    assert verdict(BEFORE, read="12-30")[0] == "open"
    assert verdict(OVER, read="12-30")[0] == "missed"


NO_SHOW = session(
    "n", seen("03-05 10:00"), statements=[said("mentee", False, "mentor"), said("mentor", False)]
)
STOOD_UP = session("m", seen("03-05 10:00"), statements=[said("mentee", False, "mentor")])
CALLED_OFF = session(
    "c", seen("03-10 10:00"), seen("03-10 10:00", at="03-09 10:00", status="cancelled", cancelled_by="mentee")
)


@pytest.mark.parametrize(
    ("sessions", "reason", "missed_by"),
    [
        ([], Reason.NO_SESSION, ()),
        ([NO_SHOW], Reason.NO_SHOW, ()),
        ([STOOD_UP], Reason.NO_SHOW, (MENTOR,)),
        ([CALLED_OFF], Reason.CANCELLED, (MENTEE,)),
        ([STOOD_UP, CALLED_OFF], Reason.NO_SHOW, (MENTEE, MENTOR)),
    ],
)
def test_it_says_why_and_by_whom_it_was_missed(
    sessions: list[Json], reason: Reason, missed_by: tuple[Side, ...]
) -> None:
    period = first_period(look(pair(*sessions), "04-01"))
    assert (period.verdict, period.reason, period.missed_by) == (Verdict.MISSED, reason, missed_by)


def test_it_blames_a_failed_session_by_its_origin_and_by_its_start() -> None:
    dropped = session(
        "a",
        seen("03-05 10:00"),
        seen("03-25 10:00", at="03-04 10:00"),
        seen("03-25 10:00", at="03-20 10:00", status="cancelled"),
    )
    ledger = look(pair(dropped), "05-01")
    assert [p.reason for p in ledger.periods[:3]] == [Reason.CANCELLED, Reason.CANCELLED, Reason.NO_SESSION]


def test_it_still_names_the_failure_when_its_replacement_serves_elsewhere() -> None:
    sessions = [CALLED_OFF, held("r", "03-13 10:00", at="03-09 11:00")]
    assert verdict("04-01", *sessions, cadence=WEEKS) == ("missed", "cancelled")


UNSURE = session("u", seen("03-05 10:00"))
DISPUTED = session("d", seen("03-05 10:00"), statements=[said("mentor", True), said("mentee", False)])
LATE_ONE = session("w", seen("03-18 10:00"))
TO_COME = session("t", seen("03-05 10:00"), seen("03-27 10:00", at="03-04 10:00"))


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([DISPUTED], "disputed"),
        ([UNSURE], "unconfirmed"),
        ([LATE_ONE], "awaiting"),
        ([TO_COME], "rescheduled"),
        ([TO_COME, LATE_ONE], "awaiting"),
        ([LATE_ONE, UNSURE], "unconfirmed"),
        ([UNSURE, DISPUTED], "disputed"),
        ([held("h", "03-06 10:00"), TO_COME], "rescheduled"),
    ],
)
def test_it_takes_the_worst_of_its_slots_when_over(sessions: list[Json], expected: str) -> None:
    cadence = {"sessions": len(sessions), "every": 2, "unit": "week"}
    assert verdict("03-19 10:00", *sessions, cadence=cadence) == (expected, None)


def test_it_takes_an_empty_slot_for_worse_than_a_dispute() -> None:
    assert verdict(OVER, DISPUTED, cadence=WEEKS)[0] == "missed"
    assert verdict(OVER, DISPUTED, cadence=WEEKS, read=None)[0] == "unknown"
