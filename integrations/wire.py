"""Connections to one provider's host that stay open, and little else.

Most calendars answer in a few hundred bytes, so what a request costs is what its client costs. Never follows
a redirect, never waits or reads without bound, and never tells an address or an answer in an error.
"""

import base64
import ssl
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import unquote, urlsplit

import requests.utils
from urllib3.util.wait import wait_for_read

from integrations.barriers import barrier_of, unreachable
from integrations.trust import open_trust
from tracker.errors import BadPayload, ConnectorError

CONNECT_S, READ_S = 10.0, 40.0
MAX_BYTES = 50_000_000
MOST_IDLE = 64


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: header names in lower case, the body unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """The host of one address. Safe to share between threads; not across a fork."""

    def __init__(self, root: str, ca_bundle: str | None, whose: str) -> None:
        """Take the host's address and the name of whose it is, for messages; connect to nothing yet."""
        self.unreachable = unreachable(whose)
        parts = urlsplit(root)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = None if parts.scheme == "http" else open_trust(ca_bundle)
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
        except (OSError, HTTPException, ValueError, zlib.error) as error:
            problem = barrier_of(error) or ConnectorError(self.unreachable)
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


def _read(response: HTTPResponse) -> Reply:
    headers = {name.lower(): value for name, value in response.getheaders()}
    body = response.read(MAX_BYTES + 1)
    if headers.get("content-encoding", "").lower() == "gzip":
        unpack = zlib.decompressobj(31)
        body = unpack.decompress(body, MAX_BYTES + 1)
        if not unpack.eof and len(body) <= MAX_BYTES:
            raise BadPayload("The answer is cut off.", code="cut_off")
    if len(body) > MAX_BYTES:
        raise BadPayload("The answer is larger than a page of events can be.", code="too_large")
    return Reply(response.status, headers, body)
