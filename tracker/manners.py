"""When it is polite to write to somebody, and how often. Pure: knows neither people nor letters.

Nobody is written to at night or at the weekend, nobody gets more letters a week than was promised, and who
does not react is written to less and less.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

OPENS, CLOSES = time(8), time(20)
SATURDAY = 5
WEEK = timedelta(days=7)
# So many letters in a row without any sign of life, and the reader wants fewer of them.
IGNORED_SOME, IGNORED_MANY = 3, 6
LONGEST_LEAVE_DAYS = 366
# What the two are given to put a miss right, or to explain it, before HR hears of it.
HEAD_START = timedelta(hours=48)
# A miss is old news after a week, also to the two: who could not be told of it by then is not told.
MISS_LASTS = timedelta(days=7)
LONGEST_HEAD_START = MISS_LASTS + HEAD_START


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `letters` in any stretch of `within`."""

    letters: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Word:
    """The word of a miss to one of the two: it came up at `noted_at`, and is worth nothing from `until` on.

    `told_at` is when it was written to them, `dropped_at` when it was clear that it would not be; as long as
    there is neither, it is still to be written.
    """

    noted_at: datetime
    until: datetime
    told_at: datetime | None = None
    dropped_at: datetime | None = None

    @property
    def holds_until(self) -> datetime:
        """Return until when HR does not hear of the miss because of this one of the two."""
        if self.told_at is not None:
            return self.told_at + HEAD_START
        return self.until if self.dropped_at is None else min(self.dropped_at, self.until)


def next_opening(at: datetime, timezone: str, away: Collection[date] = ()) -> datetime:
    """Return the first instant from `at` on that is between 8 and 20 on a working day of this person's.

    `away` are local dates on which the person is not there.
    """
    zone = ZoneInfo(timezone)
    local = at.astimezone(zone)
    day, first = local.date(), True
    for _ in range(LONGEST_LEAVE_DAYS):
        is_open = day.weekday() < SATURDAY and day not in away
        if is_open and first and OPENS <= local.time() < CLOSES:
            return at
        if is_open and (not first or local.time() < OPENS):
            return datetime.combine(day, OPENS, zone).astimezone(at.tzinfo)
        day, first = day + timedelta(days=1), False
    return at + timedelta(days=LONGEST_LEAVE_DAYS)


def told_to_hr_from(missed_at: datetime, timezone: str, words: Iterable[Word] = ()) -> datetime:
    """Return when HR may hear of a miss: 48 hours after the last one of the two was told of it.

    No sooner than 48 hours after they could first be written to; who is not told within a week is not waited
    for any longer, nor is from the start who can not be. However the words come out, what this returns moves
    from one future to another: a miss that HR was told of stays told.
    """
    soonest = next_opening(missed_at, timezone) + HEAD_START
    # What came up after HR could have heard (the reminders stood still) takes nothing back.
    return max([soonest, *(word.holds_until for word in words if word.noted_at < soonest)])


def pace_of(most_a_week: int, ignored: int) -> Pace:
    """Return how often to write to somebody who let the last `ignored` letters pass without a sign."""
    if ignored >= IGNORED_MANY:
        return Pace(min(most_a_week, 1), 4 * WEEK)
    if ignored >= IGNORED_SOME:
        return Pace(min(most_a_week, 1), WEEK)
    return Pace(most_a_week, WEEK)


def free_from(written: Sequence[datetime], pace: Pace, now: datetime) -> datetime | None:
    """Return from when on another letter keeps to the pace: `now`, or later; None: never.

    `written` are the times of earlier letters, in any order.
    """
    if pace.letters == 0:
        return None
    recent = sorted(at for at in written if now - pace.within < at <= now)
    return now if len(recent) < pace.letters else recent[-pace.letters] + pace.within
