"""Half a year of the sample company on the real path: the same imports, readings and reviews as always.

Nothing is written past the services. Each moment is played as it was: calendars as exported then, statements
as they were made, then a review; so the history of verdicts is one that happened.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from integrations.registry import Ports
from tracker.models import Pair, Person, Session
from tracker.services.absences import Days, add_leave
from tracker.services.audit import Act
from tracker.services.confirm import confirm_session
from tracker.services.goals import GoalWords, Step, add_goal, add_milestone, tick_milestone
from tracker.services.importing.pairs import import_pairs
from tracker.services.importing.people import import_people
from tracker.services.importing.tables import File
from tracker.services.nudges.rounds import remind
from tracker.services.review import review
from tracker.services.sync import Outcome, sync_all
from workers.demo.ambitions import AMBITIONS, Ambition
from workers.demo.cast import CAST
from workers.demo.company import STALE, STALE_SINCE, Company
from workers.demo.deeds import (
    accept_a_date,
    ask_for_a_date,
    be_away,
    load_pairs,
    say_what_came_between,
)
from workers.demo.folder import write_calendar, write_calendars
from workers.demo.plot import Said

DAY = timedelta(days=1)
SINCE = timedelta(days=215)  # the oldest agreement began a little later

Tell = Callable[[str], None]


def rehearse(ports: Ports, company: Company, folder: Path, tell: Tell) -> None:
    """Let the company's half year happen in the database of `ports`, from the files in `folder`."""
    _import(ports, folder, company.now - SINCE, tell)
    with ports.store.write() as db:
        _take_leave(db, company)
    _read_stale(ports, company, folder)
    before = company.now - SINCE
    night = last_night(company.now)
    for moment in moments(company.now):
        reminded = sum(remind(ports, at).written for at in working_moments(max(before, night), moment))
        if moment == night:
            company = accept_a_date(ports, company, moment)
        write_calendars(company, folder, moment)
        results = sync_all(ports, moment)
        with ports.store.write() as db:
            said = _speak(db, company, before, moment)
        judged = review(ports.store, moment)
        if moment == night:
            with ports.store.write() as db:
                say_what_came_between(db, moment)
        reminded += remind(ports, moment).written
        counts = Counter(result.outcome for result in results)
        tell(
            f"{moment:%d %b}: {counts[Outcome.READ] + counts[Outcome.UNCHANGED]} calendars read, "
            f"{counts[Outcome.FAILED]} not readable, "
            f"{said} answers heard, {judged.pairs} pairs judged, {reminded} people reminded."
        )
        before = moment
    with ports.store.write() as db:
        be_away(db, company)
        _set_goals(db, company.now)
    ask_for_a_date(ports, company)


def moments(now: datetime) -> list[datetime]:
    """Return when everything is read and judged.

    The last two Sunday nights before `now`, the last moment at which nobody minds a letter, and `now`.
    """
    night = last_night(now)
    return sorted({night - 7 * DAY, night, working_moments(now - 4 * DAY, now)[-1], now})


def last_night(now: datetime) -> datetime:
    """Return the last Sunday night, early enough to be Sunday in every office."""
    sunday = (now - timedelta(days=now.weekday() + 1)).date()
    return datetime.combine(sunday, time(20), UTC)


def working_moments(since: datetime, until: datetime) -> list[datetime]:
    """Return the moments in (since, until] at which it is working time in every office: workdays at 15:00."""
    first = since.replace(hour=15, minute=0, second=0, microsecond=0)
    days = [first + n * DAY for n in range((until - since).days + 2)]
    return [day for day in days if since < day <= until and day.weekday() < 5]


def _import(ports: Ports, folder: Path, at: datetime, tell: Tell) -> None:
    act = Act(None, "command", at)
    with ports.store.write() as db:
        people = import_people(db, ports.vault, _file(folder, "people.csv"), act)
        pairs = import_pairs(db, _file(folder, "pairs.csv"), act)
    tell(f"Imported {people.added} people and {pairs.added} pairs.")


def _file(folder: Path, name: str) -> File:
    return File(name, (folder / name).read_bytes(), folder)


def _read_stale(ports: Ports, company: Company, folder: Path) -> None:
    """Read the calendar that later can not be read any more, while it still can."""
    then, member = company.now - STALE_SINCE, CAST[STALE]
    write_calendar(company, folder, member, then)
    with ports.store.read() as db:
        person_id = _person(db, member.email).id
    sync_all(ports, then, person_id=person_id)


def _take_leave(db: OrmSession, company: Company) -> None:
    for plot in company.plots:
        for member, first, last in plot.leaves:
            person = _person(db, member.email)
            asked = company.now - SINCE
            add_leave(db, person, Days(first, last), Act(person.id, "site", asked))


def _speak(db: OrmSession, company: Company, since: datetime, until: datetime) -> int:
    """Make the statements of (since, until], each at its own moment; return how many."""
    sessions, pairs = _sessions_by_start(db), load_pairs(db)
    count = 0
    for plot, said in company.statements(since, until):
        count += 1
        pair = pairs[plot.mentor.name, plot.mentee.name]
        _state(db, sessions[pair.id, said.start.astimezone(UTC)], pair, said)
    return count


def _state(db: OrmSession, session_id: int, pair: Pair, said: Said) -> None:
    by = pair.mentor if said.side == "mentor" else pair.mentee
    act = Act(by.id, "site", said.at)
    confirm_session(db, session_id, by=by, held=said.held, absent=frozenset(said.absent), act=act)


def _sessions_by_start(db: OrmSession) -> dict[tuple[int, datetime], int]:
    rows = db.execute(select(Session.pair_id, Session.starts_at, Session.id))
    return {(pair_id, starts_at): session_id for pair_id, starts_at, session_id in rows}


def _set_goals(db: OrmSession, now: datetime) -> None:
    pairs = load_pairs(db)
    for ambition in AMBITIONS:
        _set_goal(db, pairs[ambition.mentor, ambition.mentee], ambition, now)


def _set_goal(db: OrmSession, pair: Pair, ambition: Ambition, now: datetime) -> None:
    by, today = pair.mentee, now.date()
    begun = Act(by.id, "site", now - SINCE + 20 * DAY)
    goal = add_goal(db, pair.id, GoalWords(ambition.what, ambition.why, ambition.progress), by=by, act=begun)
    for step in ambition.steps:
        milestone = add_milestone(db, goal.id, Step(step.what, today + step.due * DAY), by=by, act=begun)
        if step.done is not None:
            done = Act(by.id, "site", now + step.done * DAY)
            tick_milestone(db, milestone.id, today + step.done * DAY, by=by, act=done)


def _person(db: OrmSession, email: str) -> Person:
    return db.scalars(select(Person).where(Person.email == email)).one()
