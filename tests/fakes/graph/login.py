"""The login service: its own description, and tokens for the application and for people who consented."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.fakes.graph.consents import ConsentPage, Grant
from tests.fakes.graph.mailbox import Refused
from tests.fakes.graph.people import Holder, object_id

TENANT = "contoso.onmicrosoft.com"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SIGNING_KEY = "nobody looks at the signature of a token that came over TLS"
ROLES = ("Calendars.ReadWrite", "OnlineMeetings.Read.All", "OnlineMeetingArtifact.Read.All")
Answer = tuple[int, Any, dict[str, str]]


@functools.cache
def client_certificate() -> str:
    """Return a certificate and its key as PEM; making one takes long enough to do it once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cadencia")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(2).not_valid_before(now - timedelta(days=1))
    signed = builder.not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (signed.public_bytes(pem) + private).decode()


@dataclass
class LoginDesk:
    """Hands out access tokens. `problem` is an AADSTS number with which it refuses whoever comes.

    `roles` are the application's permissions; with none of them, RBAC for Applications is what gives rights.
    """

    client_id: str = "11111111-2222-3333-4444-555555555555"
    secret: str = "s3cret"
    lifetime_s: int = 3600
    problem: tuple[int, str, int] | None = None  # status, error, AADSTS number
    roles: tuple[str, ...] = ROLES
    requests: int = 0
    issued: dict[str, Holder] = field(default_factory=dict)
    scopes: list[str] = field(default_factory=list)
    page: ConsentPage = field(default_factory=ConsentPage)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def kill_tokens(self) -> None:
        """Make all access tokens invalid before their time."""
        self.issued.clear()

    def check(self, authorization: str | None) -> Holder:
        """Return who has that token. Refuses whoever has none."""
        holder = self.issued.get((authorization or "").removeprefix("Bearer "))
        if holder is None:
            raise Refused(401, "InvalidAuthenticationToken")
        return holder

    def let_in(self, owner: str, *scopes: str) -> str:
        """Return an access token of a person's, for tests that do not care how it was got."""
        return self._issue(Holder(owner, frozenset(scopes)))

    def answer(self, target: str, root: str, body: bytes) -> Answer:
        """Answer a request to the login service."""
        parts = urlsplit(target)
        if not parts.path.startswith(f"/{TENANT}/"):
            return _refuse(400, "invalid_tenant", 90002)
        match parts.path.removeprefix(f"/{TENANT}"):
            case "/v2.0/.well-known/openid-configuration":
                return 200, _describe(root), {}
            case "/oauth2/v2.0/authorize":
                back = self.page.show(dict(parse_qsl(parts.query)), self.client_id, root)
                return 302, {}, {"Location": back}
            case "/oauth2/v2.0/token":
                return self._token(dict(parse_qsl(body.decode())), root + parts.path)
        return 404, {}, {}

    def _token(self, form: dict[str, str], audience: str) -> Answer:
        self.requests += 1
        if self.problem:
            return _refuse(*self.problem)
        if form.get("client_id") != self.client_id:
            return _refuse(400, "unauthorized_client", 700016)
        if not self._is_proved(form, audience):
            return _refuse(401, "invalid_client", 700027 if "client_assertion" in form else 7000215)
        if form.get("grant_type") == "client_credentials":
            self.scopes.append(form["scope"])
            return 200, self._answer(self._issue(Holder(None, frozenset(self.roles)))), {}
        granted = self.page.redeem(form)
        if isinstance(granted, int):
            return _refuse(400, "invalid_grant", granted)
        return 200, self._answer_for(granted, audience), {}

    def _answer_for(self, granted: Grant, audience: str) -> dict[str, Any]:
        root = granted.root
        token = self._issue(Holder(granted.owner, granted.scopes))
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "aud": self.client_id, "iss": audience, "iat": now, "exp": now + timedelta(hours=1),
            "sub": object_id(granted.owner), "oid": object_id(granted.owner), "tid": object_id("tenant"),
            "preferred_username": granted.owner.title(), "name": "Somebody",
        }  # fmt: skip
        if granted.nonce:
            claims["nonce"] = granted.nonce
        identity = {"id_token": jwt.encode(claims, SIGNING_KEY)}
        scopes = " ".join(["openid", "profile", *(f"{root}/{name}" for name in sorted(granted.scopes))])
        return {**self._answer(token), **identity, "refresh_token": granted.refresh_token, "scope": scopes}

    def _answer(self, token: str) -> dict[str, Any]:
        return {"token_type": "Bearer", "expires_in": self.lifetime_s, "access_token": token}

    def _issue(self, holder: Holder) -> str:
        claims = {"jti": f"token {next(self._numbers)}", "roles": sorted(holder.rights)}
        token = jwt.encode(
            claims if holder.owner is None and holder.rights else {"jti": claims["jti"]}, SIGNING_KEY
        )
        self.issued[token] = holder
        return token

    def _is_proved(self, form: dict[str, str], audience: str) -> bool:
        if form.get("client_assertion_type") != JWT_BEARER:
            return form.get("client_secret") == self.secret
        public = x509.load_pem_x509_certificate(client_certificate().encode()).public_key()
        try:
            assert isinstance(public, rsa.RSAPublicKey)
            said = jwt.decode(form["client_assertion"], public, ["PS256", "RS256"], audience=audience)
        except jwt.InvalidTokenError:
            return False
        return bool(said["iss"] == said["sub"] == self.client_id)


def _describe(root: str) -> dict[str, str]:
    base = f"{root}/{TENANT}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "issuer": f"{base}/v2.0",
    }


def _refuse(status: int, error: str, number: int) -> Answer:
    words = f"AADSTS{number}: Words with the tenant, the client and a trace. Trace ID: 1"
    return status, {"error": error, "error_description": words, "error_codes": [number]}, {}
