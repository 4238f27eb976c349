"""The words of the product in English and Spanish: the catalogue, and the ten marks with their names.

Never decides anything: it names what the ledger said.
"""

import gettext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
    glyph: str  # where only text can be shown
    plain: str  # the same for a terminal that knows ASCII alone


MARKS = {
    "met": Mark("met", N_("Met"), "●", "#"),
    "met_rescheduled": Mark("met_rescheduled", N_("Met on a new date"), "◉", "@"),
    "planned": Mark("planned", N_("Planned"), "⊙", "o"),
    "open": Mark("open", N_("Nothing planned yet"), "○", "."),
    "awaiting": Mark("awaiting", N_("Waiting for an answer"), "◐", "w"),
    "unconfirmed": Mark("unconfirmed", N_("Nobody said"), "?", "?"),
    "disputed": Mark("disputed", N_("You see it differently"), "◑", "!"),
    "rescheduled": Mark("rescheduled", N_("New date set"), "↻", ">"),
    "excused": Mark("excused", N_("Excused"), "–", "-"),
    "unknown": Mark("unknown", N_("Not known: calendar not readable"), "◌", "~"),
    "missed": Mark("missed", N_("Missed, not rescheduled"), "■", "X"),
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
