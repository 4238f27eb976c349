"""Opens Google calendars as the settings say. Reaches no network by itself."""

from functools import lru_cache

from integrations.google.access import Access, Consent, Delegation
from integrations.google.client import API_ROOT, GoogleApi
from integrations.google.source import GoogleSource
from tracker.errors import BadInput, BadSettings
from tracker.settings import Settings
from tracker.tags import normal_address

NOT_SET_UP = (
    "Google calendars are not set up. Set CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE: docs/google.md says how to "
    "get the file."
)


def open_calendar(address: str, settings: Settings, consent: Consent | None = None) -> GoogleSource:
    """Return the source for the calendar of the account `address`.

    It is read with the owner's own `consent` where there is one, else by the company's service account, which
    then acts for the owner. Raises BadInput for what is no account, BadSettings where neither is set up.
    """
    account = normal_address(address)
    if account.count("@") != 1 or account.startswith("@") or account.endswith("@") or " " in account:
        raise BadInput("A Google calendar is named by its account's mail address.")
    bundle = str(settings.ca_bundle) if settings.ca_bundle else None
    api = _api(settings.google_api_root or API_ROOT, bundle)
    access = consent.access(api.exchange) if consent else _delegated(api, settings, account)
    return GoogleSource(api, api.line(access), account)


def _delegated(api: GoogleApi, settings: Settings, account: str) -> Access:
    if settings.google_service_account is None:
        raise BadSettings(NOT_SET_UP)
    return _delegation(api, settings.google_service_account).access_for(account)


# One of each for the process: connections and tokens are worth keeping.


@lru_cache(maxsize=4)
def _api(root: str, ca_bundle: str | None) -> GoogleApi:
    return GoogleApi(root, ca_bundle)


@lru_cache(maxsize=4)
def _delegation(api: GoogleApi, key: str) -> Delegation:
    return Delegation(key, api.exchange)
