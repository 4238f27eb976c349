"""Single cells: what is meant is taken, what is not is told how to be written."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.ledger import Cadence, Unit
from tracker.services.importing.fields import (
    read_address,
    read_addresses,
    read_cadence,
    read_country,
    read_day,
    read_language,
    read_roles,
    read_zone,
)
from tracker.services.importing.tables import BadCell


@pytest.mark.parametrize(
    ("text", "cadence"),
    [
        ("weekly", (1, 1, "week")),
        ("Biweekly", (1, 2, "week")),
        (" monthly ", (1, 1, "month")),
        ("QUARTERLY", (1, 3, "month")),
        ("every 10 days", (1, 10, "day")),
        ("every 1 day", (1, 1, "day")),
        ("every week", (1, 1, "week")),
        ("Every  3  Weeks", (1, 3, "week")),
        ("every 2 month", (1, 2, "month")),
        ("2 times every 3 weeks", (2, 3, "week")),
        ("1 time every 1 month", (1, 1, "month")),
        ("31 times every 31 days", (31, 31, "day")),
        ("twice every month", (2, 1, "month")),
        ("7 times every week", (7, 1, "week")),
    ],
)
def test_it_reads_cadences(text: str, cadence: tuple[int, int, str]) -> None:
    sessions, every, unit = cadence
    assert read_cadence(text) == Cadence(sessions=sessions, every=every, unit=Unit(unit))


@pytest.mark.parametrize(
    "text",
    [
        "sometimes",
        "every 0 days",
        "every 367 days",
        "0 times every week",
        "32 times every 2 months",
        "8 times every week",
        "2 times every 1 day",
        "every -2 weeks",
        "every 1.5 weeks",
        "every 2 years",
        "weekly please",
        "2 times",
        "every ² weeks",
        "every 99999999999999999999 days",
    ],
)
def test_it_refuses_cadences_that_make_no_sense(text: str) -> None:
    with pytest.raises(BadCell):
        read_cadence(text)


@pytest.mark.parametrize(
    "text", ["2026-03-02", "2026-3-2", "2026/03/02", "2026.03.02", "2026-03-02 00:00:00", "2026-03-02T00:00"]
)
def test_it_reads_days_written_year_first(text: str) -> None:
    assert read_day(text) == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("02/03/2026", "Write 2026-02-03 or 2026-03-02"),
        ("25/12/2026", "Write 2026-12-25"),
        ("2.3.26", "Write 2026-02-03 or 2026-03-02"),
        ("46083", "2026-03-02"),
        ("2026-02-30", "not a day of the calendar"),
        ("0026-03-02", "Check the year"),
        ("20260302", "Write year, month and day"),
        ("2026-03-02 10:00", "Write year, month and day"),
        ("tomorrow", "Write year, month and day"),
        ("٢٠٢٦-٠٣-٠٢", ""),
    ],
)
def test_it_tells_how_to_write_a_day(text: str, hint: str) -> None:
    if not hint:
        assert read_day(text) == date(2026, 3, 2)
        return
    with pytest.raises(BadCell, match=hint):
        read_day(text)


@pytest.mark.parametrize("text", ["Europe/Madrid", "europe/madrid", "EUROPE/MADRID"])
def test_zones_are_known_in_any_case(text: str) -> None:
    assert read_zone(text) == "Europe/Madrid"


def test_zones_with_two_words_may_be_written_with_a_space() -> None:
    assert read_zone("America/New York") == "America/New_York"


@pytest.mark.parametrize(
    ("text", "meant"),
    [("Madrid", "Europe/Madrid"), ("Europe/Madird", "Europe/Madrid"), ("Europe/Bogota", "America/Bogota")],
)
def test_a_zone_that_is_none_is_told_the_near_one(text: str, meant: str) -> None:
    with pytest.raises(BadCell, match=f"Did you mean {meant}"):
        read_zone(text)


@pytest.mark.parametrize("text", ["localtime", "Factory", "GMT+25", "../../etc/passwd", "Mars/Olympus"])
def test_what_is_no_place_is_no_zone(text: str) -> None:
    with pytest.raises(BadCell):
        read_zone(text)


def test_countries_with_and_without_a_region() -> None:
    assert read_country("es") == ("ES", None)
    assert read_country("es-md") == ("ES", "MD")
    assert read_country("US_CA") == ("US", "CA")


@pytest.mark.parametrize(
    ("text", "hint"),
    [("Spain", "two letters"), ("XX", "two letters"), ("ES-XX", "ES-MD"), ("ES-Barcelona", "ES-CT")],
)
def test_a_country_that_is_none_is_told_the_valid_ones(text: str, hint: str) -> None:
    with pytest.raises(BadCell, match=hint):
        read_country(text)


def test_languages_may_carry_a_region() -> None:
    assert [read_language(t) for t in ("es", "EN", "es-CO", "en_GB")] == ["es", "en", "es", "en"]
    with pytest.raises(BadCell, match="en or es"):
        read_language("fr")


def test_roles_in_any_case_and_order() -> None:
    assert read_roles("HR, admin") == {"hr", "admin"}
    with pytest.raises(BadCell, match="boss"):
        read_roles("hr boss")


@pytest.mark.parametrize("text", ["ana@example.com", "ANA@Example.COM", "mailto:ana@example.com"])
def test_addresses_are_lower_case(text: str) -> None:
    assert read_address(text) == "ana@example.com"


@pytest.mark.parametrize(
    "text", ["ana", "@x.com", "ana@", "a b@x.com", "a@b@c.com", "ana@x..com", "<a@x.com>"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        read_address(text)


def test_further_addresses_may_be_separated_in_several_ways() -> None:
    assert read_addresses("a@x.com b@x.com; c@x.com,d@x.com") == {f"{c}@x.com" for c in "abcd"}


@given(st.text(max_size=60))
def test_no_text_at_all_makes_a_reader_stumble(text: str) -> None:
    for read in (read_address, read_cadence, read_country, read_day, read_language, read_roles, read_zone):
        with contextlib.suppress(BadCell):
            read(text or "x")
