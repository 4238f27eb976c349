"""What makes an entry of one calendar the same as that of another, and a reading the same as the last one.

Shared by the connectors, so that a Google calendar, its iCalendar feed and the guest's Outlook agree. Never
looks at a title.
"""

import re
from dataclasses import fields
from datetime import UTC, datetime
from hashlib import sha256

from tracker.events import CalendarEvent

_SPLIT = re.compile(r"_R[0-9]{8}(?:T[0-9]{6}Z?)?(?=@|$)")
# Exchange's ids hold the date of the occurrence in their 17th to 20th byte.
_EXCHANGE = re.compile(r"(040000008200E00074C5B7101A82E008)[0-9A-F]{8}(?=[0-9A-F]{32})", re.IGNORECASE)
# A UID that another program made, as Exchange wraps it (MS-OXOCAL, PidLidGlobalObjectId): class, date, time,
# reserved, size, then "vCal-Uid", a version, and the UID itself.
_FOREIGN = re.compile(
    r"040000008200E00074C5B7101A82E008[0-9A-F]{48}7643616C2D55696401000000((?:[0-9A-F]{2})+)",
    re.IGNORECASE,
)
_KEPT = tuple(f.name for f in fields(CalendarEvent) if f.name != "version")


def lineage_of(uid: str) -> str:
    """Return what all copies and "this and following" splits of an entry share of their UID."""
    uid = uid.strip()
    if wrapped := _FOREIGN.fullmatch(uid):
        uid = bytes.fromhex(wrapped[1]).rstrip(b"\0").decode("utf-8", "replace")
    bare = _SPLIT.sub("", uid)
    return _EXCHANGE.sub(lambda m: m[1] + "00000000", bare)


def version_of(event: CalendarEvent) -> str:
    """Return a hash that changes when, and only when, something that is kept changes."""
    kept = "\0".join(_as_text(getattr(event, name)) for name in _KEPT)
    return sha256(kept.encode()).hexdigest()[:32]


def read_stamp(text: str | None) -> datetime | None:
    """Return the instant that a stamp (ISO 8601) names; None for what is none, or is of the year 1."""
    try:
        stamp = datetime.fromisoformat(text) if text else None
        return stamp.astimezone(UTC) if stamp and stamp.tzinfo and stamp.year > 1 else None
    except (ValueError, OverflowError):
        return None


def _as_text(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
