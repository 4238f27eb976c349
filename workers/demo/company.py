"""The whole company as it is at a given `now`: people, pairs, calendars, statements, goals.

Always the same for the same `now`; reads no clock and writes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workers.demo.agenda import Change, Look, Meeting
from workers.demo.beats import move_series, share_session, tell
from workers.demo.cast import CAST, DEMO_MENTEE, DEMO_MENTOR, Member
from workers.demo.plot import DAY, HOUR, Plot, Said
from workers.demo.routine import leave_of, routine_of
from workers.demo.scripts import SCRIPTS
from workers.demo.styles import make_uid, write_calendar

STALE = "Andrés Felipe Quintero"  # their calendar's link stopped working
STALE_SINCE = timedelta(days=23)
MOVED = ("Carmen Ibáñez", "Álvaro Cortés")
TOGETHER = (("Grace Whitfield", "Jasmine Okafor"), ("Grace Whitfield", "Ana Sofía Cantú"), -2)

SIGN_IN_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Sign in to your account</title></head>
<body><form method="post"><input type="email" name="loginfmt" placeholder="Email, phone, or Skype"></form>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Company:
    """Everybody and everything at `now`; `ordinary` are the entries that no one but their owner may see."""

    now: datetime
    plots: tuple[Plot, ...]
    tagged: tuple[Meeting, ...]
    ordinary: tuple[Meeting, ...]

    @property
    def people(self) -> tuple[Member, ...]:
        """Return everybody, those who run the programs last."""
        return tuple(CAST.values())

    def calendar_of(self, member: Member, as_of: datetime) -> bytes:
        """Return the member's calendar file exported at `as_of`: a sign-in page once the link is dead."""
        if member.name == STALE and as_of > self.now - STALE_SINCE:
            return SIGN_IN_PAGE.encode()
        mine = [m for m in (*self.tagged, *self.ordinary) if member == m.organiser or member in m.guests]
        return write_calendar(member, sorted(mine, key=lambda m: (m.created, m.uid)), as_of)

    def statements(self, since: datetime, until: datetime) -> Iterator[tuple[Plot, Said]]:
        """Yield what was said in (since, until], in order."""
        said = [(plot, said) for plot in self.plots for said in plot.said if since < said.at <= until]
        yield from sorted(said, key=lambda pair: (pair[1].at, pair[0].key))


def make_company(now: datetime) -> Company:
    """Let the last half year before `now` happen."""
    now = now.replace(microsecond=0)
    plots = {(s.mentor, s.mentee): tell(s, now) for s in SCRIPTS}
    move_series(plots[MOVED])
    host, guest, period = TOGETHER
    share_session(plots[host], plots[guest], plots[guest].term.current + period)
    tagged = [meeting for plot in plots.values() for meeting in plot.meetings]
    ordinary = [meeting for member in CAST.values() for meeting in routine_of(member, now)]
    ordinary += [leave_of(*leave) for plot in plots.values() for leave in plot.leaves]
    return Company(now, tuple(plots.values()), (*tagged, *_loose_ends(plots, now)), tuple(ordinary))


def _loose_ends(plots: dict[tuple[str, str], Plot], now: datetime) -> Iterator[Meeting]:
    """Yield the entries that only the pair can place: two untagged talks, and one that names nobody."""
    untagged = plots[DEMO_MENTOR, "Diego Armenta"], plots["Marcus Oyelaran", DEMO_MENTEE]
    for plot, title in zip(untagged, ("Ponernos al día", "Catching up over coffee"), strict=True):
        # Some days before the session that is asked about as well.
        day = plot.working_day(plot.recent().date() - 5 * DAY, -1)
        start = plot.at_clock(day) + HOUR
        yield _entry(plot.mentor, (plot.mentee,), start, title, "untagged")
    mentor = CAST[DEMO_MENTOR]
    tomorrow = now.astimezone(ZoneInfo(mentor.office.timezone)).replace(hour=17, minute=0, second=0) + 2 * DAY
    yield _entry(mentor, (), tomorrow, "Preparar sesión de carrera #mentoría", "unnamed")


def _entry(organiser: Member, guests: tuple[Member, ...], start: datetime, title: str, seed: str) -> Meeting:
    uid = make_uid(organiser.program, f"{organiser.email}/{seed}")
    return Meeting(uid, organiser, guests, (Change(start - 4 * DAY, start),), Look(title), 30)
