"""Reading calendars for real, those with trouble first. Stores nothing of what they hold.

Who consented is read with that consent, as by any reading: a token that ran out is renewed and kept, and a
consent that turns out to be over is marked so, and its owner told.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from integrations.registry import Ports
from tracker.errors import ConnectorError, TrackerError
from tracker.events import Window
from tracker.models import Agreement, Calendar, CalendarStatus, Pair, Person
from tracker.ports import Access
from tracker.services.credentials import access_of
from tracker.tags import TagRules
from workers.cli.doctoring.finding import Findings, fine, problem
from workers.cli.doctoring.machine import BUILT_IN
from workers.cli.problems import explain_problem

STALE_AFTER = timedelta(days=3)
MOST_CALENDARS = 20  # so many are read for real: those with trouble first
THREADS = 8
MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class _Known:
    person: str
    timezone: str
    provider: str
    address: str = field(repr=False)
    problem: str | None
    last_read_at: datetime | None
    access: Access | None  # the owner's consent; None: the company's access


def check_calendars(ports: Ports) -> Findings:
    """Read calendars for real, those with trouble first, and name whose can not be read or is stale."""
    known = sorted(_load_calendars(ports), key=lambda c: (c.problem is None, c.last_read_at or BUILT_IN))
    now = ports.clock.now()
    tried, failing = known[:MOST_CALENDARS], set()
    with ThreadPoolExecutor(THREADS) as pool:
        for calendar, code in zip(tried, pool.map(lambda c: _try(ports, c, now), tried), strict=True):
            if code:
                failing.add(calendar)
                yield problem(f"calendars: {explain_problem(code, calendar.person)}")
    for calendar in known:
        if calendar not in failing and calendar.problem:
            yield problem(f"calendars: {explain_problem(calendar.problem, calendar.person)}")
        elif calendar not in failing and calendar.last_read_at and now - calendar.last_read_at >= STALE_AFTER:
            when = f"{calendar.last_read_at:%Y-%m-%d}"
            yield problem(
                f"calendars: that of {calendar.person} was last read on {when}. Run `cadencia sync`."
            )
    yield fine(
        f"calendars: {len(known)} connected, {len(tried)} tried, {len(tried) - len(failing)} can be read"
    )


def _load_calendars(ports: Ports) -> list[_Known]:
    query = (
        select(Calendar, Person)
        .join(Person, Person.id == Calendar.person_id)
        .where(Calendar.status == CalendarStatus.CONNECTED)
    )
    with ports.store.read() as db:
        return [
            _Known(
                person.email,
                person.timezone,
                calendar.provider,
                ports.vault.open(calendar.address, calendar.address_binding),
                calendar.problem,
                calendar.last_read_at,
                access_of(ports, calendar),
            )
            for calendar, person in db.execute(query)
        ]


def _try(ports: Ports, calendar: _Known, now: datetime) -> str | None:
    window = Window(now - timedelta(days=7), now + timedelta(days=7))
    try:
        source = ports.sources.open(calendar.provider, calendar.address, calendar.timezone, calendar.access)
        source.pull(None, window, TagRules())
    except ConnectorError as error:
        return error.code
    except TrackerError:
        return "internal"
    return None


def check_people(ports: Ports) -> Findings:
    """Count those in a pair of whom no calendar is known: of them nothing is told but what they say."""
    now = ports.clock.now()
    connected = select(Calendar.person_id).where(Calendar.status == CalendarStatus.CONNECTED)
    running = select(Agreement.pair_id).where(Agreement.ends_on >= now.date())
    paired = or_(Person.id == Pair.mentor_id, Person.id == Pair.mentee_id)
    with ports.store.read() as db:
        without = db.scalars(
            select(Person.email)
            .join(Pair, paired)
            .where(Pair.id.in_(running), Person.id.not_in(connected))
            .distinct()
            .order_by(Person.email)
        ).all()
    if without:
        some = ", ".join(without[:MOST_NAMES]) + (", ..." if len(without) > MOST_NAMES else "")
        yield fine(
            f"people: {len(without)} in a pair have no calendar ({some}). What their partner's shows still "
            "counts; they can connect one on the site, or it is entered in people.csv"
        )
