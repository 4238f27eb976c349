"""Days off: the public ones of a country and region, and the company's own from a file."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from tracker.errors import BadInput
from tracker.models import AuditEntry, CompanyHoliday, Pair, Person, Program
from tracker.services.audit import Act
from tracker.services.holidays import public_holidays, regions_by_country
from tracker.services.importing.company_days import import_company_days
from tracker.services.importing.people import Imported
from tracker.services.importing.tables import File
from tracker.store import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
DAYS = "date,name,country\n2026-12-24,Christmas Eve,\n2026-05-15,San Isidro,ES-MD\n2026-12-07,Puente,es\n"


def test_public_holidays_follow_from_country_and_region() -> None:
    may = (date(2026, 5, 1), date(2026, 5, 31))
    assert public_holidays("ES", None, *may) == {date(2026, 5, 1)}
    assert public_holidays("ES", "MD", *may) == {date(2026, 5, 1), date(2026, 5, 2)}


def test_a_span_over_new_year_has_the_days_of_both_years() -> None:
    days = public_holidays("CO", None, date(2025, 12, 25), date(2026, 1, 1))
    assert days == {date(2025, 12, 25), date(2026, 1, 1)}


@pytest.mark.parametrize(("country", "region"), [(None, None), ("", None), ("XX", None)])
def test_an_unknown_country_has_none(country: str | None, region: str | None) -> None:
    assert public_holidays(country, region, date(2026, 1, 1), date(2026, 12, 31)) == frozenset()


def test_a_region_that_is_unknown_still_has_its_countrys_days() -> None:
    assert date(2026, 5, 1) in public_holidays("ES", "ZZ", date(2026, 5, 1), date(2026, 5, 31))


def test_every_region_fits_its_column() -> None:
    assert all(len(r) <= 8 for regions in regions_by_country().values() for r in regions)


def _take(store: Store, text: str, now: datetime = NOW) -> Imported:
    with store.write() as db:
        return import_company_days(db, File("days.csv", text.encode()), Act(None, "command", now))


def _days(store: Store) -> list[tuple[date, str, str, str]]:
    with store.read() as db:
        rows = db.scalars(select(CompanyHoliday).order_by(CompanyHoliday.day))
        return [(r.day, r.name, r.country, r.subdivision) for r in rows]


def test_the_companys_days_are_imported_once(store: Store) -> None:
    assert _take(store, DAYS).added == 3
    assert _days(store) == [
        (date(2026, 5, 15), "San Isidro", "ES", "MD"),
        (date(2026, 12, 7), "Puente", "ES", ""),
        (date(2026, 12, 24), "Christmas Eve", "", ""),
    ]
    assert _take(store, DAYS).unchanged == 3
    assert _take(store, DAYS.replace("Puente", "Bridge")).changed == 1


def test_a_bad_line_keeps_all_days_out(store: Store) -> None:
    with pytest.raises(BadInput) as caught:
        _take(store, DAYS + "24/12/2026,Eve,\n2026-12-24,Again,\n2026-01-01,,\n2026-01-02,X,Narnia\n")
    assert [p.partition(":")[0] for p in caught.value.problems] == [
        "days.csv, line 5, date",
        "days.csv, line 6, date",
        "days.csv, line 7, name",
        "days.csv, line 8, country",
    ]
    assert _days(store) == []


@pytest.fixture
def pair_id(store: Store) -> int:
    """A pair of somebody in Spain and somebody in Colombia, judged for good."""
    with store.write() as db:
        people = [Person(email=f"{c}@x.com", name=c, country=c.upper(), created_at=NOW) for c in ("es", "co")]
        db.add_all([program := Program(name="P", created_at=NOW), *people])
        db.flush()
        pair = Pair(program_id=program.id, mentor_id=people[0].id, mentee_id=people[1].id, created_at=NOW)
        db.add(pair)
        db.flush()
        return pair.id


@pytest.mark.parametrize(("country", "is_due"), [("", True), ("CO", True), ("CO-XX", None), ("FR", False)])
def test_pairs_that_a_new_day_bears_on_are_judged_again(
    store: Store, pair_id: int, country: str, is_due: bool | None
) -> None:
    if is_due is None:
        with pytest.raises(BadInput):
            _take(store, f"date,name,country\n2026-06-01,Day,{country}\n", LATER)
        return
    _take(store, f"date,name,country\n2026-06-01,Day,{country}\n", LATER)
    with store.read() as db:
        assert (db.get_one(Pair, pair_id).review_due_at == LATER) is is_due


def test_each_day_is_noted(store: Store) -> None:
    _take(store, DAYS)
    with store.read() as db:
        acts = db.scalars(select(AuditEntry.subject).where(AuditEntry.act == "company_day.added")).all()
    assert sorted(acts) == ["day:2026-05-15", "day:2026-12-07", "day:2026-12-24"]
