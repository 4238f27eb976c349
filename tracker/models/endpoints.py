"""Where a program's news go besides mail: a channel of Slack or Teams, or a program of the company's own."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime, word
from tracker.models.pairs import Program


class EndpointKind(StrEnum):
    """How it wants to be spoken to."""

    SLACK = "slack"
    TEAMS = "teams"
    WEBHOOK = "webhook"


class EndpointEvent(StrEnum):
    """What an endpoint can be told of."""

    VERDICT_CHANGED = "verdict.changed"
    DIGEST_READY = "digest.ready"
    TEST = "test"


class Endpoint(Base):
    """One address that a program's events go to.

    `url` and the secrets are sealed by the vault. A secret that was replaced signs too until
    `old_secret_until`. All changes of verdicts up to `told_until`, and at that instant up to the row
    `told_change_id`, have been put into the outbox.
    """

    __tablename__ = "endpoints"
    __table_args__ = (UniqueConstraint("program_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("programs.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[EndpointKind] = mapped_column(word(EndpointKind))
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(Text)  # None for chats: their address is their secret
    old_secret: Mapped[str | None] = mapped_column(Text)
    old_secret_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    events: Mapped[list[str]] = mapped_column(JSON, default=list)
    language: Mapped[str] = mapped_column(String(8), default="en")
    told_until: Mapped[datetime] = mapped_column(UtcDateTime)
    told_change_id: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    program: Mapped[Program] = relationship()

    @property
    def lane(self) -> str:
        """Return the name under which its deliveries wait and pause."""
        return f"endpoint:{self.id}"

    @property
    def binding(self) -> str:
        """Return what the vault binds the address and the secrets to."""
        return f"endpoints:{self.program_id}:{self.name}"
