"""What the two say of a missed period in a line of their own, for HR. Never changes a verdict."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput, NotAllowed
from tracker.ledger import PeriodVerdict, decode_ledger
from tracker.models import Agreement, LedgerRow, Person, Remark
from tracker.services.audit import Act, record
from tracker.services.confirm import side_of
from tracker.wording import N_

LONGEST = 280


@dataclass(frozen=True, slots=True)
class About:
    """The period that is spoken of, by the first day of it."""

    agreement_id: int
    starts_on: date


def find_period(db: OrmSession, about: About) -> PeriodVerdict | None:
    """Return the period as it was judged last, None where the agreement has no such period."""
    row = db.get(LedgerRow, about.agreement_id)
    periods = decode_ledger(row.document).periods if row else ()
    return next((period for period in periods if period.starts_on == about.starts_on), None)


def leave_remark(db: OrmSession, about: About, text: str, *, by: Person, act: Act) -> None:
    """Keep what `by` says of the period, in place of what they said before.

    An empty text takes it back. Raises NotAllowed where the agreement is not theirs or has no such period,
    BadInput for more than 280 characters.
    """
    agreement = db.get(Agreement, about.agreement_id)
    side = side_of(agreement.pair, by) if agreement else None
    if side is None or find_period(db, about) is None:
        raise NotAllowed(f"agreement {about.agreement_id} is not theirs, or has no such period")
    text = " ".join(text.split())
    if len(text) > LONGEST:
        raise BadInput(N_("Please say it in fewer words."))
    place = {"agreement_id": about.agreement_id, "starts_on": about.starts_on, "side": side.value}
    db.execute(delete(Remark).filter_by(**place))
    if text:
        db.add(Remark(**place, text=text, at=act.at))
    what = "remark.left" if text else "remark.taken_back"
    record(db, act, what, f"agreement:{about.agreement_id}", starts_on=about.starts_on.isoformat())


def load_remarks(db: OrmSession, agreement_ids: Collection[int]) -> list[Remark]:
    """Return what was said of these agreements' periods, by period and side."""
    said = select(Remark).where(Remark.agreement_id.in_(agreement_ids))
    return list(db.scalars(said.order_by(Remark.starts_on, Remark.side, Remark.id)))
