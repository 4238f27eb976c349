"""Section 7: numbers, health, and when to look again."""

from __future__ import annotations

import pytest

from tests.ledger.makers import held, look, moment, pair, said, seen, session
from tracker.ledger import Evidence, judge


def health(evidence: Evidence, now: str) -> tuple[str, tuple[str, ...]]:
    """Tell the health and its reasons."""
    ledger = look(evidence, now)
    return str(ledger.health), tuple(map(str, ledger.health_reasons))


def test_it_counts_slots_of_periods_met_or_missed() -> None:
    cadence = {"sessions": 2, "every": 2, "unit": "week"}
    sessions = [held(name, f"03-{day} 10:00") for name, day in (("a", "05"), ("b", "06"), ("c", "20"))]
    ledger = look(pair(*sessions, cadence=cadence), "04-10")
    assert (ledger.due, ledger.met, ledger.attendance) == (4, 3, 0.75)


def test_it_has_no_attendance_before_anything_is_due() -> None:
    ledger = look(pair(), "03-05")
    assert (ledger.due, ledger.met, ledger.attendance) == (0, 0, None)


def test_it_counts_missed_periods_back_from_the_latest_decided() -> None:
    assert look(pair(), "04-20").consecutive_missed == 3
    assert look(pair(held("a", "04-05 10:00")), "04-20").consecutive_missed == 0
    assert look(pair(held("a", "03-20 10:00")), "04-20").consecutive_missed == 1


def test_it_passes_over_periods_neither_met_nor_missed() -> None:
    away = [{"who": "both", "from": "2026-03-16", "to": "2026-03-29"}]
    assert look(pair(absences=away), "04-20").consecutive_missed == 2


def test_it_counts_missed_periods_for_each_side() -> None:
    stood_up = session("a", seen("03-05 10:00"), statements=[said("mentee", False, "mentor")])
    off = session(
        "b",
        seen("03-20 10:00"),
        seen("03-20 10:00", at="03-18 10:00", status="cancelled", declined_by=["mentor", "mentee"]),
    )
    ledger = look(pair(stood_up, off), "04-10")
    assert (ledger.missed_by_mentor, ledger.missed_by_mentee) == (2, 1)


def test_it_names_the_earliest_session_to_come() -> None:
    sessions = [
        session("b", seen("04-20 10:00")),
        session("a", seen("04-10 10:00")),
        held("c", "03-05 10:00"),
    ]
    assert look(pair(*sessions), "04-01").next_session == moment("04-10 10:00")
    assert look(pair(*sessions), "05-01").next_session is None


@pytest.mark.parametrize(("now", "expected"), [("03-01 22:59", "not_started"), ("03-01 23:00", "on_track")])
def test_it_has_not_started_before_its_first_midnight(now: str, expected: str) -> None:
    assert health(pair(), now) == (expected, ())


@pytest.mark.parametrize(("now", "expected"), [("09-02 21:59", "off_track"), ("09-02 22:00", "ended")])
def test_it_has_ended_when_all_periods_are_over(now: str, expected: str) -> None:
    assert health(pair(), now)[0] == expected


@pytest.mark.parametrize(
    ("read", "expected"), [("03-02 12:00", "unknown"), ("03-02 12:01", "on_track"), (None, "unknown")]
)
def test_it_is_unknown_when_calendars_were_not_read_for_too_long(read: str | None, expected: str) -> None:
    assert health(pair(read=read), "03-05 12:00") == (expected, ("stale",) if expected == "unknown" else ())


def test_it_never_goes_stale_under_an_endless_limit() -> None:
    endless = pair(read="03-02", policy={"stale_after_days": 10**12})
    assert health(endless, "03-05 12:00")[0] == "on_track"


def test_it_is_off_track_after_enough_missed_periods() -> None:
    assert health(pair(), "04-05 10:00") == ("off_track", ("missed",))
    assert health(pair(policy={"escalate_after": 3}), "04-05 10:00")[0] == "at_risk"


def test_it_is_at_risk_after_a_missed_period() -> None:
    assert health(pair(), "03-20") == ("at_risk", ("missed",))


def test_it_is_at_risk_while_the_latest_period_over_is_disputed() -> None:
    dispute = session("a", seen("03-05 10:00"), statements=[said("mentor", True), said("mentee", False)])
    assert health(pair(dispute), "03-20") == ("at_risk", ("disputed",))
    assert health(pair(dispute, session("b", seen("03-20 10:00"))), "04-03") == ("on_track", ())


# Period 1 runs 14 x 24 h from 1 March 23:00, and two thirds of that are 9 days and 8 hours.
@pytest.mark.parametrize(("now", "reasons"), [("03-11 06:59", ()), ("03-11 07:00", ("nothing_scheduled",))])
def test_it_is_at_risk_with_nothing_scheduled_after_two_thirds(now: str, reasons: tuple[str, ...]) -> None:
    assert health(pair(), now)[1] == reasons
    assert health(pair(session("a", seen("03-14 10:00"))), now)[1] == ()


def test_it_measures_two_thirds_in_time_that_passes() -> None:
    # 16 to 30 March lost an hour: 335 h, and two thirds of that are over on the 25th at 06:20.
    fine = held("a", "03-05 10:00")
    assert health(pair(fine), "03-25 06:19")[1] == ()
    assert health(pair(fine), "03-25 06:20")[1] == ("nothing_scheduled",)


def test_it_gives_every_reason_that_holds() -> None:
    dispute = session(
        "a",
        seen("03-20 10:00"),
        statements=[said("mentor", True, at="03-20 12:00"), said("mentee", False, at="03-20 12:00")],
    )
    assert health(pair(dispute), "04-09") == ("at_risk", ("missed", "disputed", "nothing_scheduled"))


@pytest.mark.parametrize(
    ("now", "next_review"),
    [
        ("02-01", "03-01 23:00"),  # a period starts
        ("03-01 23:00", "03-03 11:00"),  # the session ends
        ("03-03 11:00", "03-06 11:00"),  # its window ends
        ("03-06 11:00", "03-11 07:00"),  # two thirds
        ("03-11 07:00", "03-15 23:00"),  # the period ends
        ("03-15 23:00", "03-18 23:00"),  # it closes
        ("03-18 23:00", "03-25 06:20"),
        ("09-02 22:00", "12-28 00:00"),  # the calendars' reading goes stale
    ],
)
def test_it_names_the_next_instant_at_which_time_alone_counts(now: str, next_review: str) -> None:
    evidence = pair(session("a", seen("03-03 10:00")), read="02-01", policy={"stale_after_days": 330})
    assert look(evidence, now).next_review_at == moment(next_review)


def test_it_counts_the_stale_limit_from_the_last_reading() -> None:
    assert look(pair(read="03-05 10:00"), "03-05 11:00").next_review_at == moment("03-08 10:00")
    assert look(pair(read="12-30"), "03-05 11:00").next_review_at == moment("03-08 11:00")


def test_it_looks_at_cancelled_sessions_again_too() -> None:
    off = session("a", seen("03-03 10:00"), seen("03-03 10:00", at="02-25 10:00", status="cancelled"))
    assert look(pair(off), "03-03 09:00").next_review_at == moment("03-03 11:00")


def test_it_never_looks_again_when_all_is_over_and_nothing_was_read() -> None:
    assert look(pair(read=None), "10-01").next_review_at is None


def test_it_asks_for_an_aware_now() -> None:
    with pytest.raises(ValueError, match="aware"):
        judge(pair(), now=moment("03-05").replace(tzinfo=None))
