"""Where a reading of a Google calendar ended. Holds ids and a sync token, never what an event says."""

from hashlib import sha256

import msgspec

from integrations.google.payload import PAGE_FIELDS, event_types
from tracker.events import Window
from tracker.tags import TagRules

# A higher number makes all calendars be read anew, when reading itself has changed.
READING = 2


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the next reading needs to know of this one.

    `calendar` is the calendar's id that Google knew. `singles` are the ids of the sessions and absences by
    themselves; `series` maps the id of each series of such to the ids of these, less their beginning where
    that is the series' id: a deleted series names nothing but itself.
    """

    question: str
    calendar: str
    token: str = ""
    singles: tuple[str, ...] = ()
    series: dict[str, tuple[str, ...]] = {}

    def instances_of(self, series_id: str) -> set[str]:
        """Return the ids of the series' sessions."""
        return {_whole(series_id, rest) for rest in self.series.get(series_id, ())}

    def write(self) -> str:
        """Return the cursor as a text."""
        return msgspec.json.encode(self).decode()


def question_of(window: Window, rules: TagRules) -> str:
    """Return a hash of all that decides what a reading gives: a sync token is good for the same one alone."""
    parts = (
        READING,
        window.start.isoformat(),
        window.end.isoformat(),
        rules.fingerprint(),
        PAGE_FIELDS,
        event_types(rules),
    )
    return sha256(repr(parts).encode()).hexdigest()[:32]


def pack_ids(series_id: str, ids: set[str]) -> tuple[str, ...]:
    """Return the ids of a series' instances as a cursor keeps them."""
    return tuple(sorted(i.removeprefix(series_id) if i.startswith(f"{series_id}_") else f"={i}" for i in ids))


def read_cursor(text: str | None) -> Cursor | None:
    """Return the cursor, None for one of another version."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else None
    except msgspec.DecodeError:
        return None


def _whole(series_id: str, rest: str) -> str:
    return rest[1:] if rest.startswith("=") else series_id + rest
