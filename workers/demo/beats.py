"""The things that happen to mentoring pairs: one function for each, named in the scripts.

Each arranges one period of a plot; none knows the verdict that it leads to.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from workers.demo.agenda import Change
from workers.demo.cast import CAST
from workers.demo.plot import DAY, HOUR, Beat, Plot, Said, Script
from workers.demo.terms import make_term

SESSION = timedelta(minutes=45)


def tell(script: Script, now: datetime) -> Plot:
    """Let every period of the script happen, and return the plot with its meetings and statements."""
    plot = Plot(script, make_term(script.term, CAST[script.mentee].office.timezone, now), now)
    for period in range(len(plot.term.starts)):
        name = plot.script.beats.get(period - plot.term.current, "as usual")
        BEATS[name](plot, period)
        if plot.term.per_period == 2:
            _second(plot, period)
    plot.finish()
    return plot


def _as_usual(plot: Plot, period: int) -> None:
    plot.agree(_stand(plot, period))


def _stand(plot: Plot, period: int) -> datetime:
    """Leave the session where it was planned; one of a series steps aside for a public holiday."""
    start = plot.usual(period)
    if not plot.is_off(start.date()):
        return start
    day = plot.working_day(start.date())
    if day >= plot.term.end(period):
        day = plot.working_day(start.date(), -1)
    moved = plot.at_clock(day)
    at = max(start - 10 * DAY, plot.begun(period) + HOUR)
    plot.change(period, Change(at, moved))
    return moved if at <= plot.now else start


def _second(plot: Plot, period: int) -> None:
    start = plot.at_clock(plot.working_day(plot.usual(period).date() + 14 * DAY))
    plot.add(start, start - 11 * DAY)
    plot.agree(start)


def _late(plot: Plot, period: int) -> None:
    days = [plot.term.end(period) + n * DAY for n in range(3)]
    day = next((d for d in days if not plot.is_off(d)), days[0])
    plot.skipped.add(period)
    plot.add(plot.at_clock(day), plot.at_clock(day) - 9 * DAY)
    plot.say(plot.at_clock(day), held=True)


def _early(plot: Plot, period: int) -> None:
    start = plot.at_clock(plot.term.starts[period] - 3 * DAY)
    plot.skipped.add(period)
    plot.add(start, start - 8 * DAY)
    plot.say(start, held=True)


def _moved_within(plot: Plot, period: int) -> None:
    start = plot.usual(period)
    moved = plot.at_clock(plot.working_day(start.date() + DAY))
    if moved.date() >= plot.term.end(period):
        moved = plot.at_clock(plot.working_day(start.date() - DAY, -1))
    plot.change(period, Change(start - 3 * DAY, moved))
    plot.agree(moved)


def _moved_on(plot: Plot, period: int) -> None:
    start = plot.usual(period)
    moved = plot.at_clock(plot.working_day(plot.term.end(period) + DAY))
    if plot.script.series:
        plot.change(period, Change(start - 26 * HOUR, moved))
    else:
        _call_off(plot, period, "mentee", 26 * HOUR)
        plot.add(moved, start - 25 * HOUR)
    plot.say(moved, held=True)


def _call_off(plot: Plot, period: int, side: str, before: timedelta) -> datetime:
    start = plot.usual(period)
    at = min(start - before, plot.now - DAY)
    plot.change(period, Change(at, start, declined=(plot.address(side),)))
    return start


def _cancelled_by_mentor(plot: Plot, period: int) -> None:
    _call_off(plot, period, "mentor", 3 * HOUR)


def _cancelled_by_mentee(plot: Plot, period: int) -> None:
    _call_off(plot, period, "mentee", 2 * DAY)


def _chain(plot: Plot, period: int) -> None:
    """Call off the session, miss its replacement; the third date holds, in the next period."""
    first = _call_off(plot, period, "mentor", 30 * HOUR)
    second = plot.at_clock(plot.working_day(first.date() + 2 * DAY))
    plot.add(second, first - 29 * HOUR)
    plot.say(second, held=False, absent="mentee")
    third = plot.at_clock(plot.working_day(plot.term.end(period) + 2 * DAY))
    plot.add(third, second + 3 * HOUR)
    plot.say(third, held=True)


def _no_show_of_mentor(plot: Plot, period: int) -> None:
    plot.say(_stand(plot, period), held=False, sides="mentee", absent="mentor")


def _no_show_of_mentee(plot: Plot, period: int) -> None:
    plot.say(_stand(plot, period), held=False, absent="mentee")


def _no_show_told_today(plot: Plot, period: int) -> None:
    """Let the mentor answer long after: what had been unconfirmed is news."""
    start = _stand(plot, period)
    plot.said.append(Said("mentor", start, plot.now - 5 * HOUR, held=False, absent=("mentee",)))


def _neither_came(plot: Plot, period: int) -> None:
    plot.say(_stand(plot, period), held=False, absent="both")


def _nothing(plot: Plot, period: int) -> None:
    plot.skipped.add(period)


def _away(plot: Plot, period: int) -> None:
    """Let the mentee be on leave for most of the period, its session taken out of the calendar."""
    first, last = plot.term.starts[period], plot.term.end(period) - DAY
    if plot.term.unit == "month":
        first, last = first + 2 * DAY, last - 3 * DAY
    plot.leaves.append((plot.mentee, first, last))
    if plot.script.series:
        plot.dropped[period] = plot.usual(period) - 5 * DAY
    else:
        plot.skipped.add(period)


def _they_disagree(plot: Plot, period: int) -> None:
    start = _stand(plot, period)
    plot.say(start, held=True, sides="mentor")
    plot.say(start, held=False, sides="mentee", absent="mentor")


def _nobody_says(plot: Plot, period: int) -> None:
    _stand(plot, period)


def _just_now(plot: Plot, period: int) -> datetime:
    """Put the period's session on the latest day that people can still be asked about."""
    start = plot.recent()
    if plot.script.series:
        plot.change(period, Change(min(start, plot.usual(period)) - DAY, start))
    else:
        plot.skipped.add(period)
        plot.add(start, start - 6 * DAY)
    return start


def _not_yet_said(plot: Plot, period: int) -> None:
    _just_now(plot, period)


def _mentor_said(plot: Plot, period: int) -> None:
    start = _just_now(plot, period)
    plot.said.append(Said("mentor", start, (start + SESSION + HOUR / 2).astimezone(UTC)))


def _made_up_just_now(plot: Plot, period: int) -> None:
    """Call off the session and make up for it long after, so recently that nobody has spoken yet."""
    start = plot.usual(period)
    plot.change(period, Change(start - 28 * HOUR, start, cancelled=True))
    plot.add(plot.recent(), start - 27 * HOUR)


def _ahead(plot: Plot, period: int) -> None:
    """Put the period's session on one of the next days."""
    start = plot.ahead(1)
    if plot.script.series:
        plot.change(period, Change(min(plot.usual(period), plot.now) - 20 * HOUR, start))
    else:
        plot.skipped.add(period)
        plot.add(start, plot.now - 3 * DAY)


def _moved_ahead(plot: Plot, period: int) -> None:
    plot.change(period, Change(plot.usual(period) - DAY, plot.ahead(0)))


BEATS: dict[str, Beat] = {
    "as usual": _as_usual,
    "late": _late,
    "early": _early,
    "moved within": _moved_within,
    "moved on": _moved_on,
    "cancelled by mentor": _cancelled_by_mentor,
    "cancelled by mentee": _cancelled_by_mentee,
    "chain": _chain,
    "no show of mentor": _no_show_of_mentor,
    "no show of mentee": _no_show_of_mentee,
    "no show told today": _no_show_told_today,
    "neither came": _neither_came,
    "nothing": _nothing,
    "with another": _nothing,
    "away": _away,
    "they disagree": _they_disagree,
    "nobody says": _nobody_says,
    "not yet said": _not_yet_said,
    "mentor said": _mentor_said,
    "made up just now": _made_up_just_now,
    "ahead": _ahead,
    "moved ahead": _moved_ahead,
}


def move_series(plot: Plot) -> None:
    """Move the pair's series to the next weekday from its next session on, four days ago.

    Google ends the old series and begins another, whose identifier is the old one's and the slot's.
    """
    series = plot.meetings[0]
    slots = [plot.usual(n) for n in range(len(plot.term.starts))]
    at = plot.now - 4 * DAY
    slot = next(s for s in slots if s > plot.now + DAY)
    first = slot + (3 * DAY if slot.weekday() == 4 else DAY)
    end = (slot - timedelta(seconds=1)).astimezone(UTC)
    base, _, host = series.uid.partition("@")
    plot.meetings[0] = replace(
        series,
        ends=(*series.ends, (at, end)),
        exceptions={s: changes for s, changes in series.exceptions.items() if s < slot},
    )
    plot.meetings.append(
        replace(
            series,
            uid=f"{base}_R{slot.astimezone(UTC):%Y%m%dT%H%M%S}@{host}",
            history=(Change(at, first),),
            repeat=plot.rule(first),
            ends=((at, (first + (slots[-1] - slot)).astimezone(UTC)),),
            exceptions={},
        )
    )


def share_session(host: Plot, guest: Plot, period: int) -> None:
    """Let the mentor whom both plots share see both mentees at once, at the host's session."""
    start = host.usual(period)
    index = next(n for n, m in enumerate(host.meetings) if m.history[-1].start == start)
    meeting = host.meetings[index]
    host.meetings[index] = replace(meeting, guests=(*meeting.guests, guest.mentee))
    guest.say(start, held=True)
