"""Goals belong to the two, and no word of them goes anywhere else."""

from datetime import date

import pytest
from sqlalchemy import select

from tests.web.company import Company, Duo
from tracker.errors import BadInput, NotAllowed
from tracker.models import AuditEntry, Goal, Milestone
from tracker.services.audit import Act
from tracker.services.goals import (
    GoalWords,
    Step,
    add_goal,
    add_milestone,
    change_goal,
    delete_goal,
    delete_milestone,
    list_goals,
    tick_milestone,
)

WORDS = GoalWords("Lead a retrospective", "So that the team trusts me", 10)


@pytest.fixture
def act(company: Company) -> Act:
    return Act(None, "site", company.now)


@pytest.fixture
def goal(company: Company, duo: Duo, act: Act) -> Goal:
    with company.ports.store.write() as db:
        return add_goal(db, duo.pair.id, WORDS, by=duo.mentee, act=act)


def test_both_see_what_one_wrote(company: Company, duo: Duo, goal: Goal) -> None:
    with company.ports.store.read() as db:
        seen = list_goals(db, duo.pair.id, by=duo.mentor)
    assert [(g.what, g.why, g.progress) for g in seen] == [(WORDS.what, WORDS.why, WORDS.progress)]


def test_nobody_else_sees_them(company: Company, duo: Duo, goal: Goal) -> None:
    hr = company.person("Marta Gil", is_hr=True, is_admin=True)
    with company.ports.store.read() as db, pytest.raises(NotAllowed):
        list_goals(db, duo.pair.id, by=hr)


def test_the_other_one_changes_it(company: Company, duo: Duo, goal: Goal, act: Act) -> None:
    with company.ports.store.write() as db:
        changed = change_goal(db, goal.id, GoalWords("Lead two", "", 50), by=duo.mentor, act=act)
    assert (changed.what, changed.progress) == ("Lead two", 50)


def test_a_stranger_changes_nothing(company: Company, goal: Goal, act: Act) -> None:
    stranger = company.person("Eva Sol")
    with company.ports.store.write() as db, pytest.raises(NotAllowed):
        change_goal(db, goal.id, WORDS, by=stranger, act=act)


@pytest.mark.parametrize(
    "words",
    [GoalWords("  "), GoalWords("x" * 201), GoalWords("x", "y" * 2001), GoalWords("x", "", 101)],
    ids=["empty", "long", "long why", "more than all"],
)
def test_it_refuses_what_does_not_fit(company: Company, duo: Duo, act: Act, words: GoalWords) -> None:
    with company.ports.store.write() as db, pytest.raises(BadInput):
        add_goal(db, duo.pair.id, words, by=duo.mentor, act=act)


def test_steps_are_added_ticked_and_unticked(company: Company, duo: Duo, goal: Goal, act: Act) -> None:
    day = date(2026, 11, 18)
    with company.ports.store.write() as db:
        step = add_milestone(db, goal.id, Step("Read the book", day), by=duo.mentor, act=act)
        assert tick_milestone(db, step.id, day, by=duo.mentee, act=act).done_on == day
        assert tick_milestone(db, step.id, None, by=duo.mentor, act=act).done_on is None


def test_steps_stand_by_date(company: Company, duo: Duo, goal: Goal, act: Act) -> None:
    with company.ports.store.write() as db:
        add_milestone(db, goal.id, Step("later", date(2026, 12, 1)), by=duo.mentor, act=act)
        add_milestone(db, goal.id, Step("sooner", date(2026, 11, 20)), by=duo.mentor, act=act)
    with company.ports.store.read() as db:
        (seen,) = list_goals(db, duo.pair.id, by=duo.mentor)
    assert [step.what for step in seen.milestones] == ["sooner", "later"]


def test_a_deleted_goal_takes_its_steps_along(company: Company, duo: Duo, goal: Goal, act: Act) -> None:
    with company.ports.store.write() as db:
        add_milestone(db, goal.id, Step("Read"), by=duo.mentor, act=act)
        delete_goal(db, goal.id, by=duo.mentor, act=act)
    with company.ports.store.read() as db:
        assert db.scalars(select(Goal)).all() == []
        assert db.scalars(select(Milestone)).all() == []


def test_a_step_is_deleted_alone(company: Company, duo: Duo, goal: Goal, act: Act) -> None:
    with company.ports.store.write() as db:
        step = add_milestone(db, goal.id, Step("Read"), by=duo.mentor, act=act)
        delete_milestone(db, step.id, by=duo.mentor, act=act)
    with company.ports.store.read() as db:
        assert db.scalars(select(Milestone)).all() == []
        assert db.scalars(select(Goal.id)).all() == [goal.id]


def test_the_audit_trail_holds_no_word_of_it(company: Company, duo: Duo, goal: Goal, act: Act) -> None:
    with company.ports.store.write() as db:
        change_goal(db, goal.id, WORDS, by=duo.mentor, act=act)
        add_milestone(db, goal.id, Step("Read the book"), by=duo.mentor, act=act)
        delete_goal(db, goal.id, by=duo.mentor, act=act)
    with company.ports.store.read() as db:
        trail = [f"{e.act} {e.subject} {e.details}" for e in db.scalars(select(AuditEntry))]
    assert len([line for line in trail if line.startswith("goal")]) == 3
    assert not any(word in line for line in trail for word in ("retrospective", "trusts", "book"))
