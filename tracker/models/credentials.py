"""What people consented to: the tokens of their own accounts, sealed, and consents that are under way."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.models.base import Base, UtcDateTime, word
from tracker.models.calendars import Provider


class CredentialStatus(StrEnum):
    """Whether the consent still holds. A refused one waits for the person to connect again."""

    ACTIVE = "active"
    REFUSED = "refused"
    REVOKED = "revoked"


class Credential(Base):
    """One person's consent at one provider, for one account.

    `refresh_token` and `access_token` are sealed by the vault and bound to this row. `version` counts the
    refreshes: whoever refreshes takes the lease (`leased_until`), asks the provider without a transaction,
    and writes only where the version is still the one that it read. `told_at` is when the person was told
    that the account has to be connected again: once for each refusal.
    """

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("person_id", "provider", "account"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    provider: Mapped[Provider] = mapped_column(word(Provider))
    account: Mapped[str] = mapped_column(String(320))  # lower case
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)  # granted ones, as the provider names them
    refresh_token: Mapped[str] = mapped_column(Text)
    access_token: Mapped[str | None] = mapped_column(Text)
    access_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[CredentialStatus] = mapped_column(word(CredentialStatus), default=CredentialStatus.ACTIVE)
    version: Mapped[int] = mapped_column(default=1)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def binding(self) -> str:
        """Return what the vault binds both tokens to; the row needs its id."""
        return f"credentials:{self.id}:{self.person_id}:{self.provider}"


class ConsentFlow(Base):
    """A consent under way: the provider will send the person back with `state`, of which the hash is kept.

    `memory` is what the connector has to know then (the PKCE verifier), sealed and bound to the state's hash.
    """

    __tablename__ = "consent_flows"

    id: Mapped[int] = mapped_column(primary_key=True)
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    provider: Mapped[Provider] = mapped_column(word(Provider))
    memory: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    @property
    def memory_binding(self) -> str:
        """Return what the vault binds `memory` to."""
        return f"consent_flows:{self.state_hash}"
