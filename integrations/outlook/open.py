"""Opens Outlook calendars. Reaches no network by itself."""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from integrations.outlook.access import AppAccess, Application
from integrations.outlook.client import GRAPH_ROOT, GraphApi
from integrations.outlook.source import OutlookSource
from tracker.errors import ConnectorError
from tracker.ports import Access
from tracker.tags import normal_address


@dataclass(frozen=True)
class Place:
    """Where Microsoft Graph is: the worldwide one, unless the settings name a national cloud's."""

    graph_root: str = GRAPH_ROOT
    ca_bundle: str | None = None


_WORLDWIDE = Place()


def open_calendar(address: str, key: Application | Access, place: Place = _WORLDWIDE) -> OutlookSource:
    """Return the source for the calendar of whoever signs in as `address`.

    `key` is the owner's own consent, or the application that may read it. Raises ConnectorError.
    """
    account = normal_address(address)
    if account.count("@") != 1 or account.startswith("@") or account.endswith("@") or " " in account:
        raise ConnectorError("An Outlook calendar is named by its owner's address.", code="bad_address")
    with _opening:
        api = _api(key, place.graph_root, place.ca_bundle)
    return OutlookSource(api.line(account), account)


def close_connections() -> None:
    """Close what is kept open for the next reading; do so before a fork."""
    with _opening:
        for api in _opened:
            api.close()
        _opened.clear()
        _api.cache_clear()


# One of each for the process: connections, tokens, and what is known of the limits are worth keeping.
_opened: list[GraphApi] = []
_opening = Lock()


@lru_cache(maxsize=4)
def _api(application: Application, root: str, ca_bundle: str | None) -> GraphApi:
    _opened.append(GraphApi(AppAccess(application, root, ca_bundle), root, ca_bundle))
    return _opened[-1]
