"""Recurrence rules (RFC 5545, 3.3.10), expanded on wall-clock time.

It never runs without end: a rule jumps to the stretch that is asked for, every period it looks at is counted
against a budget, and rules that repeat within a day are refused. It knows no zones; instants are the
caller's work.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import product

WEEKDAYS = {name: n for n, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
MOST_A_DAY = 48
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_TOO_FINE = ("SECONDLY", "MINUTELY", "HOURLY")


class BadRule(ValueError):
    """A rule that cannot be followed; the text says why and holds nothing of the entry."""


class TooMuch(Exception):
    """The work that a rule asks for goes beyond what a calendar of meetings can need."""


@dataclass(slots=True)
class Budget:
    """The days that may still be looked at."""

    days: int

    def spend(self, days: int) -> None:
        """Take `days` off. Raises TooMuch when there is nothing left."""
        self.days -= days
        if self.days < 0:
            raise TooMuch


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE. `until` is as written (no zone applied); `byday` holds (which, weekday), 0 for every one."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: str | None = None
    wkst: int = 0
    byday: tuple[tuple[int, int], ...] = ()
    by: dict[str, tuple[int, ...]] = field(default_factory=dict)


_LIMITS = {
    "BYSECOND": (0, 60), "BYMINUTE": (0, 59), "BYHOUR": (0, 23), "BYMONTHDAY": (1, 31), "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53), "BYMONTH": (1, 12), "BYSETPOS": (1, 366),
}  # fmt: skip
_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "RSCALE", "SKIP", *_LIMITS})
_SIGNED = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"})


def parse_rule(text: str) -> Rule:
    """Return the rule that `text` writes. Raises BadRule, also for one that repeats within a day."""
    parts: dict[str, str] = {}
    for part in filter(None, text.strip().upper().split(";")):
        name, _, value = (s.strip() for s in part.partition("="))
        if name not in _PARTS and not name.startswith("X-"):
            raise BadRule("its recurrence rule has a part that is unknown")
        parts.setdefault(name, value)
    freq = parts.get("FREQ", "")
    if freq in _TOO_FINE:
        raise BadRule("its recurrence rule repeats within a day, which no series of meetings does")
    if freq not in FREQUENCIES:
        raise BadRule("its recurrence rule has no FREQ that is known")
    if parts.get("RSCALE", "GREGORIAN") != "GREGORIAN" or parts.get("SKIP", "OMIT") != "OMIT":
        raise BadRule("its recurrence rule follows another calendar (RSCALE, SKIP)")
    by = {name: _numbers(name, parts[name]) for name in _LIMITS if parts.get(name)}
    rule = Rule(
        freq,
        interval=_integer("INTERVAL", parts.get("INTERVAL") or "1", 1, 100_000),
        count=_count(parts.get("COUNT")),
        until=parts.get("UNTIL") or None,
        wkst=WEEKDAYS.get(parts.get("WKST", "MO"), 0),
        byday=_weekdays(parts["BYDAY"], freq, by) if parts.get("BYDAY") else (),
        by=by,
    )
    _refuse_crowds(rule)
    return rule


def _integer(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise BadRule(f"its recurrence rule has a wrong {name}")
    return int(text)


def _count(text: str | None) -> int | None:
    if not text:
        return None
    # Some programs write a negative number for "without end".
    number = _integer("COUNT", text, -999_999_999, 999_999_999)
    if number == 0:
        raise BadRule("its recurrence rule has a wrong COUNT")
    return number if number > 0 else None


def _numbers(name: str, text: str) -> tuple[int, ...]:
    least, most = _LIMITS[name]
    numbers = {_integer(name, t.strip(), -most, most) for t in text.split(",") if t.strip()}
    if any(abs(n) < least or (n < 0 and name not in _SIGNED) for n in numbers):
        raise BadRule(f"its recurrence rule has a wrong {name}")
    return tuple(sorted(numbers))


def _weekdays(text: str, freq: str, by: dict[str, tuple[int, ...]]) -> tuple[tuple[int, int], ...]:
    # A number before the day makes sense within a month or a year alone.
    numbered = freq in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in by
    days = set()
    for part in filter(None, (p.strip() for p in text.split(","))):
        found = re.fullmatch(r"([+-]?[0-9]{0,2})\s*(MO|TU|WE|TH|FR|SA|SU)", part)
        if found is None or found[1] in ("+", "-") or abs(int(found[1] or 0)) > 53:
            raise BadRule("its recurrence rule has a wrong BYDAY")
        days.add((int(found[1] or 0) if numbered else 0, WEEKDAYS[found[2]]))
    return tuple(sorted(days))


def _refuse_crowds(rule: Rule) -> None:
    a_day = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        a_day *= len(rule.by.get(name, (0,)))
    if a_day > MOST_A_DAY:
        raise BadRule("its recurrence rule repeats within a day, which no series of meetings does")


Test = Callable[[date], bool]


class Expansion:
    """One rule with its first time: yields wall-clock times, ascending, from `first` on.

    `first` is always a member, but COUNT counts what the rule names: so do libical and Thunderbird where the
    two disagree, which RFC 5545 leaves open. With `strict`, as for EXRULE, only what the rule names.
    """

    def __init__(self, rule: Rule, first: datetime, budget: Budget, *, strict: bool = False) -> None:
        self.rule = rule
        self.first = first
        self.budget = budget
        self._strict = strict
        self._times = _times_of_day(rule, first)
        self._tests = list(_tests(rule, first))
        self._months = frozenset(rule.by.get("BYMONTH", ()))

    def between(self, low: datetime, high: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """Yield the times from `low` to `high`, both included, and none after `until`."""
        last = min(high, until) if until else high
        if low <= self.first <= last and not self._strict:
            yield self.first
        left = self.rule.count
        for moment in self._named(low if left is None else self.first, last):
            if moment >= low and (moment > self.first or self._strict):
                yield moment
            if left is not None:
                left -= 1
                if left == 0:
                    return

    def _named(self, low: datetime, last: datetime) -> Iterator[datetime]:
        """Yield what the rule itself names, from the period before that of `low` on."""
        if self.first > last:
            return
        for days in self._periods(max(low, self.first).date(), last.date()):
            for moment in self._chosen(days):
                if moment > last:
                    return
                if moment >= self.first:
                    yield moment

    def _chosen(self, days: list[date]) -> list[datetime]:
        moments = [datetime.combine(d, t) for d, t in product(days, self._times)]
        positions = self.rule.by.get("BYSETPOS")
        if not positions:
            return moments
        size = len(moments)
        picked = {p - 1 if p > 0 else size + p for p in positions}
        return [moments[n] for n in sorted(picked) if 0 <= n < size]

    def _periods(self, low: date, high: date) -> Iterator[list[date]]:
        """Yield the days that the rule names, one list a period, from before `low` to that of `high`."""
        start = self.first.date()
        n = max(0, self._number_of(low) // self.rule.interval - 1)
        while True:
            period = self._period(start, n * self.rule.interval)
            if period is None or period[0] > high:
                return
            first_day, size = period
            yield [d for d in self._days(first_day, size) if all(test(d) for test in self._tests)]
            n += 1

    def _days(self, first_day: date, size: int) -> Iterator[date]:
        self.budget.spend(1)
        months = self._months
        n, ordinal = 0, first_day.toordinal()
        while n < size and ordinal + n <= date.max.toordinal():
            day = date.fromordinal(ordinal + n)
            if months and day.month not in months:
                # Whole months are skipped, so that "30 February" costs little.
                n += calendar.monthrange(day.year, day.month)[1] - day.day + 1
                continue
            self.budget.spend(1)
            yield day
            n += 1

    def _number_of(self, day: date) -> int:
        """Return how many days, weeks, months or years lie between the first time's period and `day`'s."""
        start = self.first.date()
        match self.rule.freq:
            case "DAILY":
                return (day - start).days
            case "WEEKLY":
                return ((day - start).days + self._into_week(start)) // 7
            case "MONTHLY":
                return (day.year - start.year) * 12 + day.month - start.month
        return day.year - start.year

    def _into_week(self, day: date) -> int:
        return (day.weekday() - self.rule.wkst) % 7

    def _period(self, start: date, number: int) -> tuple[date, int] | None:
        """Return the first day and the length in days of the period `number` after `start`'s."""
        try:
            match self.rule.freq:
                case "DAILY":
                    return start + timedelta(days=number), 1
                case "WEEKLY":
                    # The week of a date in the first week of year 1 would begin before time does.
                    ordinal = start.toordinal() - self._into_week(start) + 7 * number
                    return (
                        (date.fromordinal(ordinal), 7) if ordinal > 0 else (start, 7 - self._into_week(start))
                    )
                case "MONTHLY":
                    year, month = divmod(start.year * 12 + start.month - 1 + number, 12)
                    return date(year, month + 1, 1), calendar.monthrange(year, month + 1)[1]
            year = start.year + number
            return date(year, 1, 1), 366 if calendar.isleap(year) else 365
        except (OverflowError, ValueError):
            return None


def _times_of_day(rule: Rule, first: datetime) -> list[time]:
    hours = rule.by.get("BYHOUR", (first.hour,))
    minutes = rule.by.get("BYMINUTE", (first.minute,))
    seconds = rule.by.get("BYSECOND", (first.second,))
    return sorted({time(h, m, min(s, 59)) for h, m, s in product(hours, minutes, seconds)})


def _tests(rule: Rule, first: datetime) -> Iterator[Test]:
    """Yield what a day must satisfy; what the rule leaves open is taken from its first time."""
    by, freq = rule.by, rule.freq
    if "BYMONTHDAY" in by:
        yield lambda d: d.day in by["BYMONTHDAY"] or d.day - _month_length(d) - 1 in by["BYMONTHDAY"]
    if "BYYEARDAY" in by:
        yield (
            lambda d: _year_day(d) in by["BYYEARDAY"] or _year_day(d) - _year_length(d) - 1 in by["BYYEARDAY"]
        )
    if "BYWEEKNO" in by and freq == "YEARLY":
        yield lambda d: bool(set(_week_numbers(d, rule.wkst)) & set(by["BYWEEKNO"]))
    if rule.byday:
        yield _weekday_test(rule)
    elif freq == "WEEKLY" or (
        freq == "YEARLY" and "BYWEEKNO" in by and not {"BYMONTHDAY", "BYYEARDAY"} & by.keys()
    ):
        yield lambda d: d.weekday() == first.weekday()
    elif freq in ("MONTHLY", "YEARLY") and not {"BYMONTHDAY", "BYYEARDAY"} & by.keys():
        yield lambda d: d.day == first.day
        if freq == "YEARLY" and "BYMONTH" not in by:
            yield lambda d: d.month == first.month


def _weekday_test(rule: Rule) -> Test:
    plain = {weekday for which, weekday in rule.byday if not which}
    numbered = {(which, weekday) for which, weekday in rule.byday if which}
    within_month = rule.freq == "MONTHLY" or "BYMONTH" in rule.by

    def test(day: date) -> bool:
        if day.weekday() in plain:
            return True
        if not numbered:
            return False
        place, size = (day.day, _month_length(day)) if within_month else (_year_day(day), _year_length(day))
        from_start, from_end = (place - 1) // 7 + 1, -((size - place) // 7 + 1)
        return (from_start, day.weekday()) in numbered or (from_end, day.weekday()) in numbered

    return test


def _month_length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _year_length(day: date) -> int:
    return 366 if calendar.isleap(day.year) else 365


def _year_day(day: date) -> int:
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _week_numbers(day: date, wkst: int) -> tuple[int, int]:
    """Return the number of the day's week, counted from the start and (negative) from the end of its year."""
    week_start = day.toordinal() - (day.weekday() - wkst) % 7
    # A week belongs to the year of its fourth day.
    middle = date.fromordinal(min(max(week_start + 3, 1), date.max.toordinal()))
    number = (_year_day(middle) - 1) // 7 + 1
    return number, number - 1 - _weeks_in(middle, wkst)


def _weeks_in(middle: date, wkst: int) -> int:
    last = date(middle.year, 12, 31)
    last_start = last.toordinal() - (last.weekday() - wkst) % 7
    if last_start + 3 > last.toordinal():
        last_start -= 7
    return (_year_day(date.fromordinal(last_start + 3)) - 1) // 7 + 1
