"""Days, times and names as people say them, in both languages."""

from datetime import UTC, date, datetime

import pytest

from tracker.wording import HEALTH_WORDS, MARKS, Reader, language_of, mark_of

EN, ES = Reader("en", "America/Bogota"), Reader("es", "America/Bogota")
TODAY = date(2026, 11, 18)


@pytest.mark.parametrize(
    ("day", "en", "es"),
    [
        (date(2026, 11, 18), "today", "hoy"),
        (date(2026, 11, 17), "yesterday", "ayer"),
        (date(2026, 11, 19), "tomorrow", "mañana"),
        (date(2026, 11, 12), "on Thursday", "el jueves"),
        (date(2026, 11, 11), "on Wednesday 11 November", "el miércoles 11 de noviembre"),
        (date(2025, 12, 30), "on Tuesday 30 December 2025", "el martes 30 de diciembre de 2025"),
        (date(2026, 11, 24), "on Tuesday 24 November", "el martes 24 de noviembre"),
    ],
)
def test_a_day_is_called_what_people_call_it(day: date, en: str, es: str) -> None:
    assert (EN.on_day(day, TODAY), ES.on_day(day, TODAY)) == (en, es)


def test_the_session_of_a_day() -> None:
    assert [ES.of_day(date(2026, 11, d), TODAY) for d in (17, 12)] == ["de ayer", "del jueves"]


@pytest.mark.parametrize(
    ("first", "last", "en", "es"),
    [
        (date(2026, 1, 12), date(2026, 1, 25), "12–25 January", "12–25 de enero"),
        (date(2026, 1, 26), date(2026, 2, 8), "26 January – 8 February", "26 de enero – 8 de febrero"),
        (date(2026, 1, 26), date(2026, 1, 26), "26 January", "26 de enero"),
    ],
)
def test_a_span_of_days(first: date, last: date, en: str, es: str) -> None:
    assert (EN.span(first, last), ES.span(first, last)) == (en, es)


def test_times_are_on_the_readers_clock() -> None:
    at = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
    assert EN.moment(at, TODAY) == "Tuesday 17 November, 21:30"
    assert Reader("en", "Asia/Tokyo").moment(at, TODAY) == "Wednesday 18 November, 11:30"


@pytest.mark.parametrize(
    ("terms", "en", "es"),
    [
        ((1, 2, "week"), "every two weeks", "cada dos semanas"),
        ((2, 1, "month"), "twice every month", "dos veces cada mes"),
        ((3, 10, "day"), "3 times every 10 days", "3 veces cada 10 días"),
    ],
)
def test_a_cadence(terms: tuple[int, int, str], en: str, es: str) -> None:
    assert (EN.cadence(*terms), ES.cadence(*terms)) == (en, es)


@pytest.mark.parametrize(
    ("names", "es"),
    [
        (("Ana", "Luis"), "Ana y Luis"),
        (("Ana", "Irene"), "Ana e Irene"),
        (("Ana", "Hilda"), "Ana e Hilda"),
        (("Ana", "Íñigo"), "Ana e Íñigo"),
        (("Ana", "Hierro"), "Ana y Hierro"),
    ],
)
def test_spanish_says_e_before_an_i(names: tuple[str, str], es: str) -> None:
    assert ES.both(*names) == es


def test_every_mark_and_health_has_a_spanish_word() -> None:
    words = [mark.word for mark in MARKS.values()] + list(HEALTH_WORDS.values())
    assert [word for word in words if ES.say(word) == word] == []


def test_having_met_on_a_new_date_has_a_mark_of_its_own() -> None:
    assert mark_of("met", "rescheduled").name == "met_rescheduled"
    assert mark_of("met", "late").name == "met"


@pytest.mark.parametrize(
    ("wanted", "given"), [("es-CO", "es"), ("ES_mx", "es"), ("de", "en"), ("", "en"), (None, "en")]
)
def test_the_nearest_language(wanted: str | None, given: str) -> None:
    assert language_of(wanted) == given
