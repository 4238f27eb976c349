"""Access tokens for the application itself, by its secret or its certificate, through Microsoft's library.

Asks for no more than what the administrator granted, never logs or shows a token, and asks for a new one only
once however many threads want it.
"""

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msal

from integrations import http
from integrations.outlook.errors import NO_CERTIFICATE, SERVER_FAULT, WRONG_TENANT, grant_problem
from tracker.errors import BadPayload, ConnectorError

AUTHORITY = "https://login.microsoftonline.com"
EARLY_S = 300.0  # a token is not used in its last minutes
_KEY = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Application:
    """The app registration. `certificate` is PEM with the private key; it goes before the secret."""

    tenant: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    authority: str = AUTHORITY

    def credential(self) -> str | dict[str, str]:
        """Return what proves who we are, as the library wants it. Raises ConnectorError."""
        if self.certificate is None:
            return self.secret or ""
        key, certificate = _KEY.search(self.certificate), _CERTIFICATE.search(self.certificate)
        if key is None or certificate is None:
            raise ConnectorError(NO_CERTIFICATE, code="app_refused")
        return {"private_key": key[0], "public_certificate": certificate[0]}


class AppAccess:
    """The application's way in. Safe to share between threads."""

    def __init__(self, application: Application, graph_root: str, ca_bundle: str | None) -> None:
        self._application = application
        self._scopes = [f"{graph_root}/.default"]
        self._desk = _Desk(ca_bundle)
        self._app: Any = None
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
                self._app.remove_tokens_for_client()
                self._renew()
        return self._token

    def _renew(self) -> None:
        # The library's exceptions may hold what Microsoft said. Ours is raised after they are gone.
        said: dict[str, Any] = {}
        problem: ConnectorError | None = None
        try:
            self._app = self._app or self._open()
            said = self._app.acquire_token_for_client(self._scopes)
        except ConnectorError as error:
            problem = error
        except (ValueError, KeyError, TypeError):
            problem = self._desk.problem()
        if problem is None and "access_token" not in said:
            problem = grant_problem(said)
        if problem is not None:
            raise problem
        self._token = said["access_token"]
        self._good_until = time.monotonic() + max(0.0, float(said.get("expires_in", 0)) - EARLY_S)

    def _open(self) -> Any:
        ours = self._application
        return msal.ConfidentialClientApplication(
            ours.client_id,
            client_credential=ours.credential(),
            authority=f"{ours.authority}/{ours.tenant}",
            # The address is the administrator's own: nobody else needs to be asked whether it is Microsoft's.
            instance_discovery=False,
            azure_region=False,
            http_client=self._desk,
        )


class _Desk:
    """How the library reaches the login service. Remembers the status of the last answer."""

    def __init__(self, ca_bundle: str | None) -> None:
        self._ca_bundle = ca_bundle
        self._status = 0

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Headers | None = None, **_: Any
    ) -> "_Reply":
        """Get an address."""
        return self._send("GET", f"{url}?{urlencode(params)}" if params else url, headers or {}, None)

    def post(
        self, url: str, data: Mapping[str, str] | None = None, headers: Headers | None = None, **_: Any
    ) -> "_Reply":
        """Send a form."""
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._send("POST", url, form, urlencode(data or {}).encode())

    def close(self) -> None:
        """Nothing stays open."""

    def problem(self) -> ConnectorError:
        """Return what it means that the library made nothing of the last answer, or of our credential."""
        if self._status == 200:
            return ConnectorError(NO_CERTIFICATE, code="app_refused")
        if 400 <= self._status < 500:
            return ConnectorError(WRONG_TENANT, code="wrong_tenant")
        return ConnectorError(SERVER_FAULT, code="server_error")

    def _send(self, method: str, url: str, headers: Headers, body: bytes | None) -> "_Reply":
        answer = http.send(method, url, headers=headers, body=body, ca_bundle=self._ca_bundle)
        self._status = answer.status
        reply = _Reply(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)
        if answer.status >= 500:
            wait_s = http.retry_after(answer.headers)
            raise ConnectorError(SERVER_FAULT, code="server_error", retry_after_s=wait_s)
        if not _is_json(reply.text):
            raise BadPayload("What answered in Microsoft's place is no login service.")
        return reply


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer as the library reads it."""

    status_code: int
    text: str
    headers: Headers

    def raise_for_status(self) -> None:
        """Raise for a refusal that the library did not look into."""
        if self.status_code >= 400:
            raise ConnectorError(SERVER_FAULT, code="server_error")


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
