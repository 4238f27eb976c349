"""Where people consent for their own Outlook accounts: authorization code with PKCE, by Microsoft's library.

Keeps no token and remembers nobody: what has to be known until the answer is handed out as `memory`, for the
caller to keep on the server. Asks for the narrowest permissions that do what is wanted, and never logs or
shows what Microsoft said.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from integrations.outlook.application import Application, Place
from integrations.outlook.errors import (
    CONSENT_FAILED,
    SERVER_FAULT,
    consent_problem,
    refresh_problem,
)
from integrations.outlook.login import LoginService, describe_login, open_library
from tracker.errors import ConnectorError
from tracker.ports import Flow, Granted, Want
from tracker.tags import normal_address

# Delegated permissions, least first; any one of each set will do. Microsoft's pages differ on whether
# Calendars.ReadBasic is enough for getSchedule, so Calendars.Read it is. The records of a meeting are found
# by the calendar entry's link, and OnlineMeetingArtifact.Read.All takes an administrator's approval.
# The library warns of all but answers by POST. One that comes from Microsoft's site would come without our
# session's cookie (SameSite=Lax): so it is by GET, as is usual, and state, PKCE and nonce guard it.
_BY_POST = "form_post"
_READ = ("Calendars.Read", "Calendars.ReadWrite")
_NEEDED: Mapping[Want, tuple[tuple[str, ...], ...]] = {
    Want.READ: (_READ,),
    Want.WRITE: (("Calendars.ReadWrite",),),
    Want.FREE_BUSY: (_READ,),
    Want.ATTENDANCE: (
        _READ,
        ("OnlineMeetings.Read", "OnlineMeetings.ReadWrite"),
        ("OnlineMeetingArtifact.Read.All",),
    ),
}


class OutlookDesk:
    """One application's desk. Safe to share between threads."""

    def __init__(self, application: Application, place: Place) -> None:
        self._application = application
        self._place = place
        self._about = describe_login(application)

    def begin(self, redirect_uri: str, wants: frozenset[Want], hint: str | None) -> Flow:
        """Return how to ask. No network. Raises ConnectorError where the certificate is none."""
        scopes = [f"{self._place.resource}/{name}" for name in scopes_for(wants)]
        library = self._open()
        flow = library.initiate_auth_code_flow(
            scopes, redirect_uri=redirect_uri, login_hint=hint, response_mode=_BY_POST
        )
        return Flow(_by_get(flow.pop("auth_uri")), state=flow["state"], memory=json.dumps(flow))

    def finish(self, memory: str, answer: Mapping[str, str], now: datetime) -> Granted:
        """Return what came of it. Raises ConnectorError: `consent_denied`, `consent_failed`, ..."""
        library = self._open()
        said = _ask(lambda: library.acquire_token_by_auth_code_flow(json.loads(memory), dict(answer)))
        if said is None:
            raise ConnectorError(CONSENT_FAILED, code="consent_failed")
        if "access_token" not in said:
            raise consent_problem(said)
        return self._granted(said, now)

    def refresh(self, refresh_token: str, now: datetime) -> Granted:
        """Return a new access token, and the refresh token that goes on from here.

        Asks for all that was consented to before. Raises AuthRevoked where the consent is over.
        """
        scopes = [f"{self._place.resource}/.default"]
        library = self._open()
        said = _ask(lambda: library.acquire_token_by_refresh_token(refresh_token, scopes))
        if said is None:
            raise ConnectorError(SERVER_FAULT, code="server_error")
        if "access_token" not in said:
            raise refresh_problem(said)
        return self._granted(said, now)

    def revoke(self, refresh_token: str) -> None:
        """Do nothing: Microsoft has no way to give back one consent, only to end all of a person's sessions.

        Whoever forgets the token has no way in any more; the person removes the application under
        https://myapplications.microsoft.com, an administrator in the Entra admin centre.
        """

    def covers(self, scopes: frozenset[str], want: Want) -> bool:
        """Tell whether what was granted is enough for `want`."""
        return all(not scopes.isdisjoint(any_of) for any_of in _NEEDED[want])

    def needed(self, scopes: frozenset[str], wants: frozenset[Want]) -> frozenset[str]:
        """Return those of `scopes` that `wants` need; Microsoft names all that it remembers."""
        sets = (any_of for want in wants for any_of in _NEEDED[want])
        return frozenset(name for any_of in sets for name in [n for n in any_of if n in scopes][:1])

    def _open(self) -> Any:
        # A library of its own for each use: it would keep the tokens of everybody in memory for good.
        service = LoginService(self._place.ca_bundle, self._about)
        library = None
        problem: ConnectorError | None = None
        try:
            library = open_library(self._application, service)
        except ConnectorError as error:
            problem = error
        except (ValueError, KeyError, TypeError):
            problem = service.problem()
        if problem is not None:
            raise problem
        return library

    def _granted(self, said: Mapping[str, Any], now: datetime) -> Granted:
        claims = said.get("id_token_claims") or {}
        prefix = f"{self._place.resource}/"
        return Granted(
            account=normal_address(str(claims.get("preferred_username") or claims.get("email") or ""))
            or None,
            scopes=frozenset(name.removeprefix(prefix) for name in str(said.get("scope", "")).split()),
            access_token=said["access_token"],
            access_until=now + timedelta(seconds=float(said.get("expires_in", 0))),
            refresh_token=said.get("refresh_token"),
        )


def scopes_for(wants: frozenset[Want]) -> list[str]:
    """Return the narrowest permissions that are enough for all of `wants`, sorted."""
    asked = {any_of[0] for want in wants for any_of in _NEEDED[want]}
    return sorted(asked - {"Calendars.Read"} if "Calendars.ReadWrite" in asked else asked)


def _by_get(url: str) -> str:
    """Return the address that asks for the answer in the query, which is what comes without a wish."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "response_mode"]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _ask(ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the library says; None where it makes nothing of what came back. Raises ConnectorError."""
    # Its exceptions may hold tokens. What is raised instead is raised after they are gone.
    try:
        return ask()
    except (ValueError, KeyError, TypeError, RuntimeError):
        return None
