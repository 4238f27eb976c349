"""What the domain needs from the outside world, as protocols. `integrations.registry` builds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tracker.events import Pull, Window
from tracker.tags import TagRules


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""


class CalendarSource(Protocol):
    """One calendar of one person, ready to be read. Not shared between threads; opened for each reading."""

    def pull(self, cursor: str | None, window: Window, rules: TagRules) -> Pull:
        """Read the calendar completely, or what changed since `cursor`, keeping only what `rules` match.

        An UNCHANGED or FULL answer means that the calendar was read to its end. Anything less raises
        ConnectorError, and then nothing that was known before has changed.
        """


class Sources(Protocol):
    """Opens calendars by provider."""

    def open(self, provider: str, address: str, timezone: str) -> CalendarSource:
        """Return the source for `address` (a path, a URL or an account; a secret). No network yet.

        `timezone` is the owner's: floating and all-day entries are read in it.
        """


class Vault(Protocol):
    """Encrypts what must not be readable in a copy of the database."""

    def seal(self, plain: str, bound_to: str) -> str:
        """Return `plain` encrypted so that it opens only under the same `bound_to` (its table and row)."""

    def open(self, sealed: str, bound_to: str) -> str:
        """Return what was sealed. Raises BadSettings where no key fits or the row is another."""

    def fingerprint(self, plain: str) -> str:
        """Return a keyed hash: equal for equal texts, and of no use without the key."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, written and translated: what is frozen when it is put into the outbox."""

    subject: str
    text: str
    html: str


class LetterWriter(Protocol):
    """Turns facts into a letter in the reader's language."""

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        """Return the letter of that name (`sign_in`, `digest`, ...) for `facts`."""


class Mailer(Protocol):
    """Hands finished messages to a mail server or a folder."""

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """Deliver one RFC 5322 message. Raises ConnectorError; `retry_after_s` tells when to try again."""
