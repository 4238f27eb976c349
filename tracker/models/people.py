"""People and the addresses that calendars know them by."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime

# RFC 2606: no mail ever arrives there.
ERASED_DOMAIN = "erased.invalid"


class Person(Base):
    """Somebody who takes part in a program, or runs it."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    language: Mapped[str] = mapped_column(String(8), default="en")
    country: Mapped[str | None] = mapped_column(String(2))
    subdivision: Mapped[str | None] = mapped_column(String(8))  # ISO 3166-2, without the country
    department: Mapped[str | None] = mapped_column(String(200))
    manager: Mapped[str | None] = mapped_column(String(320))
    is_hr: Mapped[bool] = mapped_column(default=False)
    is_admin: Mapped[bool] = mapped_column(default=False)
    # Part of every sign-in link: raising it makes all links that were sent before worthless.
    sign_in_version: Mapped[int] = mapped_column(default=0)
    snoozed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # no nudges before then
    nudges_off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # said no to all nudges
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    addresses: Mapped[list["PersonAddress"]] = relationship(
        back_populates="person", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def is_erased(self) -> bool:
        """Tell whether nothing is left of the person but a number."""
        return self.email.endswith(f"@{ERASED_DOMAIN}")

    @property
    def all_addresses(self) -> frozenset[str]:
        """Return the main address and all further ones, lower case."""
        return frozenset({self.email, *(a.email for a in self.addresses)})


class PersonAddress(Base):
    """A further address of a person. No two people share one."""

    __tablename__ = "person_addresses"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)

    person: Mapped[Person] = relationship(back_populates="addresses")
