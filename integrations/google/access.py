"""Access tokens for every person of the company by a service account.

Never asks for more than the use at hand needs, never logs or shows a token, and asks for a new one only once
however many threads want it.
"""

import contextlib
import threading
from collections.abc import Callable

import google.auth.credentials
import google.auth.transport
import msgspec
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from integrations.google.errors import NO_KEY, SIGN_IN_PAGE, grant_problem
from integrations.google.scopes import READING
from tracker.errors import BadPayload, ConnectorError

MOST_ACCOUNTS = 20_000

Credentials = google.auth.credentials.Credentials
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
            problem = BadPayload(SIGN_IN_PAGE)
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
        self._narrowest: dict[tuple[str, ...], int] = {}
        self._known: dict[tuple[str, tuple[str, ...]], Access] = {}
        self._lock = threading.Lock()

    def access_for(self, person: str, ladder: tuple[str, ...] = READING) -> Access:
        """Return the access that acts for that person: requests count against their own quota.

        Of the scopes on the `ladder` the first that the administrator granted is used.
        """
        with self._lock:
            if (person, ladder) not in self._known:
                self._make_room()
                self._known[person, ladder] = Access(lambda: self._grant(person, ladder))
            return self._known[person, ladder]

    def grants(self, person: str, scope: str) -> bool:
        """Ask whether the administrator granted that scope. Raises ConnectorError for any other trouble."""
        try:
            Access(lambda: self._grant(person, (scope,))).token()
        except ConnectorError as error:
            if error.code != "not_delegated":
                raise
            return False
        return True

    def _make_room(self) -> None:
        if len(self._known) >= MOST_ACCOUNTS:
            self._known = {place: access for place, access in self._known.items() if access.is_fresh}
        if len(self._known) >= MOST_ACCOUNTS:
            self._known.clear()

    def _grant(self, person: str, ladder: tuple[str, ...]) -> Credentials:
        while True:
            place = self._narrowest.get(ladder, 0)
            account: service_account.Credentials = self._account.with_subject(person)
            granted: service_account.Credentials = account.with_scopes([ladder[place]])
            try:
                granted.refresh(self._exchange)
            except GoogleAuthError as error:
                if grant_problem(error).code != "not_delegated" or place + 1 == len(ladder):
                    self._narrowest.pop(ladder, None)
                    raise
                self._narrowest[ladder] = place + 1
            else:
                return granted


def _read_key(key: str) -> service_account.Credentials:
    account: service_account.Credentials | None = None
    # What was wrong is not told: the library quotes the key.
    with contextlib.suppress(msgspec.DecodeError, GoogleAuthError, ValueError, TypeError, AttributeError):
        account = service_account.Credentials.from_service_account_info(msgspec.json.decode(key))
    if account is None:
        raise ConnectorError(NO_KEY, code="key_refused")
    return account
