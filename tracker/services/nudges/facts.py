"""What a nudge says: facts for the letter, in the order in which they are told. No words are chosen here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tracker.ledger import Reason


@dataclass(frozen=True, slots=True)
class Ask:
    """Did the two meet? `link` leads to the page with the answers."""

    partner: str
    starts_at: datetime
    link: str


@dataclass(frozen=True, slots=True)
class SlotLink:
    """A time that suits; `link` leads to the button that books it. `is_sure`: both calendars were seen."""

    starts_at: datetime
    ends_at: datetime
    link: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Nothing is on the calendar, and the period ends on `last_on`; `slots` may be empty."""

    partner: str
    last_on: date
    slots: Sequence[SlotLink]
    link: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A period passed without a session. `by_me`, `by_partner`: whom the evidence names, if anybody.

    HR hears of it at `told_from` at the earliest; until then it can be put right or explained.
    """

    partner: str
    first_on: date
    last_on: date
    reason: Reason
    by_me: bool
    by_partner: bool
    told_from: datetime
    link: str
    tell_link: str
    explain_link: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """One letter: all that is due to one person, read in `timezone` at `written_at`."""

    name: str
    timezone: str
    written_at: datetime
    asks: Sequence[Ask] = ()
    misses: Sequence[Miss] = ()
    plans: Sequence[Plan] = ()
    snooze_link: str = ""
    unsubscribe_link: str = ""

    @property
    def count(self) -> int:
        """Return how many things the letter tells."""
        return len(self.asks) + len(self.misses) + len(self.plans)
