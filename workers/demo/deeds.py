"""What people of the sample company do in Cadencia of their own accord: dates, days away, a word on a miss.

All of it through the services that the site calls; nothing here judges or sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from integrations.registry import Ports
from tracker.events import Window
from tracker.ledger import Verdict, decode_ledger
from tracker.models import Booking, LedgerRow, Pair
from tracker.services.absences import Days, add_leave, add_pause
from tracker.services.audit import Act
from tracker.services.bookings import book
from tracker.services.carrying import carry_out
from tracker.services.remarks import About, leave_remark
from workers.demo.agenda import Change, Look, Meeting
from workers.demo.cast import DEMO_MENTEE, DEMO_MENTOR, OFFICES, PROGRAM_ADDRESS, Member
from workers.demo.company import Company
from workers.demo.plot import DAY, Plot

Names = tuple[str, str]  # mentor, mentee
Pairs = Mapping[Names, Pair]

LENGTH = timedelta(minutes=45)
ACCEPTED: Names = (DEMO_MENTOR, "Camila Ospina")
ASKED: Names = ("Marcus Oyelaran", DEMO_MENTEE)
PAUSED: Names = ("Nuria Casals", "Ainhoa Goñi")
PERIODS_AHEAD = 2
CADENCIA = Member("Cadencia", OFFICES["AUS"], "", "google", aliases=(PROGRAM_ADDRESS,))


@dataclass(frozen=True, slots=True)
class Word:
    """What one side says of the pair's latest miss."""

    names: Names
    by_mentor: bool
    text: str


WORDS = (
    Word(
        ("Begoña Urrutia", "Juan Pablo Rincón"),
        False,
        "Cerrábamos trimestre y no encontré hueco. Ya tenemos fecha nueva.",
    ),
    Word(("Priya Raghunathan", "Elena Vidal"), True, "We both thought that the other one would set a date."),
)


def load_pairs(db: OrmSession) -> dict[Names, Pair]:
    """Return the pairs by the names of mentor and mentee."""
    return {(pair.mentor.name, pair.mentee.name): pair for pair in db.scalars(select(Pair))}


def accept_a_date(ports: Ports, company: Company, at: datetime) -> Company:
    """Let a pair take a date, by mail for want of a calendar that can be written, and accept it."""
    plot = _plot(company, ACCEPTED)
    start = plot.usual(plot.term.current + PERIODS_AHEAD).astimezone(UTC)
    booking = _book(ports, ACCEPTED, start, at)
    return replace(company, tagged=(*company.tagged, _accepted(plot, booking, at)))


def ask_for_a_date(ports: Ports, company: Company) -> None:
    """Let a pair take a date a moment ago: its invitations are in the post, and in no calendar yet."""
    plot = _plot(company, ASKED)
    _book(ports, ASKED, plot.ahead(3).astimezone(UTC), company.now)


def _book(ports: Ports, names: Names, start: datetime, at: datetime) -> Booking:
    with ports.store.write() as db:
        pair = load_pairs(db)[names]
        act = Act(pair.mentee_id, "site", at)
        booking = book(db, ports.settings.keys, pair.id, Window(start, start + LENGTH), act)
    carry_out(ports, at)
    return booking


def _accepted(plot: Plot, booking: Booking, at: datetime) -> Meeting:
    """Return the invitation as it stands in both calendars."""
    start = booking.starts_at.astimezone(plot.zone)
    look = Look(f"{plot.mentor.name.split()[0]} y {plot.mentee.name.split()[0]} #mentoring")
    return Meeting(booking.uid, CADENCIA, (plot.mentor, plot.mentee), (Change(at, start),), look)


def be_away(db: OrmSession, company: Company) -> None:
    """Let a mentee be on leave, and a pair pause, for some days ahead."""
    pairs, monday = load_pairs(db), company.now.date() + (14 - company.now.weekday()) * DAY
    mentee, paused = pairs[ASKED].mentee, pairs[PAUSED]
    add_leave(db, mentee, Days(monday + 3 * DAY, monday + 4 * DAY), Act(mentee.id, "site", company.now))
    pause = Days(monday + 14 * DAY, monday + 18 * DAY)
    add_pause(db, paused, pause, Act(paused.mentor_id, "site", company.now))


def say_what_came_between(db: OrmSession, at: datetime) -> None:
    """Let some say in a line of their own why their latest miss was one."""
    pairs = load_pairs(db)
    for word in WORDS:
        pair = pairs[word.names]
        by = pair.mentor if word.by_mentor else pair.mentee
        leave_remark(db, _latest_miss(db, pair), word.text, by=by, act=Act(by.id, "letter", at))


def _latest_miss(db: OrmSession, pair: Pair) -> About:
    agreement = pair.agreements[0]
    ledger = decode_ledger(db.get_one(LedgerRow, agreement.id).document)
    missed = [p.starts_on for p in ledger.periods if p.verdict is Verdict.MISSED]
    return About(agreement.id, missed[-1])


def _plot(company: Company, names: Names) -> Plot:
    return next(p for p in company.plots if (p.mentor.name, p.mentee.name) == names)
