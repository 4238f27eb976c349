"""How Microsoft's library reaches the login service, over our own way out.

Never follows a redirect, never waits without bound, and never tells what was said in an error or a log.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msal

from integrations import http
from integrations.barriers import unreached
from integrations.outlook.application import Application
from integrations.outlook.errors import NO_CERTIFICATE, SERVER_FAULT, UNREACHABLE, WRONG_TENANT
from tracker.errors import BadPayload, ConnectorError

Headers = Mapping[str, str]
# The library writes codes and verifiers to its debug log.
logging.getLogger("msal").setLevel(logging.ERROR)
_ABOUT = "/v2.0/.well-known/openid-configuration"


class LoginService:
    """The library's HTTP client. Remembers the status of the last answer.

    With `about`, what the service says of itself is known and not asked for.
    """

    def __init__(self, ca_bundle: str | None, about: str | None = None) -> None:
        self._ca_bundle = ca_bundle
        self._about = about
        self._status = 0

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Headers | None = None, **_: Any
    ) -> "_Reply":
        """Get an address."""
        if self._about is not None and url.endswith(_ABOUT):
            self._status = 200
            return _Reply(200, self._about, {})
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
        answer = self._ask(method, url, headers, body)
        self._status = answer.status
        reply = _Reply(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)
        if answer.status >= 500:
            wait_s = http.retry_after(answer.headers)
            raise ConnectorError(SERVER_FAULT, code="server_error", retry_after_s=wait_s)
        if not _is_json(reply.text):
            raise BadPayload("What answered in Microsoft's place is no login service.")
        return reply

    def _ask(self, method: str, url: str, headers: Headers, body: bytes | None) -> http.Answer:
        problem: ConnectorError
        try:
            return http.send(method, url, headers=headers, body=body, ca_bundle=self._ca_bundle)
        except BadPayload:
            raise
        except ConnectorError as error:
            problem = unreached(error, UNREACHABLE)
        raise problem


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


def open_library(application: Application, service: LoginService) -> Any:
    """Return Microsoft's library, set up for the application. It may raise anything."""
    return msal.ConfidentialClientApplication(
        application.client_id,
        client_credential=application.credential(),
        authority=f"{application.authority}/{application.tenant}",
        # The address is the administrator's own: nobody else needs to be asked whether it is Microsoft's.
        instance_discovery=False,
        azure_region=False,
        http_client=service,
    )


def describe_login(application: Application) -> str:
    """Return what the login service says of itself: its addresses follow from the tenant's."""
    base = f"{application.authority}/{application.tenant}"
    return json.dumps({
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "issuer": f"{base}/v2.0",
    })  # fmt: skip


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
