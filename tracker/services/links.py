"""Links in letters that need no signing in: opening one changes nothing, a press on its page does one thing.

A link carries a signed token: what for, whose, which row and at which version, until when. Whoever has the
letter can do that one thing, and take it back; nothing else of the person's is shown or opened by it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from tracker.services.tokens import LinkRefused, Refusal, Signer
from tracker.settings import Settings


class Purpose(StrEnum):
    """The one thing that a link is good for."""

    CONFIRM = "confirm"
    BOOK = "book"
    EXPLAIN = "explain"
    SNOOZE = "snooze"


_SIGNER = Signer("cadencia letters", salt="letter")
_HIGHEST_ID = 2**31 - 1
_LAST_SECOND = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())
# How many details each purpose has, and how high they can be: what is higher is no moment, and no day.
_DETAILS = {
    Purpose.CONFIRM: (_LAST_SECOND,),
    Purpose.BOOK: (_LAST_SECOND, _LAST_SECOND),
    Purpose.EXPLAIN: (date.max.toordinal(),),
    Purpose.SNOOZE: (),
}


@dataclass(frozen=True, slots=True)
class LetterLink:
    """What a link says. `row` is the id of what it is about; `details` are numbers of the purpose's own.

    `confirm`: a session, and when it started (seconds since 1970), so that an answer never goes to another
    date. `book`: a pair, with start and end. `explain`: an agreement, and the ordinal of the period's first
    day. `snooze`: the person again.
    """

    purpose: Purpose
    person_id: int
    row: int
    details: tuple[int, ...] = ()


def letter_link(settings: Settings, link: LetterLink, expires_at: datetime) -> str:
    """Return the address that offers what the link is good for, until then."""
    said = [link.purpose.value, link.person_id, link.row, *link.details, int(expires_at.timestamp())]
    return f"{settings.base_url}/letter/{_SIGNER.sign(settings, *said)}"


def read_letter_link(settings: Settings, token: str, now: datetime) -> LetterLink:
    """Return what the link says. Raises LinkRefused."""
    link, expires_at = _SIGNER.read(settings, token, _said)
    if now >= expires_at:
        raise LinkRefused(Refusal.EXPIRED)
    return link


def _said(word: str, *numbers: int) -> tuple[LetterLink, datetime]:
    """Return the link, and until when it is good. Raises ValueError, TypeError."""
    purpose = Purpose(word)
    highest = (_HIGHEST_ID, _HIGHEST_ID, *_DETAILS[purpose], _LAST_SECOND)
    for number, limit in zip(numbers, highest, strict=True):
        if type(number) is not int or not 0 < number <= limit:
            raise ValueError("this is no number of a link")
    person_id, row, *details, expires = numbers
    return LetterLink(purpose, person_id, row, tuple(details)), datetime.fromtimestamp(expires, UTC)
