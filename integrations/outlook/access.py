"""Access tokens for the application itself, by its secret or its certificate, through Microsoft's library.

Asks for no more than what the administrator granted, never logs or shows a token, and asks for a new one only
once however many threads want it.
"""

import threading
import time
from typing import Any

from integrations.outlook.application import Application, Place
from integrations.outlook.errors import grant_problem
from integrations.outlook.login import LoginService, open_library
from tracker.errors import ConnectorError

EARLY_S = 300.0  # a token is not used in its last minutes


class AppAccess:
    """The application's way in. Safe to share between threads."""

    def __init__(self, application: Application, place: Place) -> None:
        self._application = application
        self._scopes = [f"{place.resource}/.default"]
        self._service = LoginService(place.ca_bundle)
        self._library: Any = None
        self._token = ""
        self._good_until = 0.0
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token that is good for some minutes. Raises ConnectorError."""
        if time.monotonic() >= self._good_until:
            with self._lock:
                # Somebody else may have got one while we waited.
                if time.monotonic() >= self._good_until:
                    self._renew()
        return self._token

    def replace(self, refused: str) -> str:
        """Return another token than the one that Graph refused. Raises ConnectorError."""
        with self._lock:
            if self._token == refused:
                self._library.remove_tokens_for_client()
                self._renew()
        return self._token

    def _renew(self) -> None:
        # The library's exceptions may hold what Microsoft said. Ours is raised after they are gone.
        said: dict[str, Any] = {}
        problem: ConnectorError | None = None
        try:
            self._library = self._library or open_library(self._application, self._service)
            said = self._library.acquire_token_for_client(self._scopes)
        except ConnectorError as error:
            problem = error
        except (ValueError, KeyError, TypeError):
            problem = self._service.problem()
        if problem is None and "access_token" not in said:
            problem = grant_problem(said)
        if problem is not None:
            raise problem
        self._token = said["access_token"]
        self._good_until = time.monotonic() + max(0.0, float(said.get("expires_in", 0)) - EARLY_S)
