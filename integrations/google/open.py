"""Opens Google calendars, desks and records. Reaches no network by itself, but for `find_rights`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Lock

from integrations.addresses import read_account
from integrations.google.access import Delegation
from integrations.google.client import API_ROOT, Api, GoogleApi, Line, MeetApi, Pacer
from integrations.google.consent import GoogleDesk
from integrations.google.diary import GoogleDiary
from integrations.google.recorder import GoogleRecorder
from integrations.google.rights import rights_of
from integrations.google.scopes import ATTENDANCE, FREE_BUSY, IDENTITY, READING, WRITING
from integrations.google.source import GoogleSource
from integrations.google.watcher import GoogleWatcher
from integrations.limits import GOOGLE, daily, open_pace
from tracker.ports import Access, Rights
from tracker.tags import normal_address


@dataclass(frozen=True)
class Place:
    """Where Google is: its own addresses, unless the settings name others."""

    api_root: str = API_ROOT
    auth_root: str = "https://accounts.google.com"
    token_root: str = "https://oauth2.googleapis.com"  # noqa: S105 - an address
    meet_root: str = "https://meet.googleapis.com"
    ca_bundle: str | None = None
    counted_at: str | None = field(default=None, repr=False)  # where requests are counted; None: here alone
    readings_a_day: int = 0  # so many requests of readings go out a day; 0: as many as there are


_OWN = Place()


def open_calendar(address: str, key: str | Access, place: Place = _OWN) -> GoogleSource:
    """Return the source for the calendar of the account `address`.

    `key` is the owner's own consent, or the JSON of a service account's key, which then acts for the owner.
    Raises ConnectorError for what is no account or no key.
    """
    account = _account(address)
    api = _calendar_api(place)
    line = api.line(_access(api, key, account, READING), _reading_pacer(place, account))
    return GoogleSource(api, line, account)


def open_diary(address: str, key: str | Access, place: Place = _OWN) -> GoogleDiary:
    """Return the diary of the account `address`; `key` as for `open_calendar`."""
    account = _account(address)
    api = _calendar_api(place)
    pace = _pacer(place, account)
    writing, asking = (api.line(_access(api, key, account, rung), pace) for rung in (WRITING, FREE_BUSY))
    return GoogleDiary(api, account, writing, asking)


def open_watcher(address: str, key: str | Access, place: Place = _OWN) -> GoogleWatcher:
    """Return what asks for notices about the calendar of `address`; `key` as for `open_calendar`."""
    api, account = _calendar_api(place), _account(address)
    return GoogleWatcher(api, api.line(_access(api, key, account, READING), _pacer(place, account)))


def open_recorder(
    address: str, key: str | Access, place: Place = _OWN, others: Mapping[str, Access] | None = None
) -> GoogleRecorder:
    """Return the meeting records of the account `address`; `key` as for `open_calendar`.

    By a service account everybody in the company can be told apart, by a consent its owner and `others`.
    """
    account = _account(address)
    api = _calendar_api(place)
    with _opening:
        meet = _meet(place.meet_root, place.ca_bundle)

    known = {normal_address(other): access for other, access in (others or {}).items()}
    if not isinstance(key, str):
        known[account] = key

    def identity_of(person: str) -> Line | None:
        own = known.get(person)
        if own is None and isinstance(key, str):
            own = _access(api, key, person, IDENTITY)
        return api.line(own, _pacer(place, person)) if own else None

    return GoogleRecorder(api, meet, meet.line(_access(api, key, account, ATTENDANCE)), identity_of)


def open_desk(client_id: str, client_secret: str, place: Place = _OWN) -> GoogleDesk:
    """Return where people consent to this client of ours."""
    return GoogleDesk(client_id, client_secret, place.auth_root, place.token_root, place.ca_bundle)


def find_rights(address: str, service_account_key: str, place: Place = _OWN) -> Rights:
    """Ask what the service account may do as the account `address`. Raises ConnectorError."""
    api = _calendar_api(place)
    with _opening:
        delegation = _delegation(api, service_account_key)
    return rights_of(delegation, _account(address))


def close_connections() -> None:
    """Close what is kept open for the next reading, and count anew; do so before a fork."""
    for api in _opened:
        api.close()
    _opened.clear()
    for cache in (_api, _meet, _delegation, open_pace):
        cache.cache_clear()


# One of each for the process: connections and tokens are worth keeping.
_opened: list[Api] = []
_opening = Lock()


def _account(address: str) -> str:
    return read_account(address, "A Google calendar is named by its account's address.")


def _calendar_api(place: Place) -> GoogleApi:
    with _opening:
        return _api(place.api_root, place.ca_bundle)


def _pacer(place: Place, account: str) -> Pacer:
    return partial(open_pace("google", GOOGLE, place.counted_at).take, account)


def _reading_pacer(place: Place, account: str) -> Pacer:
    # Readings alone are held back by the day: what is left of it is for what people do on the site.
    by_minute = _pacer(place, account)
    by_day = open_pace("google", daily(place.readings_a_day), place.counted_at)
    return lambda: by_minute() or by_day.take(account)


def _access(api: GoogleApi, key: str | Access, account: str, ladder: tuple[str, ...]) -> Access:
    if not isinstance(key, str):
        return key
    with _opening:
        return _delegation(api, key).access_for(account, ladder)


@lru_cache(maxsize=4)
def _api(root: str, ca_bundle: str | None) -> GoogleApi:
    api = GoogleApi(root, ca_bundle)
    _opened.append(api)
    return api


@lru_cache(maxsize=4)
def _meet(root: str, ca_bundle: str | None) -> MeetApi:
    api = MeetApi(root, ca_bundle)
    _opened.append(api)
    return api


@lru_cache(maxsize=4)
def _delegation(api: GoogleApi, key: str) -> Delegation:
    return Delegation(key, api.exchange)
