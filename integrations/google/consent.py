"""Where people consent: OAuth 2.0 with PKCE at Google, tokens, and giving consents back.

Asks for one thing at a time and the least that will do for it. Never keeps, logs or shows a token or a
secret, and talks to nobody but Google's token endpoint.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from integrations import http
from integrations.barriers import unreached
from integrations.google.errors import (
    CLIENT_REFUSED,
    CLOCK_OFF,
    NO_ACCOUNT,
    SERVER_FAULT,
    SIGN_IN_PAGE,
    SLOW_DOWN,
    token_problem,
)
from integrations.google.scopes import SIGN_IN, covers, needed, scopes_for
from integrations.google.wire import UNREACHABLE
from tracker.errors import AuthRevoked, BadPayload, ConnectorError, RateLimited
from tracker.ports import Flow, Granted, Want
from tracker.tags import normal_address

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
DENIED = "The consent was not given. Nothing was connected."
BLOCKED = (
    "Your company does not let people connect this application: its Google administrator has to allow it."
)
FAILED = "Google's answer does not belong to what was asked. Please start again."
_BLOCKED = frozenset({"admin_policy_enforced", "org_internal", "access_not_configured"})
_ATTEMPTS = 3
_Told = TypeVar("_Told")


class _Memory(msgspec.Struct, frozen=True):
    """What is remembered on our side until the person comes back."""

    state: str
    verifier: str
    nonce: str
    redirect_uri: str


class _Claims(msgspec.Struct, frozen=True):
    """Who the account is (OpenID Connect Core, section 2)."""

    iss: str
    aud: str
    exp: int
    nonce: str = ""
    email: str = ""


class _Tokens(msgspec.Struct, frozen=True):
    """The answer of the token endpoint (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scope: str = ""
    refresh_token: str | None = None
    id_token: str | None = None


class _Refusal(msgspec.Struct, frozen=True):
    """Its answer where there is none (section 5.2)."""

    error: str = ""
    error_description: str = ""


@dataclass(frozen=True, slots=True)
class GoogleDesk:
    """Consents for one client of ours. Safe to share between threads."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_root: str
    token_root: str
    ca_bundle: str | None = None

    def begin(self, redirect_uri: str, wants: frozenset[Want], hint: str | None) -> Flow:
        """Return how to ask for what is new; what was given before stays given."""
        memory = _Memory(_random(), _random(), _random(), redirect_uri)
        asked = {
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join((*SIGN_IN, *scopes_for(wants))),
            "state": memory.state,
            "nonce": memory.nonce,
            "code_challenge": _challenge(memory.verifier),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "include_granted_scopes": "true",
            # A flow begins only where something new is wanted, so Google asks anyway; without this word it
            # gives no refresh token to whoever consented once, disconnected here and comes back.
            "prompt": "consent",
            **({"login_hint": hint} if hint else {}),
        }
        url = f"{self.auth_root.rstrip('/')}/o/oauth2/v2/auth?{urlencode(asked)}"
        return Flow(url, memory.state, msgspec.json.encode(memory).decode())

    def finish(self, memory: str, answer: Mapping[str, str], now: datetime) -> Granted:
        """Return what the person gave, which may be less than what was asked for: each thing has its box.

        A code is good for one exchange, so this is never tried again. Raises ConnectorError:
        `consent_denied`, `consent_blocked`, `consent_failed`, or what a refused grant means.
        """
        begun = _read(memory.encode(), _Memory)
        if begun is None or not _is_same(begun.state, answer.get("state", "")):
            raise ConnectorError(FAILED, code="consent_failed")
        tokens = self._redeem(_code_of(answer), begun)
        account = self._account(tokens.id_token or "", begun.nonce, now)
        return _granted(tokens, account, now)

    def refresh(self, refresh_token: str, now: datetime) -> Granted:
        """Return a new access token. Asking twice does no harm."""
        asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        problem: ConnectorError
        try:
            return _granted(self._ask(asked, attempts=_ATTEMPTS), None, now)
        except ConnectorError as error:
            problem = error
        # For a consent both mean the same: this client never gets another token for it.
        if problem.code == "no_account":
            problem = AuthRevoked(NO_ACCOUNT, code="no_account")
        if problem.code == "not_delegated":
            problem = ConnectorError(CLIENT_REFUSED, code="client_refused")
        raise problem

    def revoke(self, refresh_token: str) -> None:
        """Give the consent back, whatever it covered. One that is over already is no error."""
        answer = self._send("revoke", {"token": refresh_token}, _ATTEMPTS)
        said = _read(answer.body or b"{}", _Refusal)  # a page in between says something else
        is_over = said is not None and said.error in ("invalid_token", "invalid_grant")
        if said is None or not (answer.status == 200 or is_over):
            raise _problem_of(answer)

    def covers(self, scopes: frozenset[str], want: Want) -> bool:
        """Tell whether what was granted is enough for `want`."""
        return covers(scopes, want)

    def needed(self, scopes: frozenset[str], wants: frozenset[Want]) -> frozenset[str]:
        """Return those of `scopes` that `wants` need."""
        return needed(scopes, wants)

    def _redeem(self, code: str, begun: _Memory) -> _Tokens:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": begun.verifier,
            "redirect_uri": begun.redirect_uri,
        }
        try:
            return self._ask(asked)
        except AuthRevoked:
            pass  # the code was used before, is too old, or was another's
        raise ConnectorError(FAILED, code="consent_failed")

    def _account(self, id_token: str, nonce: str, now: datetime) -> str:
        """Return whose account it is.

        The token came over TLS from Google itself, which stands for its signature (OpenID Connect Core,
        section 3.1.3.7, number 6).
        """
        claims = _read(_payload(id_token), _Claims)
        is_ours = claims is not None and claims.aud == self.client_id and claims.iss in ISSUERS
        if claims is None or not is_ours or not claims.email or not _is_same(claims.nonce, nonce):
            raise ConnectorError(FAILED, code="consent_failed")
        if claims.exp <= now.timestamp():
            raise ConnectorError(CLOCK_OFF, code="clock_off")
        return normal_address(claims.email)

    def _ask(self, form: Mapping[str, str], attempts: int = 1) -> _Tokens:
        ours = {"client_id": self.client_id, "client_secret": self.client_secret}
        answer = self._send("token", {**form, **ours}, attempts)
        if answer.status != 200:
            raise _problem_of(answer)
        tokens = _read(answer.body, _Tokens)
        if tokens is None:
            raise BadPayload(SIGN_IN_PAGE)
        return tokens

    def _send(self, name: str, form: Mapping[str, str], attempts: int) -> http.Answer:
        problem: ConnectorError
        try:
            return http.send(
                "POST",
                f"{self.token_root.rstrip('/')}/{name}",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
                ca_bundle=self.ca_bundle,
                attempts=attempts,
            )
        except BadPayload:
            raise
        except ConnectorError as error:
            problem = unreached(error, UNREACHABLE)
        raise problem


def _code_of(answer: Mapping[str, str]) -> str:
    error = answer.get("error")
    if error == "access_denied":
        raise ConnectorError(DENIED, code="consent_denied")
    if error in _BLOCKED:
        raise ConnectorError(BLOCKED, code="consent_blocked")
    if error or not answer.get("code"):
        raise ConnectorError(FAILED, code="consent_failed")
    return answer["code"]


def _granted(tokens: _Tokens, account: str | None, now: datetime) -> Granted:
    return Granted(
        account=account,
        scopes=frozenset(tokens.scope.split()),
        access_token=tokens.access_token,
        access_until=now + timedelta(seconds=tokens.expires_in),
        refresh_token=tokens.refresh_token,
    )


def _problem_of(answer: http.Answer) -> ConnectorError:
    wait_s = http.retry_after(answer.headers)
    if answer.status == 429:
        return RateLimited(SLOW_DOWN, retry_after_s=wait_s)
    if answer.status >= 500:
        return ConnectorError(SERVER_FAULT, code="server_error", retry_after_s=wait_s)
    refusal = _read(answer.body, _Refusal)
    if refusal is None or not refusal.error:
        return BadPayload(SIGN_IN_PAGE)
    if refusal.error == "redirect_uri_mismatch":
        return ConnectorError(CLIENT_REFUSED, code="client_refused")
    return token_problem(refusal.error, refusal.error_description)


def _read(content: bytes, kind: type[_Told]) -> _Told | None:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _payload(id_token: str) -> bytes:
    body = [*id_token.split("."), ""][1]
    try:
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except ValueError:
        return b""


def _random() -> str:
    return secrets.token_urlsafe(48)


def _challenge(verifier: str) -> str:
    """Return the S256 challenge (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
