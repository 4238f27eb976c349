"""The goals of a pair: only the two may read or change them. No word of a goal reaches the audit trail."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import selectinload

from tracker.errors import BadInput, NotAllowed
from tracker.models import Goal, Milestone, Pair, Person
from tracker.services.audit import Act, record
from tracker.services.confirm import side_of
from tracker.wording import N_

LONGEST_WHAT = 200
LONGEST_WHY = 2000


@dataclass(frozen=True, slots=True)
class GoalWords:
    """What a goal says: `progress` is in percent."""

    what: str
    why: str = ""
    progress: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What a milestone says, and by when."""

    what: str
    due_on: date | None = None


def list_goals(db: OrmSession, pair_id: int, *, by: Person) -> list[Goal]:
    """Return the pair's goals, oldest first, with their milestones. Raises NotAllowed for anybody else."""
    _own_pair(db, pair_id, by)
    query = select(Goal).where(Goal.pair_id == pair_id).options(selectinload(Goal.milestones))
    return list(db.scalars(query.order_by(Goal.created_at, Goal.id)))


def add_goal(db: OrmSession, pair_id: int, words: GoalWords, *, by: Person, act: Act) -> Goal:
    """Add a goal. Raises BadInput where it says nothing or too much."""
    _own_pair(db, pair_id, by)
    clean = _clean(words)
    goal = Goal(
        pair_id=pair_id,
        what=clean.what,
        why=clean.why,
        progress=clean.progress,
        created_by=by.id,
        created_at=act.at,
        updated_at=act.at,
    )
    db.add(goal)
    db.flush()
    record(db, act, "goal.added", f"goal:{goal.id}", pair=pair_id)
    return goal


def change_goal(db: OrmSession, goal_id: int, words: GoalWords, *, by: Person, act: Act) -> Goal:
    """Say the goal anew, or how far along it is."""
    goal = own_goal(db, goal_id, by=by)
    clean = _clean(words)
    goal.what, goal.why, goal.progress, goal.updated_at = clean.what, clean.why, clean.progress, act.at
    record(db, act, "goal.changed", f"goal:{goal.id}", pair=goal.pair_id)
    return goal


def delete_goal(db: OrmSession, goal_id: int, *, by: Person, act: Act) -> None:
    """Delete the goal and its milestones for good."""
    goal = own_goal(db, goal_id, by=by)
    record(db, act, "goal.deleted", f"goal:{goal.id}", pair=goal.pair_id)
    db.delete(goal)


def add_milestone(db: OrmSession, goal_id: int, step: Step, *, by: Person, act: Act) -> Milestone:
    """Add a step on the way to the goal."""
    goal = own_goal(db, goal_id, by=by)
    milestone = Milestone(what=_short(step.what), due_on=step.due_on)
    goal.milestones.append(milestone)
    goal.updated_at = act.at
    db.flush()
    record(db, act, "milestone.added", f"goal:{goal.id}", pair=goal.pair_id)
    return milestone


def tick_milestone(
    db: OrmSession, milestone_id: int, done_on: date | None, *, by: Person, act: Act
) -> Milestone:
    """Say on which day the step was done; None says that it is not."""
    milestone = _own_milestone(db, milestone_id, by)
    milestone.done_on = done_on
    milestone.goal.updated_at = act.at
    record(db, act, "milestone.ticked", f"goal:{milestone.goal_id}", done=done_on is not None)
    return milestone


def delete_milestone(db: OrmSession, milestone_id: int, *, by: Person, act: Act) -> None:
    """Delete the step for good."""
    milestone = _own_milestone(db, milestone_id, by)
    record(db, act, "milestone.deleted", f"goal:{milestone.goal_id}")
    milestone.goal.milestones.remove(milestone)


def own_goal(db: OrmSession, goal_id: int, *, by: Person) -> Goal:
    """Return the goal if it is of a pair of this person; else raises NotAllowed."""
    goal = db.get(Goal, goal_id)
    if goal is None:
        raise NotAllowed(f"goal {goal_id} is not theirs")
    _own_pair(db, goal.pair_id, by)
    return goal


def _own_milestone(db: OrmSession, milestone_id: int, by: Person) -> Milestone:
    milestone = db.get(Milestone, milestone_id)
    if milestone is None:
        raise NotAllowed(f"milestone {milestone_id} is not theirs")
    own_goal(db, milestone.goal_id, by=by)
    return milestone


def _own_pair(db: OrmSession, pair_id: int, by: Person) -> None:
    pair = db.get(Pair, pair_id)
    if pair is None or side_of(pair, by) is None:
        raise NotAllowed(f"pair {pair_id} is not theirs")


def _clean(words: GoalWords) -> GoalWords:
    why = words.why.strip()
    if len(why) > LONGEST_WHY:
        raise BadInput(N_("Please say it in fewer words."))
    if not 0 <= words.progress <= 100:
        raise BadInput(N_("Progress goes from 0 to 100."))
    return GoalWords(_short(words.what), why, words.progress)


def _short(what: str) -> str:
    bare = " ".join(what.split())
    if not bare:
        raise BadInput(N_("Please write a few words."))
    if len(bare) > LONGEST_WHAT:
        raise BadInput(N_("Please say it in fewer words."))
    return bare
