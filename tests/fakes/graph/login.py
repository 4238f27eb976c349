"""The login service: its own description, and tokens for an application by its secret or its certificate."""

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

from tests.fakes.graph.mailbox import Refused

TENANT = "contoso.onmicrosoft.com"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
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
    """Hands out access tokens. `problem` is an AADSTS number with which it refuses whoever comes."""

    client_id: str = "11111111-2222-3333-4444-555555555555"
    secret: str = "s3cret"
    lifetime_s: int = 3600
    problem: tuple[int, str, int] | None = None  # status, error, AADSTS number
    requests: int = 0
    issued: set[str] = field(default_factory=set)
    scopes: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def kill_tokens(self) -> None:
        """Make all tokens invalid before their time."""
        self.issued.clear()

    def check(self, authorization: str | None) -> None:
        """Refuse whoever has no token."""
        if (authorization or "").removeprefix("Bearer ") not in self.issued:
            raise Refused(401, "InvalidAuthenticationToken")

    def answer(self, target: str, root: str, body: bytes) -> Answer:
        """Answer a request to the login service."""
        path = urlsplit(target).path
        if not path.startswith(f"/{TENANT}/"):
            return _refuse(400, "invalid_tenant", 90002)
        if path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            return 200, _describe(root), {}
        if path != f"/{TENANT}/oauth2/v2.0/token":
            return 404, {}, {}
        return self._token(dict(parse_qsl(body.decode())), f"{root}{path}")

    def _token(self, form: dict[str, str], audience: str) -> Answer:
        self.requests += 1
        if self.problem:
            return _refuse(*self.problem)
        if form.get("grant_type") != "client_credentials":
            return _refuse(400, "unsupported_grant_type", 70003)
        if form.get("client_id") != self.client_id:
            return _refuse(400, "unauthorized_client", 700016)
        if not self._is_proved(form, audience):
            return _refuse(401, "invalid_client", 700027 if "client_assertion" in form else 7000215)
        self.scopes.append(form["scope"])
        name = f"app-{next(self._numbers)}"
        self.issued.add(name)
        return 200, {"token_type": "Bearer", "expires_in": self.lifetime_s, "access_token": name}, {}

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
