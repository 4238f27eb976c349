"""One year of a company: a tick a day, and in each all that the schedule does, by the real services.

Readings that find nothing new are the one thing done otherwise: a provider that pushes would have them all
read twice a day, each for one written row. Here all of them are that row in one statement, and once a year
each calendar is read without need the real way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import process_time

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import joinedload, selectinload

from tests.simulation.company import Company
from tests.simulation.life import Leave, Life, Meeting, Said, tick_at
from tests.simulation.provider import email_of, event_of
from tracker.models import Base, Calendar, Pair, Person, Session, SessionKey
from tracker.observing import slot_of
from tracker.services.absences import Days, add_leave
from tracker.services.audit import Act
from tracker.services.confirm import confirm_session
from tracker.services.digest.post import Post, enqueue_weekly_digests
from tracker.services.housekeeping import tidy
from tracker.services.nudges.bundling import Suggestion
from tracker.services.nudges.mailing import mail_nudges
from tracker.services.nudges.noticing import notice
from tracker.services.outbox import send_due
from tracker.services.review import review
from tracker.services.sync import Outcome, sync_many
from tracker.store import portions

READ_ANYWAY = 365  # each calendar without news, once in so many days
TRIED = 4  # a calendar that fails, once in so many days
MONDAY = 0
AT_ONCE = 200  # statements in one transaction
BASE_URL, SENDER = "https://cadencia.example.com", "Cadencia <cadencia@example.com>"


@dataclass
class Diary:
    """What is to happen on which day."""

    news: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # ids of calendars
    failing: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    said: defaultdict[int, list[tuple[Life, Meeting, Said]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    leaves: defaultdict[int, list[tuple[Life, Leave]]] = field(default_factory=lambda: defaultdict(list))


def plan(company: Company) -> Diary:
    """Put down everybody's year, day by day."""
    diary = Diary()
    for address, calendar_id in company.calendar_ids.items():
        for day in company.sources.news_days(address):
            diary.news[day].add(calendar_id)
    for life in company.lives:
        for meeting in life.meetings:
            for said in meeting.said:
                diary.said[said.day].append((life, meeting, said))
        for leave in life.leaves:
            diary.leaves[leave.day].append((life, leave))
        if life.outage:
            side, first, last = life.outage
            for day in range(first, last + 1):
                diary.failing[day].add(company.calendar_ids[email_of(life.number, side)])
    return diary


class Year:
    """A company on its way through the year; `seconds` is the CPU that each kind of work took."""

    def __init__(self, company: Company) -> None:
        self.company, self.diary = company, plan(company)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.readings = 0

    def run(self, days: Iterable[int], after: Callable[[int], None] = lambda _day: None) -> None:
        """Live these days; `after` is called after each."""
        for day in days:
            self.tick(day)
            after(day)

    def tick(self, day: int) -> None:
        """Live one day."""
        self.company.clock.instant = tick_at(day)
        for work in (self.read, self.speak, self.judge, self.remind, self.report, self.send, self.tidy):
            started = process_time()
            work(day)
            self.seconds[work.__name__] += process_time() - started

    def read(self, day: int) -> None:
        """Read the calendars that have news, try those that fail, and note that the others were read."""
        failing = self.diary.failing[day]
        tried = {each for each in failing if each % TRIED == day % TRIED}
        anyway = {c for c in self.company.calendar_ids.values() if c % READ_ANYWAY == day % READ_ANYWAY}
        hinted = (self.diary.news[day] | anyway) - failing
        due = sorted(hinted | tried)
        results = sync_many(self.company, due, tick_at(day)) if due else []
        wrong = [r for r in results if (r.outcome is Outcome.FAILED) != (r.calendar_id in failing)]
        if wrong or any(r.outcome is Outcome.HELD for r in results):
            raise AssertionError(f"day {day}: {wrong[:3]}")
        self.readings += len(results)
        self._note_unchanged(day, failing | hinted)

    def _note_unchanged(self, day: int, but: set[int]) -> None:
        now = tick_at(day)
        with self.company.store.write() as db:
            seen = update(Calendar).where(Calendar.id.not_in(sorted(but)))
            db.execute(seen.values(last_read_at=now, last_tried_at=now))
            waits = or_(Pair.review_due_at.is_(None), Pair.review_due_at > now)
            db.execute(update(Pair).where(Pair.awaits_reading, waits).values(review_due_at=now))

    def speak(self, day: int) -> None:
        """Let everybody say what they have to say on this day."""
        for life, leave in self.diary.leaves[day]:
            with self.company.store.write() as db:
                person = db.get_one(Person, self.company.person_ids[email_of(life.number, leave.side)])
                act = Act(person.id, "site", tick_at(day))
                add_leave(db, person, Days(leave.first, leave.last), act)
        for some in portions(self.diary.said[day], AT_ONCE):
            self._say(some, day)

    def _say(self, some: Sequence[tuple[Life, Meeting, Said]], day: int) -> None:
        slots = [slot_of(event_of(life, meeting, 0, life.host)) for life, meeting, _ in some]
        ids = [self.company.person_ids[email_of(life.number, said.side)] for life, _, said in some]
        with self.company.store.write() as db:
            # All at once: of real people, each loads what is their own.
            people = {person.id: person for person in db.scalars(select(Person).where(Person.id.in_(ids)))}
            sessions = {key.slot: key.session for key in db.scalars(_KEYS.where(SessionKey.slot.in_(slots)))}
            for slot, person_id, (_, _, said) in zip(slots, ids, some, strict=True):
                person = people[person_id]
                confirm_session(
                    db, sessions[slot].id, by=person, held=said.held, absent=frozenset(said.absent),
                    act=Act(person.id, "site", tick_at(day)),
                )  # fmt: skip

    def judge(self, day: int) -> None:
        """Judge whoever is due."""
        review(self.company.store, tick_at(day))

    def remind(self, day: int) -> None:
        """Write to whoever is to be reminded; no free times are offered."""
        notice(self.company.store, tick_at(day))
        mail_nudges(self.company, _no_times, tick_at(day))

    def report(self, day: int) -> None:
        """Write the digests of a Monday; on other days there is nothing to write."""
        if tick_at(day).weekday() != MONDAY:
            return
        post = Post(self.company.writer, SENDER, BASE_URL)
        enqueue_weekly_digests(self.company.store, post, tick_at(day))

    def send(self, day: int) -> None:
        """Send all that waits."""
        send_due(self.company.store, self.company.mailer, tick_at(day), limit=1_000_000)

    def tidy(self, day: int) -> None:
        """Take away what is old, once a week."""
        while day % 7 == 0 and tidy(self.company.store, tick_at(day)).has_more:
            pass


_OF_SESSION = joinedload(SessionKey.session).options(
    joinedload(Session.pair), selectinload(Session.statements)
)
_KEYS = select(SessionKey).options(_OF_SESSION)


def _no_times(*_: object) -> Sequence[Suggestion]:
    return ()


def count_rows(company: Company) -> dict[str, int]:
    """Return how many rows each table has, leaving out those that have none."""
    with company.store.read() as db:
        counts = {
            table.name: db.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }
    return {name: count for name, count in sorted(counts.items()) if count}
