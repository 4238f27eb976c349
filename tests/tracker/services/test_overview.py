"""All pairs at a glance: order, filters, pages, and which agreement is shown."""

from datetime import date, datetime, timedelta

import pytest

from tests.web.company import NOW, Company, utc
from tracker.models import Agreement, Pair
from tracker.services import overview
from tracker.services.overview import Filters, cards_of, count_by_health, export_rows, list_page


def names(company: Company, filters: Filters | None = None, page: int = 1) -> list[str]:
    with company.ports.store.read() as db:
        found = list_page(db, filters or Filters(), page, company.now)
    return [card.pair.mentor.name for card in found.cards]


def test_those_that_need_somebody_stand_first(company: Company) -> None:
    good = company.duo("Zoe On", "Ana Track")
    for day in ("08-18", "09-01", "09-15", "09-29", "10-13", "10-27", "11-10"):
        company.held(good.pair, good.calendars, utc(day))
    company.duo("Bea Off", "Ivo Track")
    unread = company.program("Unread")
    company.pair(unread, company.person("Ada Un"), company.person("Ian Known"))
    company.review()
    company.duo("New Comer", "Not Judged")
    assert names(company) == ["Bea Off", "Ada Un", "Zoe On", "New Comer"]


def test_of_two_off_track_the_longer_row_of_misses_comes_first(company: Company) -> None:
    some = company.duo("Ana Some", "Luis Some")
    company.held(some.pair, some.calendars, utc("09-15"))
    company.duo("Zoe All", "Ivo All")
    company.review()
    assert names(company) == ["Zoe All", "Ana Some"]


@pytest.mark.parametrize("search", ["nunez", "NÚÑEZ", "peña zoe", "zoe.nez", "  iker  "])
def test_it_finds_by_name_and_address_whatever_the_accents(company: Company, search: str) -> None:
    company.duo("Zoe Núñez Peña", "Iker Ochoa")
    company.duo("Ana Ruiz", "Luis Pérez")
    assert names(company, Filters(search=search)) == ["Zoe Núñez Peña"]


@pytest.mark.parametrize("search", ["%", "_", "\\", "' OR 1=1 --"])
def test_what_looks_like_a_pattern_is_searched_for_as_it_is(company: Company, search: str) -> None:
    company.duo()
    assert names(company, Filters(search=search)) == []


def test_it_filters_by_program_and_health(company: Company) -> None:
    first = company.duo("Ana Ruiz", "Luis Pérez")
    other = company.program("Other")
    company.pair(other, company.person("Eva Sol"), company.person("Leo Mar"))
    company.review()
    assert names(company, Filters(program_id=other.id)) == ["Eva Sol"]
    assert names(company, Filters(program_id=first.pair.program_id, health="off_track")) == ["Ana Ruiz"]
    assert names(company, Filters(program_id=other.id, health="off_track")) == []


def test_counts_heed_all_filters_but_the_one_by_health(company: Company) -> None:
    company.duo("Ana Ruiz", "Luis Pérez")
    company.review()
    company.duo("Eva Sol", "Leo Mar")
    with company.ports.store.read() as db:
        everything = count_by_health(db, Filters(health="ended"), company.now)
        one = count_by_health(db, Filters(search="eva"), company.now)
    assert everything == {"off_track": 1, "not_judged": 1}
    assert one == {"not_judged": 1}


def test_pages_hold_so_many_and_no_more(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "PAGE_SIZE", 2)
    for letter in "ABCDE":
        company.duo(f"{letter} Mentor", f"{letter} Mentee")
    assert names(company, page=1) == ["A Mentor", "B Mentor"]
    assert names(company, page=3) == ["E Mentor"]
    assert names(company, page=99) == ["E Mentor"]
    assert names(company, page=-1) == ["A Mentor", "B Mentor"]


def test_a_download_has_every_pair_once(company: Company) -> None:
    for letter in "ABC":
        company.duo(f"{letter} Mentor", f"{letter} Mentee")
    with company.ports.store.read() as db:
        rows = list(export_rows(db, Filters(), company.now))
    assert [(row.mentor, row.mentee) for row in rows] == [(f"{x} Mentor", f"{x} Mentee") for x in "ABC"]


def further_agreement(company: Company, pair: Pair, starts_on: date) -> None:
    with company.ports.store.write() as db:
        db.get_one(Pair, pair.id).agreements[0].ends_on = starts_on - timedelta(days=1)
        added = Agreement(starts_on=starts_on, ends_on=date(2027, 6, 30), timezone="UTC", created_at=NOW)
        added.pair_id, added.sessions, added.every, added.unit = pair.id, 1, 1, "month"
        db.add(added)


@pytest.mark.parametrize(
    ("starts_on", "shown"),
    [(date(2026, 11, 9), "month"), (date(2026, 12, 1), "week")],
    ids=["begun", "to come"],
)
def test_the_running_agreement_is_shown(company: Company, starts_on: date, shown: str) -> None:
    duo = company.duo()
    further_agreement(company, duo.pair, starts_on)
    company.review()
    with company.ports.store.read() as db:
        (card,) = list_page(db, Filters(), 1, company.now).cards
    assert card.agreement.unit == shown


def test_somebody_sees_the_own_pairs_and_no_others(company: Company) -> None:
    duo = company.duo()
    company.duo("Eva Sol", "Leo Mar")
    with company.ports.store.read() as db:
        cards = cards_of(db, duo.mentee, company.now)
        none = cards_of(db, company.person("Nobody Yet"), company.now)
    assert [card.pair.id for card in cards] == [duo.pair.id]
    assert none == []


def test_beats_lie_around_today(company: Company) -> None:
    duo = company.duo(starts_on=date(2025, 11, 17), ends_on=date(2027, 11, 17), every=1)
    company.review()
    with company.ports.store.read() as db:
        (card,) = cards_of(db, duo.mentor, company.now)
    assert len(card.beats) == overview.MARKS_IN_A_ROW
    assert [beat.place.value for beat in card.beats[-3:]] == ["now", "ahead", "ahead"]


def test_a_session_that_waits_for_an_answer_is_not_called_planned(company: Company) -> None:
    duo = company.duo()
    start: datetime = utc("11-17")
    company.meeting(duo.pair, duo.calendars, (utc("11-01"), start, "confirmed"))
    company.review()
    with company.ports.store.read() as db:
        (card,) = cards_of(db, duo.mentor, company.now)
    marks = {str(beat.starts_on): beat.mark.name for beat in card.beats}
    assert marks["2026-11-02"] == "awaiting"
