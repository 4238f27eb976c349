"""Connected calendars, the copies of sessions that they show, and what each copy said when."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.events import CopyRole, EventKind, EventStatus, TagRule
from tracker.models.base import Base, UtcDateTime, word
from tracker.models.people import Person


class Provider(StrEnum):
    """Who keeps the calendar."""

    ICAL = "ical"
    GOOGLE = "google"
    OUTLOOK = "outlook"
    MAILBOX = "mailbox"  # the invitations that reached the program's own address


class CalendarStatus(StrEnum):
    """Whether the calendar is read. A disconnected one keeps its last reading: its pairs go stale."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class Calendar(Base):
    """A calendar of one person.

    `address` (a path, a feed's URL, an account) and `cursor` are sealed by the vault.
    `last_read_at` is the last time that the calendar was read to its end: nothing later is known of it.
    `problem` is the code of the last failure, None after a good reading. `scope` is the hash of what was
    asked for (the window, the rules): a cursor is good for that alone. A reading that would have removed
    `removals_held` sessions is not applied until a person accepts so many (`removals_accepted`).
    `credential_id` is the owner's own consent; without one the company's access is used. `claims` counts the
    readings that were begun and never ended: a calendar that kills its reader must not do so for ever. No
    import changes what its owner connected or disconnected (`is_owners`). `records_refused_at` is when its
    provider last said that we may not ask who was in an online meeting. Of the time before `shows_from` the
    calendar could not tell at its first reading; None: it tells of all its past.
    """

    __tablename__ = "calendars"
    __table_args__ = (UniqueConstraint("person_id", "provider", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    provider: Mapped[Provider] = mapped_column(word(Provider))
    fingerprint: Mapped[str] = mapped_column(
        String(64)
    )  # of the address, to find it again without opening it
    address: Mapped[str] = mapped_column(Text)
    cursor: Mapped[str | None] = mapped_column(Text)
    status: Mapped[CalendarStatus] = mapped_column(word(CalendarStatus), default=CalendarStatus.CONNECTED)
    connected_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disconnected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    problem: Mapped[str | None] = mapped_column(String(40))
    failures: Mapped[int] = mapped_column(default=0)
    scope: Mapped[str] = mapped_column(String(64), default="")
    removals_held: Mapped[int] = mapped_column(default=0)
    removals_accepted: Mapped[int] = mapped_column(default=0)
    looked_at: Mapped[int] = mapped_column(default=0)
    kept: Mapped[int] = mapped_column(default=0)
    set_aside: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    credential_id: Mapped[int | None] = mapped_column(ForeignKey("credentials.id", ondelete="SET NULL"))
    reads_absences: Mapped[bool] = mapped_column(default=False)  # the owner lets days away be read from it
    claims: Mapped[int] = mapped_column(default=0)
    records_refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_owners: Mapped[bool] = mapped_column(default=False)  # its owner connected or disconnected it last
    shows_from: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship()

    @property
    def address_binding(self) -> str:
        """Return what the vault binds `address` to: nobody's address opens as somebody else's."""
        return address_binding(self.person_id)

    @property
    def cursor_binding(self) -> str:
        """Return what the vault binds `cursor` to."""
        return cursor_binding(self.person_id)


def address_binding(person_id: int) -> str:
    """Return what the vault binds the addresses of that person's calendars to."""
    return f"calendars.address:{person_id}"


def cursor_binding(person_id: int) -> str:
    """Return what the vault binds the cursors of that person's calendars to."""
    return f"calendars.cursor:{person_id}"


class Copy(Base):
    """One tagged occurrence as one calendar shows it: the newest state of a CalendarEvent.

    `slot` names the occurrence among all calendars: the entry's lineage and its original start. A copy that
    the calendar no longer shows has `gone_at`; that alone never cancels a session. All-day copies keep their
    dates as midnights in UTC; which instants these are depends on the pair that reads them.
    """

    __tablename__ = "copies"
    __table_args__ = (
        UniqueConstraint("calendar_id", "provider_event_id"),
        Index("ix_copies_slot", "slot"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendars.id", ondelete="CASCADE"))
    provider_event_id: Mapped[str] = mapped_column(String(1024))
    slot: Mapped[str] = mapped_column(String(64))  # hash of lineage and original start
    lineage: Mapped[str] = mapped_column(String(64))  # hash: what ties the occurrences of a series together
    slot_at: Mapped[datetime] = mapped_column(UtcDateTime)  # the original start
    kind: Mapped[EventKind] = mapped_column(word(EventKind))
    role: Mapped[CopyRole] = mapped_column(word(CopyRole))
    tag_rule: Mapped[TagRule] = mapped_column(word(TagRule))
    # Of the people on the entry, the calendar's owner and whom the owner is paired with; nobody else.
    organiser_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    people: Mapped[list[int]] = mapped_column(JSON, default=list)
    sequence: Mapped[int | None]
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[str] = mapped_column(String(64))
    status: Mapped[EventStatus] = mapped_column(word(EventStatus))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    all_day: Mapped[bool] = mapped_column(default=False)
    conference: Mapped[str | None] = mapped_column(String(255))
    asks_pair: Mapped[bool] = mapped_column(default=False)  # it may be of several pairs of the owner's
    pair_choice: Mapped[int | None] = mapped_column(ForeignKey("pairs.id", ondelete="SET NULL"))  # the answer
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reference: Mapped[str | None] = mapped_column(String(80), index=True)  # of the booking that made it
    issues: Mapped[list[str]] = mapped_column(JSON, default=list)

    calendar: Mapped[Calendar] = relationship()
    observations: Mapped[list["CopyObservation"]] = relationship(
        back_populates="copy", order_by="CopyObservation.at, CopyObservation.id", cascade="all, delete-orphan"
    )


class CopyObservation(Base):
    """What one copy said from one moment on. Rows are added, never changed.

    `at` is the provider's own stamp where there is one, else the moment of the sync; `seen_at` is always
    the moment of the sync. At first sight a calendar tells when the entry was made and how it is now, not how
    it was in between: such an observation is dated back to `at`, and sure only from `sure_from` on.
    `by_organiser` is True where the copy tells that the organiser cancelled.
    """

    __tablename__ = "observations"

    id: Mapped[int] = mapped_column(primary_key=True)
    copy_id: Mapped[int] = mapped_column(ForeignKey("copies.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    sure_from: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    all_day: Mapped[bool] = mapped_column(default=False)
    status: Mapped[EventStatus] = mapped_column(word(EventStatus))
    responses: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # id of a person -> response
    by_organiser: Mapped[bool] = mapped_column(default=False)

    copy: Mapped[Copy] = relationship(back_populates="observations")
