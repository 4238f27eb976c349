"""Where a reading of an Outlook calendar ended. Holds ids, times and a link, never what an event says."""

from hashlib import sha256

import msgspec

from tracker.events import Window
from tracker.tags import TagRules

# A higher number makes all calendars be read anew, when reading itself has changed.
READING = 2
# A deleted occurrence may leave no trace in what changed: every so many readings, all series are looked at.
LOOK_AGAIN = 24


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the next reading needs to know of this one.

    `link` is Graph's, to be sent as it came. `singles` are the ids of the sessions by themselves; `series`
    maps the id of each series with sessions to the ids of these, and each of them to its slot. `quiet`
    counts the readings since all series were looked at.
    """

    question: str
    link: str = ""
    singles: tuple[str, ...] = ()
    series: dict[str, dict[str, str]] = {}
    quiet: int = 0

    def write(self) -> str:
        """Return the cursor as a text."""
        return msgspec.json.encode(self).decode()


def question_of(window: Window, rules: TagRules) -> str:
    """Return a hash of all that decides what a reading gives: a link is good for the same one alone."""
    parts = (READING, window.start.isoformat(), window.end.isoformat(), rules.fingerprint())
    return sha256(repr(parts).encode()).hexdigest()[:32]


def read_cursor(text: str | None) -> Cursor | None:
    """Return the cursor, None for one of another version."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else None
    except msgspec.DecodeError:
        return None
