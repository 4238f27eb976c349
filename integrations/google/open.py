"""Opens Google calendars. Reaches no network by itself."""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from integrations.google.access import Delegation
from integrations.google.client import API_ROOT, GoogleApi
from integrations.google.source import GoogleSource
from tracker.errors import ConnectorError
from tracker.ports import Access
from tracker.tags import normal_address


@dataclass(frozen=True)
class Place:
    """Where Google is: its own addresses, unless the settings name others."""

    api_root: str = API_ROOT
    auth_root: str = "https://accounts.google.com"
    token_root: str = "https://oauth2.googleapis.com"
    meet_root: str = "https://meet.googleapis.com"
    ca_bundle: str | None = None


_OWN = Place()


def open_calendar(address: str, key: str | Access, place: Place = _OWN) -> GoogleSource:
    """Return the source for the calendar of the account `address`.

    `key` is the owner's own consent, or the JSON of a service account's key, which then acts for the owner.
    Raises ConnectorError for what is no account or no key.
    """
    account = normal_address(address)
    if account.count("@") != 1 or account.startswith("@") or account.endswith("@") or " " in account:
        raise ConnectorError("A Google calendar is named by its account's address.", code="bad_address")
    with _opening:
        api = _api(place.api_root, place.ca_bundle)
        access = _delegation(api, key).access_for(account) if isinstance(key, str) else key
    return GoogleSource(api, api.line(access), account)


def close_connections() -> None:
    """Close what is kept open for the next reading; do so before a fork."""
    for api in _opened:
        api.close()
    _opened.clear()
    _api.cache_clear()
    _delegation.cache_clear()


# One of each for the process: connections and tokens are worth keeping.
_opened: list[GoogleApi] = []
_opening = Lock()


@lru_cache(maxsize=4)
def _api(root: str, ca_bundle: str | None) -> GoogleApi:
    _opened.append(GoogleApi(root, ca_bundle))
    return _opened[-1]


@lru_cache(maxsize=4)
def _delegation(api: GoogleApi, key: str) -> Delegation:
    return Delegation(key, api.exchange)
