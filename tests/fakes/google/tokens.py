"""Tokens: signed assertions of a service account, and people's consents with their page, codes and tokens."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.google.description import Refused
from tests.fakes.google.office import Office, account_number

AUDIENCE = "https://oauth2.googleapis.com/token"
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ROBOT = "cadencia@example.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/"
LEAST = f"{SCOPE}calendar.events.owned.readonly"
WRITE = f"{SCOPE}calendar.events.owned"
FREE_BUSY = f"{SCOPE}calendar.freebusy"
ATTENDANCE = f"{SCOPE}meetings.space.readonly"
IDENTITY = f"{SCOPE}userinfo.email"
ALL_THAT_WE_USE = frozenset({LEAST, WRITE, FREE_BUSY, ATTENDANCE, IDENTITY})


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    """Return the service account's key; making one takes long enough to do it once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class Token:
    """Whose access token it is, and for what."""

    subject: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opens the consent page next. `ticks` None: everything that is asked for; `error`: what they say."""

    person: str
    ticks: frozenset[str] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """What a code is good for, once."""

    token: Token
    asked: dict[str, str]


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
    problem_headers: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    visitor: Visitor | None = None
    codes: dict[str, Code] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)  # put over those of the next identity tokens
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

    def consent(
        self,
        person: str,
        client_id: str = "client",
        secret: str = "secret",
        scopes: frozenset[str] = frozenset({LEAST}),
    ) -> str:
        """Return the refresh token of a person's consent."""
        self.clients[client_id] = secret
        return self._remember(Token(person, scopes))

    def show_page(self, query: dict[str, str]) -> str:
        """Return where the consent page sends its visitor. Refuses what is no request for a consent."""
        needed = ("redirect_uri", "state", "code_challenge", "nonce", "scope")
        is_sound = query.get("response_type") == "code" and query.get("code_challenge_method") == "S256"
        if query.get("client_id") not in self.clients or not is_sound or not all(map(query.get, needed)):
            raise Refused(400, "invalid_request")
        visitor = self.visitor or Visitor(query["login_hint"])
        if visitor.error:
            return _with(query["redirect_uri"], error=visitor.error, state=query["state"])
        asked = {IDENTITY if scope == "email" else scope for scope in query["scope"].split()}
        given = asked if visitor.ticks is None else asked & (visitor.ticks | {"openid", IDENTITY})
        if query.get("include_granted_scopes") == "true":
            given |= {s for t in self.consents.values() if t.subject == visitor.person for s in t.scopes}
        name = f"4/code-{next(self._numbers)}"
        self.codes[name] = Code(Token(visitor.person, frozenset(given)), query)
        return _with(query["redirect_uri"], code=name, state=query["state"], scope=" ".join(sorted(given)))

    def give_back(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request to the endpoint that takes consents back: all that the person gave this client."""
        token = self.consents.get(form.get("token", ""))
        if token is None:
            return 400, {"error": "invalid_token", "error_description": "Token expired or revoked"}
        self.revoke(token.subject)
        return 200, {}

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
            return 200, self._grant(form)
        except _No as no:
            status = 401 if no.code == "invalid_client" else 400
            return status, {"error": no.code, "error_description": no.why}

    def _grant(self, form: dict[str, str]) -> dict[str, Any]:
        kind = form.get("grant_type")
        further: dict[str, str] = {}
        if kind == ASSERTION:
            token = self._delegate(form["assertion"])
        elif kind == "authorization_code":
            token, further = self._redeem(form)
        else:
            token = self._refresh(form)
        name = f"ya29.{next(self._numbers)}"
        self.issued[name] = token
        return {
            "access_token": name, "expires_in": self.lifetime_s, "token_type": "Bearer",
            "scope": " ".join(sorted(token.scopes)), **further,
        }  # fmt: skip

    def check(self, authorization: str | None) -> Token:
        """Return whose request it is."""
        token = self.issued.get((authorization or "").removeprefix("Bearer "))
        if token is None:
            raise Refused(401, "authError", {"WWW-Authenticate": "Bearer"})
        return token

    def _check_client(self, form: dict[str, str]) -> None:
        if self.clients.get(form.get("client_id", "")) != form.get("client_secret"):
            raise _No("invalid_client", "The OAuth client was not found.")

    def _refresh(self, form: dict[str, str]) -> Token:
        self._check_client(form)
        token = self.consents.get(form.get("refresh_token", ""))
        if token is None:
            raise _No("invalid_grant", "Token has been expired or revoked.")
        if token.subject in self.office.gone:
            raise _No("invalid_grant", "Account has been deleted")
        return token

    def _redeem(self, form: dict[str, str]) -> tuple[Token, dict[str, str]]:
        self._check_client(form)
        code = self.codes.pop(form.get("code", ""), None)  # good for once
        if code is None:
            raise _No("invalid_grant", "Malformed auth code.")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.asked["code_challenge"]:
            raise _No("invalid_grant", "Invalid code verifier.")
        if form.get("redirect_uri") != code.asked["redirect_uri"]:
            raise _No("redirect_uri_mismatch", "Bad Request")
        further = {"id_token": self._identity(code)}
        is_new = not any(token.subject == code.token.subject for token in self.consents.values())
        if code.asked.get("access_type") == "offline" and (is_new or code.asked.get("prompt") == "consent"):
            further["refresh_token"] = self._remember(code.token)
        return code.token, further

    def _identity(self, code: Code) -> str:
        claims = {
            "iss": "https://accounts.google.com", "aud": code.asked["client_id"],
            "sub": account_number(code.token.subject), "email": code.token.subject, "email_verified": True,
            "nonce": code.asked["nonce"], "exp": int(time.time()) + self.lifetime_s, **self.claims,
        }  # fmt: skip
        parts = ({"alg": "RS256"}, claims, "signature")
        return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)

    def _remember(self, token: Token) -> str:
        name = f"1//refresh-{next(self._numbers)}"
        self.consents[name] = token
        return name

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
        person = self.office.owner_of(said["sub"])
        if person is None:
            raise _No("invalid_grant", "Invalid email or User ID")
        return Token(person, scopes)


class _No(Exception):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(code)
        self.code = code
        self.why = why


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _with(address: str, **query: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"
