"""Connections to one host that stay open, and little else.

Most calendars answer in a few hundred bytes, so what a request costs is what its client costs. Never follows
a redirect, never waits or reads without bound, and never tells an address or an answer in an error.
"""

import base64
import contextlib
import ssl
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import unquote, urlsplit

import google.auth.transport
import requests.utils
from google.auth.exceptions import TransportError
from urllib3.util.wait import wait_for_read

from integrations import http
from tracker.errors import BadPayload, ConnectorError

CONNECT_S, READ_S = 10.0, 40.0
MAX_BYTES = 50_000_000
MOST_IDLE = 64
UNREACHABLE = "Google could not be reached. It is tried again later."


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: header names in lower case, the body unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """The host of one address. Safe to share between threads; not across a fork."""

    def __init__(self, root: str, ca_bundle: str | None) -> None:
        parts = urlsplit(root)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = (
            None if parts.scheme == "http" else ssl.create_default_context(cafile=_authorities(ca_bundle))
        )
        self._proxy = requests.utils.select_proxy(root, requests.utils.get_environ_proxies(root))
        self._idle: deque[HTTPConnection] = deque()

    def exchange(self, method: str, uri: str, body: str | bytes | None, headers: Mapping[str, str]) -> Reply:
        """Send one request to an address below the origin. Raises ConnectorError."""
        # The library's exceptions hold the address. Ours is raised after they are gone.
        problem: ConnectorError
        try:
            connection = self._take()
            try:
                connection.request(method, uri.removeprefix(self.origin), body, dict(headers))
                reply = _read(connection.getresponse())
            except BaseException:
                connection.close()
                raise
            self._give_back(connection)
        except BadPayload as error:
            problem = error
        except (OSError, HTTPException, ValueError, zlib.error):
            problem = ConnectorError(UNREACHABLE)
        else:
            return reply
        raise problem

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> HTTPConnection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break  # another thread took the last one
            # What is readable before anything was asked is the end: the host hung up meanwhile.
            if connection.sock is not None and not wait_for_read(connection.sock, timeout=0.0):
                return connection
            connection.close()
        return self._connect()

    def _give_back(self, connection: HTTPConnection) -> None:
        if len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _connect(self) -> HTTPConnection:
        if self._tls is None:
            connection = HTTPConnection(self._host, self._port, timeout=CONNECT_S)
        elif self._proxy:
            connection = self._through_proxy(self._proxy, self._tls)
        else:
            connection = HTTPSConnection(self._host, self._port, timeout=CONNECT_S, context=self._tls)
        connection.connect()
        connection.sock.settimeout(READ_S)
        return connection

    def _through_proxy(self, proxy: str, tls: ssl.SSLContext) -> HTTPConnection:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        connection = HTTPSConnection(parts.hostname or "", parts.port or 8080, timeout=CONNECT_S, context=tls)
        headers = {}
        if parts.username:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        connection.set_tunnel(self._host, self._port or 443, headers)
        return connection


class Exchange(google.auth.transport.Request):
    """How google-auth reaches the token endpoint."""

    def __init__(self, ca_bundle: str | None) -> None:
        self._ca_bundle = ca_bundle

    def __call__(  # type: ignore[override]
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> "TokenReply":
        """Send a request for a token. Raises TransportError."""
        answer = None
        with contextlib.suppress(ConnectorError):
            answer = http.send(method, url, headers=headers, body=body, ca_bundle=self._ca_bundle)
        if answer is None:
            raise TransportError(UNREACHABLE)
        return TokenReply(answer)


class TokenReply(google.auth.transport.Response):
    """An answer as google-auth reads it."""

    def __init__(self, answer: http.Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        """Return the status."""
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers, names in lower case."""
        return self._answer.headers

    @property
    def data(self) -> bytes:
        """Return the body."""
        return self._answer.body


def _authorities(ca_bundle: str | None) -> str:
    return ca_bundle or requests.utils.DEFAULT_CA_BUNDLE_PATH


def _read(response: HTTPResponse) -> Reply:
    headers = {name.lower(): value for name, value in response.getheaders()}
    body = response.read(MAX_BYTES + 1)
    if headers.get("content-encoding", "").lower() == "gzip":
        unpack = zlib.decompressobj(31)
        body = unpack.decompress(body, MAX_BYTES + 1)
        if not unpack.eof and len(body) <= MAX_BYTES:
            raise BadPayload("Google's answer is cut off.", code="cut_off")
    if len(body) > MAX_BYTES:
        raise BadPayload("Google's answer is larger than a page of events can be.", code="too_large")
    return Reply(response.status, headers, body)
