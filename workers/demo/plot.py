"""What happened between two people, told period by period and turned into meetings and statements.

Never judges: a beat arranges what calendars and people say, and the ledger has to find out what follows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

from workers.demo.agenda import Change, Look, Meeting, occurrences
from workers.demo.cast import CAST, PROGRAM_ADDRESS, Member
from workers.demo.styles import make_uid
from workers.demo.terms import Term, days_off

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# How long before its date a single session is put on the calendar: before the one that it follows, so that
# it never looks like a replacement for that, and long enough after the one before that one.
BEFORE_MOST = timedelta(days=18)


@dataclass(frozen=True, slots=True)
class Said:
    """What one side said of the session that now starts at `start`."""

    side: str
    start: datetime
    at: datetime
    held: bool = True
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """One pair: who, where in the program, how they meet, and the periods that did not go as usual.

    `day` counts from a period's first day, `clock` is in the mentor's zone (the agreement is in the
    mentee's). `beats` name what happened, by period counted from the current one (-1 is the last).
    """

    mentor: str
    mentee: str
    term: str
    day: int
    clock: str
    beats: dict[int, str] = field(default_factory=dict)
    series: bool = False
    tag: str = "marker"


@dataclass
class Plot:
    """A script as it unfolds before `now`."""

    script: Script
    term: Term
    now: datetime
    meetings: list[Meeting] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    leaves: list[tuple[Member, date, date]] = field(default_factory=list)
    changes: dict[int, list[Change]] = field(default_factory=dict)
    dropped: dict[int, datetime] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)

    @property
    def mentor(self) -> Member:
        """Return the mentor, who sends the invitations."""
        return CAST[self.script.mentor]

    @property
    def mentee(self) -> Member:
        """Return the mentee."""
        return CAST[self.script.mentee]

    @property
    def key(self) -> str:
        """Return what makes this pair's choices its own."""
        return f"{self.mentor.email}+{self.mentee.email}"

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which the sessions are planned."""
        return ZoneInfo(self.mentor.office.timezone)

    def address(self, side: str) -> str:
        """Return the address that one side is invited by."""
        return (self.mentor if side == "mentor" else self.mentee).invited_as

    def at_clock(self, day: date) -> datetime:
        """Return the pair's usual time on that day."""
        return datetime.combine(day, time.fromisoformat(self.script.clock), self.zone)

    def is_off(self, day: date) -> bool:
        """Tell whether either of the two has the day off."""
        return any(days_off(day, member.office.country) for member in (self.mentor, self.mentee))

    def working_day(self, day: date, step: int = 1) -> date:
        """Return the day itself, or the next (`step` -1: the last before) on which both work."""
        while self.is_off(day):
            day += timedelta(days=step)
        return day

    def usual(self, period: int) -> datetime:
        """Return when the session of a period was first planned."""
        if self.script.series:
            return self._slots()[period]
        day = self.term.starts[period] + timedelta(days=self.script.day)
        return self.at_clock(self.working_day(day))

    def _slots(self) -> list[datetime]:
        day = self.term.starts[0] + timedelta(days=self.script.day)
        first = self.at_clock(day + timedelta(days=7 - day.weekday() if day.weekday() >= 5 else 0))
        return occurrences(first, self.rule(first), len(self.term.starts))

    def rule(self, first: datetime) -> str:
        """Return the RRULE of the pair's series that begins at `first`."""
        weekday = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[first.weekday()]
        if self.term.unit == "month":
            return f"FREQ=MONTHLY;BYDAY={(first.day - 1) // 7 + 1}{weekday}"
        return f"FREQ=WEEKLY;WKST=MO;INTERVAL={self.term.weeks};BYDAY={weekday}"

    def recent(self) -> datetime:
        """Return a start within the last two or three days whose session has ended and can be spoken of."""
        local = self.now.astimezone(self.zone)
        days = [local.date() - timedelta(days=n) for n in range(4)]
        starts = [
            datetime.combine(day, time(hour, 30), self.zone) for day in days for hour in (16, 14, 11, 9)
        ]
        fits = [s for s in starts if 2 * HOUR <= self.now - s <= 66 * HOUR]
        kind = [s for s in fits if not self.is_off(s.date())] or [s for s in fits if s.weekday() < 5] or fits
        return max(kind, key=lambda s: (self.now - s >= 16 * HOUR, s))

    def ahead(self, nth: int = 0) -> datetime:
        """Return a start on one of the next working days."""
        day = self.now.astimezone(self.zone).date() + DAY
        for _ in range(nth):
            day = self.working_day(day) + DAY
        return self.at_clock(self.working_day(day))

    def begun(self, period: int) -> datetime:
        """Return when the session of the period was put on the calendar."""
        if self.script.series:
            return self._series_created()
        return self.usual(period) - BEFORE_MOST - timedelta(hours=choice(f"{self.key}{period}", 30))

    def _series_created(self) -> datetime:
        return self.at_clock(self.working_day(self.term.starts[0] - 6 * DAY, -1)) - HOUR

    # --- what beats are made of ---

    def change(self, period: int, change: Change) -> None:
        """Change the usual session of the period."""
        self.changes.setdefault(period, []).append(change)

    def add(self, start: datetime, created: datetime, *changes: Change) -> None:
        """Add a session beside the usual ones."""
        self.meetings.append(self._meeting((Change(created, start), *changes), f"{start:%Y%m%d%H%M}"))

    def say(self, start: datetime, *, held: bool, sides: str = "both", absent: str = "") -> None:
        """Let the sides speak of a session after its end, each at their own hour."""
        end = start + 45 * timedelta(minutes=1)
        missing = ("mentor", "mentee") if absent == "both" else (absent,) if absent else ()
        for side in ("mentor", "mentee") if sides == "both" else (sides,):
            after = timedelta(minutes=20 + choice(f"{self.key}{start}{side}", 20 * 60))
            self.said.append(Said(side, start, (end + after).astimezone(UTC), held, missing))

    def agree(self, start: datetime) -> None:
        """Let the two say that they met, mostly both and sometimes only one."""
        voices = ("both", "both", "both", "both", "mentor", "mentee")
        self.say(start, held=True, sides=voices[choice(f"{self.key}{start:%Y%m%d}", len(voices))])

    # --- the end of the story ---

    def finish(self) -> None:
        """Turn the usual sessions and their changes into meetings."""
        if self.script.series:
            self.meetings.insert(0, self._series())
            return
        for period in range(len(self.term.starts)):
            if period not in self.skipped and self.begun(period) <= self.now:
                first = Change(self.begun(period), self.usual(period))
                self.meetings.append(
                    self._meeting((first, *self.changes.get(period, ())), f"{self.term.starts[period]}")
                )

    def _series(self) -> Meeting:
        slots = self._slots()
        created = self._series_created()
        return replace(
            self._meeting((Change(created, slots[0]),), "series"),
            repeat=self.rule(slots[0]),
            ends=((created, slots[-1].astimezone(UTC)),),
            exceptions={slots[period]: tuple(changes) for period, changes in sorted(self.changes.items())},
            dropped={slots[period]: at for period, at in self.dropped.items()},
        )

    def _meeting(self, history: tuple[Change, ...], seed: str) -> Meeting:
        invited = (PROGRAM_ADDRESS,) if self.script.tag == "address" else ()
        return Meeting(
            make_uid(self.mentor.program, f"{self.key}/{seed}"),
            self.mentor,
            (self.mentee,),
            history,
            session_look(self),
            also_invited=invited,
        )


def choice(key: str, among: int) -> int:
    """Return a number below `among` that looks like chance and is the same every time."""
    return crc32(key.encode()) % among


_LETTERS_ALONE = str.maketrans("0123456789", "wxyzdefghi")


def session_look(plot: Plot) -> Look:
    """Return how the pair calls its sessions, tagged in the pair's way."""
    mentor, mentee = (member.name.split()[0] for member in (plot.mentor, plot.mentee))
    spanish = plot.mentor.office.language == "es"
    code = make_uid("google", plot.key).translate(_LETTERS_ALONE)
    link = f"https://meet.google.com/{code[:3]}-{code[3:7]}-{code[7:10]}"
    if plot.script.tag == "category":
        title = f"Café con {mentor} y {mentee}" if spanish else f"Coffee: {mentor} and {mentee}"
        return Look(title, ("Mentoría" if spanish else "Mentoring",), note="Microsoft Teams")
    if plot.script.tag == "address":
        return Look(f"{mentor} <> {mentee}", place="Sala Lavapiés" if spanish else "Pecan room", link=link)
    titles = (
        (f"Mentoría {mentor} y {mentee} #mentoría", f"{mentor}/{mentee} [mentoring]")
        if spanish
        else (f"Mentoring {mentor} / {mentee} #mentoring", f"[mentoring] {mentor} and {mentee}")
    )
    return Look(titles[choice(plot.key, 2)], link=link)


Beat = Callable[[Plot, int], None]
