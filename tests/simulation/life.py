"""What happens to one pair in a year, from its number alone: what it agreed, its meetings, who says what.

This is the truth that the product's verdicts are held against; it knows nothing of the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)  # a Monday; the daily tick is in everybody's office hours
LENGTH = HOUR  # of every meeting
SIDES = ("mentor", "mentee")
ZONES = ("UTC", "Europe/Madrid", "America/Bogota", "America/New_York")
CADENCES = ((1, "week", 5), (2, "week", 60), (1, "month", 35))  # every so many units, and its weight
# What becomes of a period, and how often in a hundred.
FATES = {
    "as usual": 66,
    "moved in time": 9,
    "moved too late": 3,
    "cancelled, with a new date": 6,
    "cancelled": 4,
    "declined": 3,
    "never scheduled": 5,
    "deleted by the guest": 4,
}
# What the two say of a meeting that stood, and how often in a hundred.
TALKS = {
    "both": 52,
    "one": 18,
    "nobody": 11,
    "late": 4,
    "they disagree": 4,
    "no show, both say": 4,
    "no show, one says": 4,
    "neither came": 3,
}


def tick_at(day: int) -> datetime:
    """Return when the tick of that day is."""
    return FIRST + day * DAY


def day_of(at: datetime) -> int:
    """Return the day of the first tick that is not before `at`."""
    return -((FIRST - at) // DAY)


@dataclass(frozen=True, slots=True)
class State:
    """How a meeting stands from `at` on; changes of one meeting are more than a day apart."""

    at: datetime
    start: datetime
    is_off: bool = False
    declined: bool = False  # by the guest


@dataclass(frozen=True, slots=True)
class Said:
    """What one side says of a meeting, at the tick of a day."""

    day: int
    side: str
    held: bool
    absent: tuple[str, ...] = ()


@dataclass(slots=True)
class Meeting:
    """A meeting: `slot` is its place in the pair's series, None for one by itself."""

    uid: str
    slot: datetime | None
    states: list[State]
    said: list[Said] = field(default_factory=list)
    guest_deleted_at: datetime | None = None

    def change(self, state: State) -> None:
        """Let it stand otherwise from then on."""
        if state.at - self.states[-1].at <= DAY:
            raise ValueError("two changes within a day: a calendar that is read daily shows one of them")
        self.states.append(state)


@dataclass(frozen=True, slots=True)
class Leave:
    """Days on which one side is away, told on the tick of `day`."""

    day: int
    side: str
    first: date
    last: date


@dataclass(slots=True)
class Life:
    """One pair. `calendars`: the sides who connected one; `outage`: whose fails from one day to another."""

    number: int
    zone: str
    starts_on: date
    ends_on: date
    every: int
    unit: str
    host: str
    calendars: tuple[str, ...]
    meetings: list[Meeting] = field(default_factory=list)
    leaves: list[Leave] = field(default_factory=list)
    outage: tuple[str, int, int] | None = None

    @property
    def guest(self) -> str:
        """Return the side that is invited."""
        return other(self.host)

    def is_failing(self, side: str, day: int) -> bool:
        """Tell whether that side's calendar can not be read on that day."""
        return self.outage is not None and self.outage[0] == side and self.outage[1] <= day <= self.outage[2]


def other(side: str) -> str:
    """Return the other side."""
    return SIDES[side == "mentor"]


def live(number: int, days: int) -> Life:
    """Return the life of the pair of that number, over so many days; the same at every call."""
    return _Living(number, days).live()


class _Living:
    def __init__(self, number: int, days: int) -> None:
        self.random = Random(f"pair {number}")
        self.days = days
        self.life = self._found(number)
        self.is_series = self._maybe(0.75)
        # An hour at which clocks are never set.
        self.hour = time(self.random.randint(9, 16), self.random.choice((0, 30)))
        self.quiet = {side for side in SIDES if self._maybe(0.12)}  # who never says anything

    def live(self) -> Life:
        life = self.life
        made_at = self._moment(life.starts_on - timedelta(days=self.random.randint(2, 5)))
        place = self._place()
        for number, (first, end) in enumerate(self._periods()):
            usual = self._moment(self._working(first + place * DAY, end))
            if not self.is_series:
                usual = self._moment(self._working(first + self._place() * DAY, end))
                made_at = max(usual - self.random.randint(3, 11) * DAY, tick_at(0))
            uid = f"series-{life.number}" if self.is_series else f"p{life.number}-{number}"
            slot = usual if self.is_series else None
            self._happen(Meeting(f"{uid}@example.com", slot, [State(made_at, usual)]))
        self._go_away()
        return life

    def _found(self, number: int) -> Life:
        random = self.random
        every, unit, _ = random.choices(CADENCES, [weight for _, _, weight in CADENCES])[0]
        starts_on = FIRST.date() + random.randint(7, 23) * DAY  # no later than the 28th
        ends = random.randint(100, 300) if self._maybe(0.1) else self.days + 60
        calendars = random.choices((SIDES, ("mentor",), ("mentee",)), (80, 12, 8))[0]
        life = Life(
            number=number, zone=random.choice(ZONES), starts_on=starts_on,
            ends_on=FIRST.date() + ends * DAY, every=every, unit=unit,
            host=random.choices(SIDES, (70, 30))[0], calendars=calendars,
        )  # fmt: skip
        if calendars == SIDES and self._maybe(0.15):
            begin = random.randint(20, self.days)
            life.outage = (random.choice(SIDES), begin, begin + random.randint(5, 28))
        return life

    def _maybe(self, share: float) -> bool:
        return self.random.random() < share

    def _place(self) -> int:
        """Return on which day of a period they meet."""
        if self.life.unit == "month":
            return self.random.randint(3, 24)
        return self.random.randint(1, 4) + 7 * self.random.randrange(self.life.every)

    def _periods(self) -> list[tuple[date, date]]:
        life, found = self.life, []
        last = min(life.ends_on, FIRST.date() + (self.days + 20) * DAY)
        first = life.starts_on
        while first <= last:
            end = first + life.every * 7 * DAY
            if life.unit == "month":
                month = first.month + life.every
                end = first.replace(year=first.year + (month - 1) // 12, month=(month - 1) % 12 + 1)
            if end > life.ends_on:
                break
            found.append((first, end))
            first = end
        return found

    @staticmethod
    def _working(day: date, end: date) -> date:
        while day.weekday() > 4:
            day += DAY
        while day >= end or day.weekday() > 4:
            day -= DAY
        return day

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, self.hour, ZoneInfo(self.life.zone)).astimezone(UTC)

    def _later(self, at: datetime, least: int, most: int) -> datetime:
        return self._moment(self._working(at.date() + self.random.randint(least, most) * DAY, date.max))

    def _happen(self, meeting: Meeting) -> None:
        fate = self.random.choices(list(FATES), list(FATES.values()))[0]
        made, usual = meeting.states[0].at, meeting.states[0].start
        before = max(usual - self.random.randint(3, 90) * HOUR, made + DAY + HOUR)
        if fate == "never scheduled" and not self.is_series:
            return
        self.life.meetings.append(meeting)
        if before >= usual:
            fate = "as usual"
        if fate == "moved in time":
            at = max(before + self.random.randint(-10, 120) * HOUR, made + DAY + HOUR)
            meeting.change(State(at, self._later(max(at, usual), 1, 4)))
        elif fate == "moved too late":
            at = usual + self.random.randint(8, 10) * DAY
            meeting.change(State(at, self._later(at, 1, 3)))
        elif fate.startswith("cancelled") or fate == "never scheduled":
            meeting.change(State(before, usual, is_off=True))
            if "new date" in fate:
                self._meet_again(meeting, before)
            return
        elif fate == "declined":
            meeting.change(State(before, usual, declined=True))
            return
        elif fate == "deleted by the guest" and self.life.calendars == SIDES:
            meeting.guest_deleted_at = before
        self._talk(meeting)

    def _meet_again(self, lost: Meeting, cancelled_at: datetime) -> None:
        usual = lost.states[0].start
        again = self._later(usual, 2, 6)
        # What lies after the agreement is not of this pair any more.
        if again.astimezone(ZoneInfo(self.life.zone)).date() < self.life.ends_on:
            name = f"again-{self.life.number}-{usual:%Y%m%d}@example.com"
            meeting = Meeting(name, None, [State(cancelled_at + HOUR, again)])
            self.life.meetings.append(meeting)
            self._talk(meeting)

    def _talk(self, meeting: Meeting) -> None:
        way = self.random.choices(list(TALKS), list(TALKS.values()))[0]
        day = day_of(meeting.states[-1].start + LENGTH)
        one = self.random.choice(SIDES)
        wait = self.random.choice((0, 0, 0, 1, 2))
        both = [(one, day), (other(one), day + wait)]
        told: list[Said] = []
        if way == "both":
            told = [Said(on, side, held=True) for side, on in both]
        elif way == "one":
            told = [Said(day + wait, one, held=True)]
        elif way == "late":
            told = [Said(day + self.random.randint(4, 12), one, held=self._maybe(0.5))]
        elif way == "they disagree":
            told = [Said(day, one, held=True), Said(day + wait, other(one), held=False)]
        elif way == "no show, both say":
            told = [Said(on, side, held=False, absent=(one,)) for side, on in both]
        elif way == "no show, one says":
            told = [Said(day, one, held=False, absent=(other(one),))]
        elif way == "neither came":
            told = [Said(on, side, held=False, absent=SIDES) for side, on in both]
        meeting.said = [said for said in told if said.side not in self.quiet]

    def _go_away(self) -> None:
        for side in SIDES:
            if self._maybe(0.1):
                first = self.life.starts_on + self.random.randint(20, self.days) * DAY
                last = first + self.random.randint(4, 20) * DAY
                told = (first - FIRST.date()).days - self.random.randint(1, 14)
                self.life.leaves.append(Leave(told, side, first, last))
