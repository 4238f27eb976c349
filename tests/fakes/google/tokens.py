"""The token endpoint: signed assertions of a service account, and refresh tokens of people's consents."""

from __future__ import annotations

import base64
import functools
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.google.description import Refused
from tests.fakes.google.office import Office

AUDIENCE = "https://oauth2.googleapis.com/token"
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ROBOT = "cadencia@example.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/"
LEAST = f"{SCOPE}calendar.events.owned.readonly"


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    """Return the service account's key; making one takes long enough to do it once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class Token:
    """Whose access token it is, and for what."""

    subject: str
    scopes: frozenset[str]


@dataclass
class TokenDesk:
    """Hands out access tokens. `delegated` are the scopes that the administrator granted to the account."""

    office: Office
    delegated: set[str] = field(default_factory=lambda: {LEAST})
    consents: dict[str, Token] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    issued: dict[str, Token] = field(default_factory=dict)
    lifetime_s: int = 3600
    clock_s: int | None = None  # what Google thinks the time is
    problem: tuple[int, dict[str, str]] | None = None
    requests: int = 0
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def key_file(self, token_url: str) -> str:
        """Return the JSON of the service account's key."""
        pem = private_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps({
            "type": "service_account",
            "project_id": "cadencia",
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "client_email": ROBOT,
            "client_id": "1",
            "token_uri": token_url,
        })  # fmt: skip

    def consent(self, person: str, client_id: str = "client", secret: str = "secret") -> str:
        """Return the refresh token of a person's consent."""
        self.clients[client_id] = secret
        name = f"refresh-{next(self._numbers)}"
        self.consents[name] = Token(person, frozenset({LEAST}))
        return name

    def revoke(self, person: str) -> None:
        """Take back whatever acts for the person: consents, and tokens that were handed out."""
        self.consents = {name: t for name, t in self.consents.items() if t.subject != person}
        self.kill_tokens(person)

    def kill_tokens(self, person: str) -> None:
        """Make access tokens invalid before their time."""
        self.issued = {name: t for name, t in self.issued.items() if t.subject != person}

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request to the endpoint."""
        self.requests += 1
        if self.problem:
            return self.problem
        try:
            grant = form.get("grant_type")
            token = self._delegate(form["assertion"]) if grant == ASSERTION else self._refresh(form)
        except _No as no:
            return 400 if no.code != "invalid_client" else 401, {
                "error": no.code,
                "error_description": no.why,
            }
        name = f"ya29.{next(self._numbers)}"
        self.issued[name] = token
        scope = " ".join(sorted(token.scopes))
        return 200, {
            "access_token": name,
            "expires_in": self.lifetime_s,
            "token_type": "Bearer",
            "scope": scope,
        }

    def check(self, authorization: str | None) -> Token:
        """Return whose request it is."""
        token = self.issued.get((authorization or "").removeprefix("Bearer "))
        if token is None:
            raise Refused(401, "authError", {"WWW-Authenticate": "Bearer"})
        return token

    def _refresh(self, form: dict[str, str]) -> Token:
        if self.clients.get(form.get("client_id", "")) != form.get("client_secret"):
            raise _No("invalid_client", "The OAuth client was not found.")
        token = self.consents.get(form.get("refresh_token", ""))
        if token is None:
            raise _No("invalid_grant", "Token has been expired or revoked.")
        return token

    def _delegate(self, assertion: str) -> Token:
        head, claims, signature = assertion.split(".")
        try:
            private_key().public_key().verify(
                _bytes(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            raise _No("invalid_grant", "Invalid JWT Signature.") from None
        said = json.loads(_bytes(claims))
        now = self.clock_s if self.clock_s is not None else said["iat"]
        if said["aud"] != AUDIENCE or said["iss"] != ROBOT:
            raise _No("invalid_grant", "Invalid issuer or audience.")
        if abs(said["iat"] - now) > 300 or said["exp"] - said["iat"] > 3600:
            raise _No(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
            )
        scopes = frozenset(said["scope"].split())
        if not scopes <= self.delegated:
            raise _No(
                "unauthorized_client", "Client is unauthorized to retrieve access tokens using this method."
            )
        person = self.office.aliases.get(said["sub"], said["sub"])
        if person not in self.office.calendars:
            raise _No("invalid_grant", "Invalid email or User ID")
        return Token(person, scopes)


class _No(Exception):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(code)
        self.code = code
        self.why = why


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
