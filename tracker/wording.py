"""The words of the product in English and Spanish: catalogue, marks and their names, days and times.

Site, mails and pictures take them from here, so that one thing has one name everywhere. Never decides
anything: it names what the ledger said.
"""

import gettext
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_timezone_location

CATALOGUE = Path(__file__).parent / "translations"
LANGUAGES = {"en": "English", "es": "Español"}


def N_(text: str) -> str:
    """Mark `text` for the catalogue; it is translated where it is shown."""
    return text


@lru_cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Return the translations for `language`; English, the source, needs none."""
    return gettext.translation("messages", CATALOGUE, [language], fallback=True)


@dataclass(frozen=True, slots=True)
class Mark:
    """How a verdict looks everywhere: `name` is the shape in the sprite, `word` the English for it."""

    name: str
    word: str


MARKS = {
    "met": Mark("met", N_("Met")),
    "met_rescheduled": Mark("met_rescheduled", N_("Met on a new date")),
    "planned": Mark("planned", N_("Planned")),
    "open": Mark("open", N_("Nothing planned yet")),
    "awaiting": Mark("awaiting", N_("Waiting for an answer")),
    "unconfirmed": Mark("unconfirmed", N_("Nobody said")),
    "disputed": Mark("disputed", N_("You see it differently")),
    "rescheduled": Mark("rescheduled", N_("New date set")),
    "excused": Mark("excused", N_("Excused")),
    "unknown": Mark("unknown", N_("Not known: calendar not readable")),
    "missed": Mark("missed", N_("Missed, not rescheduled")),
}

HEALTH_WORDS = {
    "not_started": N_("Not started"),
    "ended": N_("Ended"),
    "unknown": N_("Not known"),
    "off_track": N_("Off track"),
    "at_risk": N_("Needs attention"),
    "on_track": N_("On track"),
}


def mark_of(verdict: str, reason: str | None = None) -> Mark:
    """Return the mark of a period's verdict; `reason` tells apart the two ways of having met."""
    return MARKS["met_rescheduled" if (verdict, reason) == ("met", "rescheduled") else verdict]


PERIOD_WORDS = {
    (1, "day"): N_("this day"),
    (1, "week"): N_("this week"),
    (7, "day"): N_("this week"),
    (2, "week"): N_("this fortnight"),
    (14, "day"): N_("this fortnight"),
    (1, "month"): N_("this month"),
    (3, "month"): N_("this quarter"),
    (12, "month"): N_("this year"),
}

CADENCE_WORDS = {
    (1, "day"): N_("every day"),
    (1, "week"): N_("every week"),
    (2, "week"): N_("every two weeks"),
    (1, "month"): N_("every month"),
    (3, "month"): N_("every three months"),
}

_PATTERNS = {
    "en": {
        "weekday": "EEEE",
        "day": "EEEE d MMMM",
        "dated": "EEEE d MMMM y",
        "plain": "d MMMM y",
        "bare": "d MMMM",
    },
    "es": {
        "weekday": "EEEE",
        "day": "EEEE d 'de' MMMM",
        "dated": "EEEE d 'de' MMMM 'de' y",
        "plain": "d 'de' MMMM 'de' y",
        "bare": "d 'de' MMMM",
    },
}
_SPANS = {
    "en": ("{0}–{1} {2}", "{0} {1} – {2} {3}"),
    "es": ("{0}–{1} de {2}", "{0} de {1} – {2} de {3}"),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose eyes a text is for. Says words, days and times as this person reads them.

    `timezone` is an IANA name; every instant is shown in it.
    """

    language: str = "en"
    timezone: str = "UTC"

    def say(self, text: str, **values: object) -> str:
        """Return `text` translated, with its %(named)s places filled."""
        said = catalogue(self.language).gettext(text)
        return said % values if values else said

    def local(self, at: datetime) -> datetime:
        """Return the instant on this person's wall clock."""
        return at.astimezone(ZoneInfo(self.timezone))

    def weekday(self, day: date) -> str:
        """Return "Tuesday"."""
        return self._date(day, "weekday")

    def day(self, day: date, today: date) -> str:
        """Return "Tuesday 10 November", with the year where it is not this one."""
        return self._date(day, "day" if day.year == today.year else "dated")

    def full_day(self, day: date) -> str:
        """Return "10 November 2026"."""
        return self._date(day, "plain")

    def short_day(self, day: date) -> str:
        """Return "10 Nov"."""
        return format_date(day, "d MMM", locale=self.language)

    def month(self, day: date) -> str:
        """Return "Nov"."""
        return format_date(day, "LLL", locale=self.language)

    def on_day(self, day: date, today: date) -> str:
        """Return "today", "yesterday", "on Tuesday", or "on Tuesday 10 November" where it is long ago."""
        ago = (today - day).days
        if ago in (0, 1, -1):
            return self.say({0: N_("today"), 1: N_("yesterday"), -1: N_("tomorrow")}[ago])
        said = self.weekday(day) if 0 < ago < 7 else self.day(day, today)
        return self.say(N_("on %(day)s"), day=said)

    def of_day(self, day: date, today: date) -> str:
        """Return which session is meant: "on Tuesday" in English, "del martes" in Spanish."""
        said = self.on_day(day, today)
        if self.language != "es":
            return said
        return f"d{said}" if said.startswith("el ") else f"de {said}"

    def hour(self, at: datetime) -> str:
        """Return "10:00"."""
        return self.local(at).strftime("%H:%M")

    def hours(self, start: datetime, end: datetime) -> str:
        """Return "10:00–10:45"."""
        return f"{self.hour(start)}–{self.hour(end)}"

    def moment(self, at: datetime, today: date) -> str:
        """Return "Tuesday 10 November, 10:00"."""
        return f"{self.day(self.local(at).date(), today)}, {self.hour(at)}"

    def span(self, first: date, last: date) -> str:
        """Return "12–25 January" or "26 January – 8 February" (both days are included)."""
        same, apart = _SPANS[self.language]
        months = [format_date(d, "MMMM", locale=self.language) for d in (first, last)]
        if first == last:
            return self._date(first, "bare")
        if (first.year, first.month) == (last.year, last.month):
            return same.format(first.day, last.day, months[1])
        return apart.format(first.day, months[0], last.day, months[1])

    def both(self, one: str, other: str) -> str:
        """Return "Ana and Luis"; Spanish says "e" before the sound of an i: "Pablo e Irene"."""
        if self.language == "es" and re.match("h?[ií](?!e)", other, re.IGNORECASE):
            return f"{one} e {other}"
        return self.say(N_("%(one)s and %(other)s"), one=one, other=other)

    def zone(self) -> str:
        """Return the place whose clock this person reads, such as "Bogotá"."""
        return get_timezone_location(self.timezone, locale=self.language, return_city=True)

    def period(self, every: int, unit: str) -> str:
        """Return what people call the stretch in which a session is due: "this fortnight"."""
        return self.say(PERIOD_WORDS.get((every, unit), N_("this period")))

    def cadence(self, sessions: int, every: int, unit: str) -> str:
        """Return how often two people agreed to meet: "every two weeks", "twice every month"."""
        often = (
            self.say(CADENCE_WORDS[every, unit])
            if (every, unit) in CADENCE_WORDS
            else self._every(every, unit)
        )
        if sessions == 1:
            return often
        times = N_("twice %(often)s") if sessions == 2 else N_("%(count)d times %(often)s")
        return self.say(times, count=sessions, often=often)

    def _every(self, every: int, unit: str) -> str:
        texts = {
            "day": N_("every %(count)d days"),
            "week": N_("every %(count)d weeks"),
            "month": N_("every %(count)d months"),
        }
        return self.say(texts[unit], count=every)

    def _date(self, day: date, kind: str) -> str:
        return format_date(day, _PATTERNS[self.language][kind], locale=self.language)


def first_name(name: str) -> str:
    """Return what people call somebody: the first word of the name."""
    return (name.split() or [name])[0]


def language_of(wanted: str | None) -> str:
    """Return one of our languages for a tag such as "es-CO"; English where there is none."""
    primary = (wanted or "").replace("_", "-").split("-")[0].lower()
    return primary if primary in LANGUAGES else "en"
