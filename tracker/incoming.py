"""Calendar messages (RFC 5546) that reach the program's own mailbox, and what a service needs to read them.

A message lives in memory alone: what is stored of it is what `MailboxReader.trim` left.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from tracker.tags import TagRules


class Method(StrEnum):
    """What a message does. `uninvite`: it takes the mailbox off the entry, and tells nothing more."""

    REQUEST = "request"
    CANCEL = "cancel"
    REPLY = "reply"
    UNINVITE = "uninvite"


@dataclass(frozen=True, slots=True)
class MailPlace:
    """How far a folder was read: up to `last_uid`, good for one `uid_validity` (RFC 3501, 2.3.1.1)."""

    uid_validity: int | None = None
    last_uid: int = 0


@dataclass(frozen=True, slots=True)
class CalendarMail:
    """One calendar object of one message. All addresses are normal ones (`tracker.tags`).

    `sender` is who wrote the message, empty where nobody can tell: several authors, or the mail server says
    that it is forged. `sent_by` is whom the organiser lets write.
    """

    method: Method
    sender: str
    organiser: str
    attendees: frozenset[str]
    uid: str = field(repr=False)
    calendar: bytes = field(repr=False)
    sent_by: str | None = None

    @property
    def people(self) -> frozenset[str]:
        """Return the addresses of all who are on the entry."""
        return self.attendees | {self.organiser}


@dataclass(frozen=True, slots=True)
class MailPage:
    """Some messages: where the folder was read to with them, and whether there are more."""

    place: MailPlace
    mails: tuple[CalendarMail, ...] = ()
    looked_at: int = 0
    has_more: bool = False


class MailboxReader(Protocol):
    """One folder of one mailbox. Marks, moves and deletes nothing. Not shared between threads."""

    @property
    def name(self) -> str:
        """Return what tells this folder from others; holds no password."""

    def read(self, place: MailPlace) -> MailPage:
        """Return messages after `place`, some hundred at a time; from the start if it is no longer good.

        Raises ConnectorError.
        """

    def trim(self, mail: CalendarMail, ours: frozenset[str], rules: TagRules) -> str | None:
        """Return the calendar with times, states and `ours` alone, the tag as a mere fact; None if untagged.

        A reply needs no tag: it is of an entry that has one, or of none.
        """

    def check(self) -> int:
        """Log in, open the folder, and return how many messages it holds. Raises ConnectorError."""
