"""A company's year in small: nothing false is said, nothing is lost or said twice, nothing piles up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, timedelta
from itertools import pairwise

import pytest

from tests.benchmarks.crowd import empty_store
from tests.benchmarks.growth import SCORE, find_surprises, size_of
from tests.simulation.company import Company, found
from tests.simulation.life import DAY, Life, Meeting, Said, State, live, tick_at
from tests.simulation.verdicts import Findings, compare, follow, judge_truth, listen
from tests.simulation.year import Year, count_rows
from tracker.services import schema
from tracker.store import Store

PAIRS, DAYS = 5, 365
MIDDLE = 182


def judge_all(company: Company, day: int, lives: list[Life] | None = None) -> Findings:
    """Hold everything against the truth, or against other lives."""
    findings = Findings()
    compare(company, lives or company.lives, day, findings)
    follow(company, lives or company.lives, day, findings)
    listen(company, findings)
    return findings


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Year, dict[int, dict[str, int]]]]:
    """A year of a dozen pairs, and the rows of each table in its middle and at its end."""
    counts: dict[int, dict[str, int]] = {}

    def count(day: int) -> None:
        if day in (MIDDLE, DAYS):
            counts[day] = count_rows(year.company)

    with empty_store("sqlite", tmp_path_factory.mktemp("year")) as store:
        company = Company(store, [live(number, DAYS) for number in range(PAIRS)])
        found(company)
        year = Year(company)
        year.run(range(DAYS + 1), count)
        yield year, counts
        store.close()


Lived = tuple[Year, dict[int, dict[str, int]]]


def test_a_year_has_no_verdict_that_is_false_lost_or_said_twice(lived: Lived) -> None:
    findings = judge_all(lived[0].company, DAYS)

    assert (findings.examples, dict(findings.counts)) == ([], {})
    assert (findings.periods > 90, findings.missed > 8) == (True, True)


def test_a_year_leaves_as_many_rows_as_the_page_on_running_it_tells(lived: Lived) -> None:
    year, counts = lived

    assert find_surprises(size_of(year.company.lives, DAYS), counts[DAYS]) == []


def test_the_second_half_of_a_year_adds_no_nudges(lived: Lived) -> None:
    _, counts = lived

    assert counts[DAYS]["nudges"] <= 1.25 * counts[MIDDLE]["nudges"] + SCORE


def test_it_is_the_same_on_both_databases(database_url: str) -> None:
    store = Store(database_url)
    schema.upgrade(store)
    company = Company(store, [live(number, 60) for number in range(3)])
    found(company)
    Year(company).run(range(61))

    assert judge_all(company, 60).examples == []
    store.close()


# --- would it be found? ---


def first_held(life: Life) -> Meeting:
    """Return a meeting that both say was held, and that never changed."""
    return next(m for m in life.meetings if len(m.states) == 1 and [s.held for s in m.said] == [True, True])


def silence(life: Life) -> None:
    """Let nobody have met in truth."""
    life.meetings = [m for m in life.meetings if m is not first_held(life)]


def invent(life: Life) -> None:
    """Let there have been a meeting in truth in each period that the product says was missed."""
    for period in judge_truth(life, DAYS)["periods"]:
        if period["verdict"] == "missed":
            at = tick_at(0).replace(hour=12) + (_day(period["starts_on"]) + 1) * DAY
            said = [Said(_day(period["starts_on"]) + 2, side, held=True) for side in ("mentor", "mentee")]
            name = f"invented-{period['starts_on']}"
            life.meetings.append(Meeting(name, None, [State(at - 3 * DAY, at)], said))


def _day(text: str) -> int:
    return (date.fromisoformat(text) - tick_at(0).date()).days


@pytest.mark.parametrize(("change", "kind"), [(silence, "lost"), (invent, "false")])
def test_another_truth_is_found_out(lived: Lived, change: Callable[[Life], None], kind: str) -> None:
    company = lived[0].company
    others = deepcopy(list(company.lives))
    for life in others:
        if any(len(m.states) == 1 and [s.held for s in m.said] == [True, True] for m in life.meetings):
            change(life)

    assert judge_all(company, DAYS, others).counts[kind] > 0


def test_what_hr_is_told_twice_or_never_is_found_out(lived: Lived) -> None:
    company = lived[0].company
    told = company.writer.misses
    for misses, kind in ((told + told[:1], "double"), (told[1:], "lost")):
        company.writer.misses = misses
        try:
            assert judge_all(company, DAYS).counts[kind] == 1
        finally:
            company.writer.misses = told


def test_letters_that_say_the_same_twice_are_found_out(lived: Lived) -> None:
    company = lived[0].company
    before = company.writer.nudges.copy()
    company.writer.nudges = before + before
    try:
        assert judge_all(company, DAYS).counts["double"] > 0
    finally:
        company.writer.nudges = before


# --- the lives ---


def test_a_life_follows_from_its_number() -> None:
    assert live(7, DAYS) == live(7, DAYS) != live(8, DAYS)


def test_no_calendar_shows_two_changes_of_a_meeting_on_one_day() -> None:
    steps = [
        later.at - earlier.at
        for number in range(40)
        for meeting in live(number, DAYS).meetings
        for earlier, later in pairwise(meeting.states)
    ]

    assert min(steps) > timedelta(days=1)
