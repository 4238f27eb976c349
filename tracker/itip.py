"""An invitation by mail (iTIP, RFC 5546), as plain values. How it is written down is the mail's affair."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tracker.ports import Invitee


class Method(StrEnum):
    """What the invitation asks of a calendar (RFC 5546, 3.2): to take the entry in, or to cross it out."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Invitation:
    """One state of a session. `uid` never changes and `sequence` grows; `organiser` gets the answers.

    `sent_by` is the address that the mail comes from, where that is another one than the organiser's.
    """

    method: Method
    uid: str
    sequence: int
    reference: str
    title: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime
    organiser: Invitee
    invitees: tuple[Invitee, ...]
    written_at: datetime
    sent_by: str | None = None
