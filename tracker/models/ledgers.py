"""The latest ledger of every agreement, and the history of its verdicts."""

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.models.base import Base, UtcDateTime
from tracker.models.pairs import Agreement


class LedgerRow(Base):
    """The ledger as it was judged last: the document, and the columns that lists sort and filter by."""

    __tablename__ = "ledgers"

    agreement_id: Mapped[int] = mapped_column(
        ForeignKey("agreements.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    judged_at: Mapped[datetime] = mapped_column(UtcDateTime)
    health: Mapped[str] = mapped_column(String(16), index=True)
    due: Mapped[int]
    met: Mapped[int]
    consecutive_missed: Mapped[int]
    next_session_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The last column: what lists read stands before it, and SQLite need not read past it.
    document: Mapped[bytes] = mapped_column(LargeBinary)  # JSON of tracker.ledger.Ledger

    agreement: Mapped[Agreement] = relationship()


class EvidenceMemo(Base):
    """The sessions of an agreement as they were merged last; it may be lost at any moment.

    Most reviews are due by the clock alone: nothing happened, but a period ended. `stamp` says of which
    version of the pair's evidence, and by which code, it was made; under another stamp it is worth nothing.
    """

    __tablename__ = "evidence_memos"

    agreement_id: Mapped[int] = mapped_column(
        ForeignKey("agreements.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    stamp: Mapped[str] = mapped_column(String(40))
    sessions: Mapped[bytes] = mapped_column(LargeBinary)  # msgpack of tracker.ledger.Session, several


class VerdictChange(Base):
    """A period's verdict became this one at `at`. Rows are added, never changed.

    What a digest calls new is what changed here since the last one, so that a miss which came to light late
    (a calendar that could not be read for weeks) is told once, and is told. `planned` and `open`, which come
    and go with time alone, are kept only where they take back something that was said before.
    """

    __tablename__ = "verdict_changes"
    __table_args__ = (Index("ix_verdict_changes_agreement_id_starts_on", "agreement_id", "starts_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id", ondelete="CASCADE"))
    starts_on: Mapped[date]
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(16))
    missed_by: Mapped[list[str]] = mapped_column(JSON, default=list)
