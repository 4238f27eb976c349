"""Opens what can be done with Microsoft 365. Reaches no network by itself, but to find the rights."""

from functools import lru_cache
from threading import Lock

from integrations.addresses import read_account
from integrations.limits import GRAPH, open_pace
from integrations.outlook.access import AppAccess
from integrations.outlook.application import WORLDWIDE, Application, Place
from integrations.outlook.client import GraphApi, Line
from integrations.outlook.consent import OutlookDesk
from integrations.outlook.diary import OutlookDiary
from integrations.outlook.recorder import TeamsRecorder
from integrations.outlook.rights import EVERYTHING, rights_in
from integrations.outlook.source import OutlookSource
from integrations.outlook.watcher import GraphWatcher
from tracker.ports import Access, Rights, Want

Key = Application | Access


def open_calendar(address: str, key: Key, place: Place = WORLDWIDE, timezone: str = "UTC") -> OutlookSource:
    """Return the source for the calendar of whoever signs in as `address`; `timezone` is the owner's.

    `key` is the owner's own consent, or the application that may read it. Raises ConnectorError.
    """
    line = _line(address, key, place)
    return OutlookSource(line, line.mailbox, timezone)


def open_diary(address: str, key: Key, place: Place = WORLDWIDE) -> OutlookDiary:
    """Return the calendar of `address`, to be written to. Raises ConnectorError."""
    return OutlookDiary(_line(address, key, place))


def open_watcher(address: str, key: Key, place: Place = WORLDWIDE) -> GraphWatcher:
    """Return what asks to be told of changes in the calendar of `address`. Raises ConnectorError."""
    return GraphWatcher(_line(address, key, place))


def open_recorder(address: str, key: Key, place: Place = WORLDWIDE) -> TeamsRecorder:
    """Return what knows who was in the meetings that `address` called. Raises ConnectorError."""
    return TeamsRecorder(_line(address, key, place))


def open_desk(application: Application, place: Place = WORLDWIDE) -> OutlookDesk:
    """Return where people consent for their own accounts."""
    return OutlookDesk(application, place)


def open_tokens(application: Application, place: Place = WORLDWIDE) -> AppAccess:
    """Return where the application's tokens for what is at `place` come from."""
    return _access(application, place)


def find_rights(
    application: Application, place: Place = WORLDWIDE, uses: frozenset[Want] = EVERYTHING
) -> Rights:
    """Ask what the application may do in all of the company. Raises ConnectorError."""
    return rights_in(_access(application, place).token(), uses)


def close_connections() -> None:
    """Close what is kept open for the next reading; do so before a fork."""
    with _opening:
        for api in _opened:
            api.close()
        _opened.clear()
        _api.cache_clear()
        _access.cache_clear()


def _line(address: str, key: Key, place: Place) -> Line:
    account = read_account(address, "An Outlook calendar is named by its owner's address.")
    with _opening:
        api = _api(place)
        if isinstance(key, Application):
            return Line(api, account, _access(key, place))
    return Line(api, account, key, is_own=True)


# One of each for the process: connections, tokens, and what is known of the limits are worth keeping.
# People's own tokens are kept by whoever hands in their access.
_opened: list[GraphApi] = []
_opening = Lock()


@lru_cache(maxsize=4)
def _api(place: Place) -> GraphApi:
    _opened.append(
        GraphApi(place.graph_root, place.ca_bundle, pace=open_pace("graph", GRAPH, place.counted_at))
    )
    return _opened[-1]


@lru_cache(maxsize=4)
def _access(application: Application, place: Place) -> AppAccess:
    return AppAccess(application, place)
