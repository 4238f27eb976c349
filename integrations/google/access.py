"""Access tokens: for every person of the company by a service account, or by a person's own consent.

Never asks for more than reading events, never logs or shows a token, and asks for a new one only once however
many threads want it.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import google.auth.transport
import msgspec
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import credentials, service_account

from integrations.google.errors import NO_KEY, grant_problem
from tracker.errors import BadPayload, ConnectorError

# Least first: the first that the administrator granted is used.
SCOPES = (
    "https://www.googleapis.com/auth/calendar.events.owned.readonly",
    "https://www.googleapis.com/auth/calendar.events.readonly",
    "https://www.googleapis.com/auth/calendar.readonly",
)
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
MOST_ACCOUNTS = 20_000

Credentials = service_account.Credentials | credentials.Credentials
Exchange = google.auth.transport.Request


class Access:
    """One account's way in. Safe to share between threads."""

    def __init__(self, grant: Callable[[], Credentials]) -> None:
        self._grant = grant
        self._credentials: Credentials | None = None
        self._lock = threading.Lock()

    @property
    def is_fresh(self) -> bool:
        """Tell whether there is a token that has not run out."""
        return self._credentials is not None and bool(self._credentials.valid)

    def token(self) -> str:
        """Return a token that is good for some minutes. Raises ConnectorError."""
        if not self.is_fresh:
            with self._lock:
                # Somebody else may have got one while we waited.
                if not self.is_fresh:
                    self._renew()
        return self._current()

    def replace(self, refused: str) -> str:
        """Return another token than the one that Google refused. Raises ConnectorError."""
        with self._lock:
            if self._current() == refused:
                self._renew()
        return self._current()

    def _renew(self) -> None:
        # The library's exceptions hold what Google said. Ours is raised after they are gone.
        problem: ConnectorError | None = None
        try:
            self._credentials = self._grant()
        except GoogleAuthError as error:
            problem = grant_problem(error)
        except (TypeError, ValueError, AttributeError):
            # The library trips over answers that are no JSON, such as a proxy's sign-in page.
            problem = BadPayload("What answered in Google's place did not send a token.")
        if problem is not None:
            raise problem

    def _current(self) -> str:
        return str(self._credentials.token) if self._credentials else ""


class Delegation:
    """A service account that may act for the people of the company (domain-wide delegation)."""

    def __init__(self, key: str, exchange: Exchange) -> None:
        """Take the JSON of the service account's key. Raises ConnectorError where it is none."""
        self._exchange = exchange
        self._account = _read_key(key)
        self._narrowest = 0
        self._known: dict[str, Access] = {}
        self._lock = threading.Lock()

    def access_for(self, person: str) -> Access:
        """Return the access that acts for that person: requests count against their own quota."""
        with self._lock:
            if person not in self._known:
                self._make_room()
                self._known[person] = Access(lambda: self._grant(person))
            return self._known[person]

    def _make_room(self) -> None:
        if len(self._known) >= MOST_ACCOUNTS:
            self._known = {person: access for person, access in self._known.items() if access.is_fresh}
        if len(self._known) >= MOST_ACCOUNTS:
            self._known.clear()

    def _grant(self, person: str) -> Credentials:
        while True:
            place = self._narrowest
            account: service_account.Credentials = self._account.with_subject(person)
            granted: service_account.Credentials = account.with_scopes([SCOPES[place]])
            try:
                granted.refresh(self._exchange)
            except GoogleAuthError as error:
                if grant_problem(error).code != "not_delegated" or place + 1 == len(SCOPES):
                    self._narrowest = 0
                    raise
                self._narrowest = place + 1
            else:
                return granted


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's own consent: the refresh token, and the client that it was given to."""

    refresh_token: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    token_url: str = TOKEN_URL

    def access(self, exchange: Exchange) -> Access:
        """Return the access to what the person consented to."""
        return Access(lambda: self._grant(exchange))

    def _grant(self, exchange: Exchange) -> Credentials:
        granted = credentials.Credentials(
            token=None,
            refresh_token=self.refresh_token,
            token_uri=self.token_url,
            client_id=self.client_id,
            client_secret=self.client_secret,
        )
        granted.refresh(exchange)
        return granted


def _read_key(key: str) -> service_account.Credentials:
    account: service_account.Credentials | None = None
    # What was wrong is not told: the library quotes the key.
    with contextlib.suppress(msgspec.DecodeError, GoogleAuthError, ValueError, TypeError, AttributeError):
        account = service_account.Credentials.from_service_account_info(msgspec.json.decode(key))
    if account is None:
        raise ConnectorError(NO_KEY, code="key_refused")
    return account
