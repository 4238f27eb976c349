"""On which days an out-of-office entry says that its owner is away. Only dates leave."""

from datetime import date, datetime, time, timedelta, tzinfo

from integrations.outlook.mapping import span_of
from integrations.outlook.payload import Item

# Whoever is away from ten to four is away for that day; a dentist's hour is nobody's leave.
FROM, UNTIL = time(10), time(16)
_DAY = timedelta(days=1)


def is_out(item: Item) -> bool:
    """Tell whether the entry shows its owner as out of office."""
    return item.show_as == "oof" and not item.is_cancelled


def days_away(item: Item, zone: tzinfo) -> tuple[date, date] | None:
    """Return the first and the last day that the entry covers in the owner's zone, None where it covers none.

    Raises Unreadable.
    """
    start, end = span_of(item)
    if isinstance(start, datetime) and isinstance(end, datetime):
        begins, ends = start.astimezone(zone), end.astimezone(zone)
        first = begins.date() if begins.time() <= FROM else begins.date() + _DAY
        last = ends.date() if ends.time() >= UNTIL else ends.date() - _DAY
    else:
        first, last = start, max(start, end - _DAY)
    return (first, last) if first <= last else None
