"""Importing the company's own days off: all of a file or nothing, and a second time without any change.

A file adds days and changes their names; it never takes one away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.models import CompanyHoliday, Pair, Person
from tracker.services.audit import Act, Entry, record_all
from tracker.services.connections import pairs_of
from tracker.services.importing.fields import read_country, read_day, read_text
from tracker.services.importing.people import Imported
from tracker.services.importing.tables import Columns, File, Problems, Row, read_table
from tracker.services.review import touch_pairs

COLUMNS = Columns(known=("date", "name", "country"), required=("date", "name"))


@dataclass(frozen=True, slots=True)
class _Day:
    """A day off, and where: `country` empty means everywhere, `subdivision` empty the whole country."""

    day: date
    country: str
    subdivision: str


@dataclass(frozen=True, slots=True)
class _Named:
    line: int
    name: str


def import_company_days(db: OrmSession, file: File, act: Act) -> Imported:
    """Import `date,name,country`; an empty country means everywhere, `ES-MD` one region.

    Raises BadInput with every problem of the file, and then has changed nothing.
    """
    table = read_table(file, COLUMNS)
    days: dict[_Day, _Named] = {}
    for row in table.rows:
        _take(row, days, table.problems)
    table.problems.raise_any()
    known = {
        _Day(d.day, d.country, d.subdivision): d
        for d in db.scalars(select(CompanyHoliday).order_by(CompanyHoliday.id))
    }
    new = [day for day in days if day not in known]
    renamed = [day for day, named in days.items() if day in known and known[day].name != named.name]
    _add(db, {day: days[day].name for day in new}, act)
    if renamed:
        db.execute(update(CompanyHoliday), [{"id": known[d].id, "name": days[d].name} for d in renamed])
    record_all(db, act, [_entry("company_day.renamed", day) for day in renamed])
    return Imported(len(new), len(renamed), len(days) - len(new) - len(renamed))


def _take(row: Row, days: dict[_Day, _Named], problems: Problems) -> None:
    on, name = problems.take(row, "date", read_day), problems.take(row, "name", read_text)
    place = problems.take(row, "country", read_country)
    if on is None or name is None or (place is None and row["country"]):
        return
    country, subdivision = place or ("", None)
    day = _Day(on, country, subdivision or "")
    if first := days.get(day):
        problems.add(row.line, "date", f"{on} stands in line {first.line} already for the same country.")
    else:
        days[day] = _Named(row.line, name)


def _add(db: OrmSession, names: dict[_Day, str], act: Act) -> None:
    if not names:
        return
    rows = [
        {"day": d.day, "name": name, "country": d.country, "subdivision": d.subdivision}
        for d, name in names.items()
    ]
    db.execute(insert(CompanyHoliday), rows)
    record_all(db, act, [_entry("company_day.added", day) for day in names])
    touch_pairs(db, _pairs_in(db, {d.country for d in names}), act.at)


def _entry(what: str, day: _Day) -> Entry:
    where = "-".join(filter(None, (day.country, day.subdivision)))
    return what, f"day:{day.day}", {"country": where}


def _pairs_in(db: OrmSession, countries: Iterable[str]) -> list[int]:
    wanted = set(countries)
    if "" in wanted:
        return list(db.scalars(select(Pair.id)))
    return pairs_of(
        db, db.scalars(select(Person.id).where(or_(*(Person.country == c for c in sorted(wanted)))))
    )
