"""Days on which the two of a pair need not meet: leave, pauses, public holidays and the company's own.

Never tells which holiday it is, nor why somebody is on leave.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import among
from tracker.ledger import Absence as Days
from tracker.ledger import AbsenceKind, Away
from tracker.models import Absence, CompanyHoliday
from tracker.services.holidays import public_holidays

_DAY = timedelta(days=1)
_Runs = tuple[Days, ...]


class Region(NamedTuple):
    """Where somebody works, as far as holidays go."""

    country: str | None = None
    subdivision: str | None = None


class Twosome(NamedTuple):
    """The two of a pair, for finding their absences."""

    pair_id: int
    mentor_id: int
    mentee_id: int
    mentor_region: Region
    mentee_region: Region


@dataclass(frozen=True, slots=True)
class Calendar:
    """All absences of a number of pairs: `leave` by person, `pauses` by pair, `company` days with regions."""

    leave: dict[int, list[Absence]]
    pauses: dict[int, list[Absence]]
    company: tuple[tuple[date, str, str], ...]

    def of(self, two: Twosome, first: date, last: date) -> _Runs:
        """Return the absences of the two from `first` to `last`, as few runs of days as there can be."""
        runs = _holidays(two.mentor_region, two.mentee_region, self.company, (first, last))
        for absences, who in (
            (self.leave.get(two.mentor_id), Away.MENTOR),
            (self.leave.get(two.mentee_id), Away.MENTEE),
            (self.pauses.get(two.pair_id), Away.BOTH),
        ):
            if absences:
                runs = (*runs, *_told(absences, who, first, last))
        return runs


def load_absences(db: OrmSession, person_ids: Collection[int], pair_ids: Collection[int]) -> Calendar:
    """Read the absences of these people and pairs."""
    leave: dict[int, list[Absence]] = defaultdict(list)
    pauses: dict[int, list[Absence]] = defaultdict(list)
    wanted = or_(among(db, Absence.person_id, person_ids), among(db, Absence.pair_id, pair_ids))
    for absence in db.scalars(select(Absence).where(wanted).order_by(Absence.starts_on, Absence.id)):
        if absence.person_id is not None:
            leave[absence.person_id].append(absence)
        elif absence.pair_id is not None:
            pauses[absence.pair_id].append(absence)
    own = select(CompanyHoliday.day, CompanyHoliday.country, CompanyHoliday.subdivision)
    days = db.execute(own.order_by(CompanyHoliday.day, CompanyHoliday.id))
    return Calendar(leave, pauses, tuple((d.day, d.country, d.subdivision) for d in days))


def _told(absences: Sequence[Absence], who: Away, first: date, last: date) -> Iterator[Days]:
    for absence in absences:
        if absence.starts_on <= last and absence.ends_on >= first:
            yield Days(
                who=who,
                first_on=absence.starts_on,
                last_on=absence.ends_on,
                kind=AbsenceKind(absence.kind),
            )


@lru_cache(maxsize=4096)
def _holidays(
    mentor: Region, mentee: Region, company: tuple[tuple[date, str, str], ...], term: tuple[date, date]
) -> _Runs:
    # Thousands of pairs share their two countries and their term.
    of_mentor, of_mentee = (_days_off(region, company, term) for region in (mentor, mentee))
    return (
        *_runs(of_mentor & of_mentee, Away.BOTH),
        *_runs(of_mentor - of_mentee, Away.MENTOR),
        *_runs(of_mentee - of_mentor, Away.MENTEE),
    )


def _days_off(
    region: Region, company: tuple[tuple[date, str, str], ...], term: tuple[date, date]
) -> frozenset[date]:
    own = {
        day
        for day, country, subdivision in company
        if term[0] <= day <= term[1]
        and country in ("", region.country)
        and subdivision in ("", region.subdivision)
    }
    return public_holidays(region.country, region.subdivision, *term) | own


def _runs(days: frozenset[date], who: Away) -> Iterator[Days]:
    ordered = sorted(days)
    firsts = [day for day in ordered if day - _DAY not in days]
    lasts = [day for day in ordered if day + _DAY not in days]
    for first, last in zip(firsts, lasts, strict=True):
        yield Days(who=who, first_on=first, last_on=last, kind=AbsenceKind.HOLIDAY)
