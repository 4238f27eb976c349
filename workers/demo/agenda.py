"""Meetings with their whole history, and what of it a calendar shows at a given moment.

Never knows how a program writes it down: that is `styles`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

from workers.demo.cast import Member


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on the meeting starts at `start` (its wall time counts), is off, or is declined by some."""

    at: datetime
    start: datetime
    cancelled: bool = False
    declined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What is said of a meeting beside its time: title, tags, place, and what people's programs add."""

    title: str
    categories: tuple[str, ...] = ()
    place: str = ""
    note: str = ""
    link: str = ""
    busy: bool = True
    private: bool = False
    all_day: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """One entry or series, as its organiser made and changed it.

    `history` begins with the creation. `repeat` is an RRULE without its end; `ends` says from which moment
    (first) the series ends when (second). `exceptions` are changes of single occurrences and `dropped` the
    moments at which occurrences were taken out without a trace, both by their original start.
    """

    uid: str
    organiser: Member
    guests: tuple[Member, ...]
    history: tuple[Change, ...]
    look: Look
    minutes: int = 45
    also_invited: tuple[str, ...] = ()
    repeat: str = ""
    ends: tuple[tuple[datetime, datetime], ...] = ()
    exceptions: dict[datetime, tuple[Change, ...]] = field(default_factory=dict)
    dropped: dict[datetime, datetime] = field(default_factory=dict)

    @property
    def created(self) -> datetime:
        """Return the moment at which it was first put on a calendar."""
        return self.history[0].at


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry of a calendar: a single meeting, the rule of a series, or an occurrence that differs."""

    meeting: Meeting
    start: datetime
    changed: datetime
    sequence: int
    cancelled: bool = False
    declined: tuple[str, ...] = ()
    repeat: str = ""
    dropped: tuple[datetime, ...] = ()
    original: datetime | None = None

    @property
    def end(self) -> datetime:
        """Return the end in the start's wall time."""
        days = self.meeting.minutes // (24 * 60)
        return self.start + (timedelta(days=days) if days else timedelta(minutes=self.meeting.minutes))


def show(meeting: Meeting, as_of: datetime) -> Iterator[Shown]:
    """Yield the entries that the meeting is on a calendar exported at `as_of`."""
    known = [c for c in meeting.history if c.at <= as_of]
    if not known:
        return
    ends = [end for end in meeting.ends if end[0] <= as_of]
    dropped = {slot: at for slot, at in meeting.dropped.items() if at <= as_of}
    changed = max([known[-1].at, *(at for at, _ in ends), *dropped.values()])
    repeat = meeting.repeat + (f";UNTIL={ends[-1][1]:%Y%m%dT%H%M%SZ}" if ends and meeting.repeat else "")
    last = known[-1]
    yield Shown(
        meeting, last.start, changed, len(known) - 1, last.cancelled, last.declined, repeat, tuple(dropped)
    )
    for slot, changes in sorted(meeting.exceptions.items()):
        if seen := [c for c in changes if c.at <= as_of]:
            now = seen[-1]
            yield Shown(meeting, now.start, now.at, len(seen), now.cancelled, now.declined, original=slot)


def occurrences(start: datetime, repeat: str, count: int) -> list[datetime]:
    """Return the first `count` starts of the rule, at the wall time of `start` in its zone."""
    rule = rrulestr(repeat, dtstart=start.replace(tzinfo=None))
    return [naive.replace(tzinfo=start.tzinfo) for naive, _ in zip(rule, range(count), strict=False)]
