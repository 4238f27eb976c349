"""Days off: the public holidays of a country, and the company's own. Says nothing of people's leave.

Public holidays come from the `holidays` library and are not stored; the company's own come from a file.
"""

import re
from datetime import date
from functools import lru_cache

import holidays as library

_CODE = re.compile("[A-Z0-9]{1,3}")  # the library also takes the names of a few cities


@lru_cache
def regions_by_country() -> dict[str, tuple[str, ...]]:
    """Return the countries whose holidays are known (ISO 3166), each with its regions."""
    supported = library.list_supported_countries(include_aliases=False)
    return {
        country: tuple(r for r in regions if _CODE.fullmatch(r)) for country, regions in supported.items()
    }


def public_holidays(country: str | None, subdivision: str | None, first: date, last: date) -> frozenset[date]:
    """Return the public holidays from `first` to `last`, both included; none where the country is unknown."""
    if not country:
        return frozenset()
    years = range(first.year, last.year + 1)
    return frozenset(d for y in years for d in _of_year(country, subdivision, y) if first <= d <= last)


@lru_cache(maxsize=4096)
def _of_year(country: str, subdivision: str | None, year: int) -> tuple[date, ...]:
    known = regions_by_country()
    if country not in known:
        return ()
    # A region that a newer version of the library renamed still has its country's days.
    region = subdivision if subdivision in known[country] else None
    return tuple(sorted(library.country_holidays(country, subdiv=region, years=year)))
