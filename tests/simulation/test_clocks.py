"""Clocks that jump, a standstill, two schedules at once: nothing is lost, or said twice, or all at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import select

from integrations.registry import Ports
from tests.benchmarks.crowd import empty_store
from tests.simulation.company import Company, found
from tests.simulation.life import DAY, HOUR, Life, live, tick_at
from tests.simulation.verdicts import Findings, compare, follow, listen
from tests.simulation.year import Year
from tracker.models import OutboxMail
from tracker.services.nudges.mailing import mail_nudges
from tracker.services.nudges.noticing import notice
from workers.jobs import JOBS, Job, Turn
from workers.schedule import Lane

END = 70
BACK, FORTH = 25, 38  # the days on which the clock jumps two hours
STILL = range(48, 59)  # from a Sunday over two Mondays to a Wednesday; the site is down, too
# Pairs with misses of which HR would have been told on a Monday of the standstill, among others.
UNLUCKY = (50, 60, 73, 94)
WITHOUT_PORTS = ("reading", "judging", "posting", "digests", "housekeeping")
WEEK = timedelta(weeks=1)
MOST_A_WEEK = 3


def write_reminders(ports: Ports, now: datetime, _turn: Turn) -> None:
    """Remind without free times, which would take diaries."""
    notice(ports.store, now)
    mail_nudges(ports, lambda *_: (), now)


def jobs() -> list[Job]:
    """Return the schedule's own jobs, as far as a company without providers has use for them."""
    own = {job.name: job for job in JOBS}
    reminders = own["reminders"]
    return [
        *(own[name] for name in WITHOUT_PORTS),
        Job(reminders.name, reminders.every, reminders.queue, write_reminders, alone=True),
    ]


def instants() -> Iterator[datetime]:
    """Yield what the clock shows at each tick: once a day, and what jumps make of it."""
    for day in range(END):
        if day in STILL:
            continue
        yield tick_at(day)
        if day == BACK:
            yield from (tick_at(day) - 2 * HOUR, tick_at(day) - HOUR, tick_at(day) + HOUR)
        if day == FORTH:
            yield from (tick_at(day) + 2 * HOUR, tick_at(day) + HOUR / 2)
        if day == STILL.stop:
            yield from (tick_at(day) + n * HOUR for n in (1, 2, 3))
    yield tick_at(END)


def without_still(life: Life) -> Life:
    """Let nobody say anything while the site is down, and no calendar fail besides."""
    life.outage = None
    life.leaves = [leave for leave in life.leaves if leave.day not in STILL]
    for meeting in life.meetings:
        meeting.said = [said for said in meeting.said if said.day not in STILL]
    return life


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company after all that."""
    folder: Path = tmp_path_factory.mktemp("clocks")
    with empty_store("sqlite", folder) as store:
        company = Company(store, [without_still(live(number, END)) for number in UNLUCKY])
        found(company)
        _live(company)
        yield company
        store.close()


def _live(company: Company) -> None:
    year, spoken = Year(company), set()
    lanes = [Lane(cast(Ports, company), name, jobs()) for name in ("one", "two")]
    for at in instants():
        company.clock.instant = at
        day = (at - tick_at(0)) // DAY
        for lane in lanes:
            lane.tick()
        if day not in spoken:
            spoken.add(day)
            year.speak(day)


def test_two_schedules_on_clocks_that_jump_lose_nothing_and_say_nothing_twice(company: Company) -> None:
    findings = Findings()
    compare(company, company.lives, END, findings)
    follow(company, company.lives, END, findings, every=10**9)
    listen(company, findings)

    assert findings.examples == []
    assert findings.missed > 4


def test_nobody_gets_more_letters_than_was_promised(company: Company) -> None:
    written = defaultdict(list)
    with company.store.read() as db:
        for mail in db.scalars(select(OutboxMail).where(OutboxMail.kind == "nudge")):
            written[mail.person_id].append(mail.created_at)
    weeks = Counter(
        sum(at - WEEK < other <= at for other in times) for times in written.values() for at in times
    )

    assert max(weeks) <= MOST_A_WEEK


def test_after_a_standstill_each_reader_has_a_letter_or_two(company: Company) -> None:
    back = tick_at(STILL.stop)
    with company.store.read() as db:
        mails = db.scalars(select(OutboxMail).where(OutboxMail.created_at.between(back, back + DAY))).all()

    assert max(Counter(mail.person_id for mail in mails).values(), default=0) <= len(STILL) // 7 + 1
