"""How far back a feed reaches: Exchange publishes as much of the past as its owner chose, others all of it.

Who publishes a calendar there chooses between a day and a year (PublishDateRangeFrom of Exchange's
Set-MailboxCalendarFolder). What lies before is not in the feed, and did take place all the same.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from integrations.ical.scan import Feed

_SHOWS_A_PART = re.compile(rb"\nprodid[^\n]*microsoft exchange server")
_DAY = re.compile(rb"\ndtstart[^\n:]*:(\d{4})(\d\d)(\d\d)")
_OF_A_SERIES = re.compile(rb"\n(?:rrule|recurrence-id)[;:]")


def shows_from(feed: Feed, end: datetime) -> datetime | None:
    """Return from when on the feed shows whatever there was before `end`; None: all of it.

    Its first single entry shows how far a part reaches back: a series stands in it with its own beginning,
    which may lie long before. Where there is no single entry, nothing shows that it reaches back at all.
    """
    if not _SHOWS_A_PART.search(feed.lower):
        return None
    return min(_single_days(feed), default=end)


def _single_days(feed: Feed) -> Iterator[datetime]:
    for block in feed.blocks:
        entry = feed.lower[block.start : block.end]
        if (day := _DAY.search(entry)) and not _OF_A_SERIES.search(entry):
            try:
                yield datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC)
            except ValueError:
                continue  # no such day; the reader says so, if it is a session
