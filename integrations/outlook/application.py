"""Who we are at Microsoft, and where Microsoft is. Never shows a secret."""

import re
from dataclasses import dataclass, field

from integrations.outlook.errors import NO_CERTIFICATE
from tracker.errors import ConnectorError

AUTHORITY = "https://login.microsoftonline.com"
VERSION = "/v1.0"
GRAPH_ROOT = "https://graph.microsoft.com" + VERSION
_KEY = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


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


@dataclass(frozen=True)
class Place:
    """Where Microsoft Graph is: the worldwide one, unless the settings name a national cloud's.

    `graph_root` may be written with the API's version at its end, as Microsoft's pages do, or without it.
    """

    graph_root: str = GRAPH_ROOT
    ca_bundle: str | None = None
    counted_at: str | None = field(default=None, repr=False)  # where requests are counted; None: here alone

    @property
    def resource(self) -> str:
        """Return what tokens are asked for, and the names of permissions begin with: it has no version."""
        return without_version(self.graph_root)


WORLDWIDE = Place()


def without_version(root: str) -> str:
    """Return Graph's address without the API's version, and without a slash at its end."""
    return root.rstrip("/").removesuffix(VERSION).rstrip("/")
