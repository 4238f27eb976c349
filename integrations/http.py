"""Requests to the outside world, whoever gave the address.

It never connects to an address inside (unless the host was allowed by name), never follows a redirect
unchecked, never waits or reads without bound, and never tells an address or a body in an error or a log.

An address that a person typed is hostile: its host is judged at the moment of connecting, on the very socket
that is used, so that a name that resolves differently the second time gains nothing. The machine's proxy
variables are not followed for such addresses, because then the proxy would resolve and connect; `via_proxy`
is for the fixed addresses of providers. `.netrc` and REQUESTS_CA_BUNDLE are never read: trust comes from
settings.
"""

import contextlib
import email.utils
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from integrations.addresses import check_url, is_open_address
from integrations.barriers import barrier_of, unreachable, unreached
from integrations.trust import open_trust
from integrations.unpacking import read_body
from tracker.clock import SystemClock
from tracker.errors import AuthRevoked, BadPayload, ConnectorError, RateLimited

UNREACHABLE = (
    "This address could not be read. Check that it opens in a private browser window without signing in."
)
NO_ANSWER = unreachable("The address")
USER_AGENT = "Cadencia (calendar reader)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# urllib3 writes whole addresses to its debug log, and a feed's address is a secret.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a request may take, in seconds, and how much it may bring, in bytes after decompression."""

    connect_s: float = 10
    read_s: float = 20
    total_s: float = 60
    max_bytes: int = 50_000_000
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers (names in lower case) and the body, decompressed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def fetch(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    allowed_hosts: frozenset[str] = frozenset(),
    ca_bundle: str | None = None,
) -> Answer:
    """Get a hostile address, redirects followed, and return a 200 or a 304.

    `allowed_hosts` (lower case, `host` or `host:port`) may be plain http and lie inside.
    Raises ConnectorError.
    """
    limits = limits or Limits()
    deadline = time.monotonic() + limits.total_s
    target = check_url(url, allowed_hosts)
    for _ in range(limits.max_redirects + 1):
        line = _Line(limits, deadline, allowed_hosts, ca_bundle)
        answer = _send_once("GET", target, headers or {}, None, line)
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            return check_status(answer)
        target = _next_target(target, answer.headers["location"], allowed_hosts)
        headers = {k: v for k, v in (headers or {}).items() if k.lower() not in ("authorization", "cookie")}
    raise ConnectorError(UNREACHABLE)


def send(  # noqa: PLR0913 - a request has that many sides
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limits: Limits | None = None,
    ca_bundle: str | None = None,
    via_proxy: bool = True,
    attempts: int = 1,
) -> Answer:
    """Ask a provider at an address from settings, and return its answer whatever the status.

    Redirects are not followed. With `attempts` above 1 a failed connection or a 502, 503 or 504 is tried
    again after a short wait (Retry-After up to ten seconds): only for requests that may run twice.
    """
    limits = limits or Limits()
    deadline = time.monotonic() + limits.total_s
    line = _Line(limits, deadline, None, ca_bundle, via_proxy)
    for attempt in range(1, attempts + 1):
        last = attempt == attempts
        wait_s = 0.5 * 2**attempt
        try:
            answer = _send_once(method, url, headers or {}, body, line)
        except ConnectorError as e:
            # Neither an answer that is too large nor a certificate becomes another one by asking again.
            if last or e.code != ConnectorError.code:
                raise
        else:
            if last or answer.status not in (502, 503, 504):
                return answer
            wait_s = min(retry_after(answer.headers) or wait_s, 10)
        if time.monotonic() + wait_s >= deadline:
            raise ConnectorError(NO_ANSWER)
        time.sleep(wait_s)
    raise ConnectorError(NO_ANSWER)


def post(  # noqa: PLR0913 - a request has that many sides
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    limits: Limits,
    allowed_hosts: frozenset[str] = frozenset(),
    ca_bundle: str | None = None,
) -> Answer:
    """Post to a hostile address, once, and return the answer whatever the status. Raises ConnectorError.

    No redirect is followed: what is posted is meant for this address alone.
    """
    line = _Line(limits, time.monotonic() + limits.total_s, allowed_hosts, ca_bundle)
    try:
        return _send_once("POST", check_url(url, allowed_hosts), headers, body, line)
    except ConnectorError as e:
        why = str(unreached(e, "The address does not answer."))
    raise ConnectorError(why, retry_after_s=60.0)


def touch(url: str, *, allowed_hosts: frozenset[str] | None, ca_bundle: str | None, limits: Limits) -> None:
    """Ask for the head of an address, to see whether anybody answers. Raises ConnectorError.

    `allowed_hosts` is None for an address from settings, which may lie anywhere.
    """
    is_ours = allowed_hosts is None
    target = url if allowed_hosts is None else check_url(url, allowed_hosts)
    line = _Line(limits, time.monotonic() + limits.total_s, allowed_hosts, ca_bundle, via_proxy=is_ours)
    _send_once("HEAD", target, {}, None, line)


def check_status(answer: Answer) -> Answer:
    """Return an answer of status 200 or 304. Raises what any other status means."""
    status = answer.status
    if status in (200, 304):
        return answer
    if status in (401, 403, 404, 410):
        raise AuthRevoked("This link is no longer valid: the calendar has to be connected again.")
    if status in (429, 503):
        wait_s = retry_after(answer.headers)
        if status == 429 or wait_s is not None:
            raise RateLimited("The calendar's server asks us to wait.", retry_after_s=wait_s)
    if status >= 500:
        raise ConnectorError("The calendar's server reports a fault of its own.", code="server_error")
    raise ConnectorError("The calendar's server gave an answer that is no calendar.", code="refused")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that Retry-After asks for, written as a number or as a date; at most a day."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(min(int(value), 86_400))
    try:
        at = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - SystemClock().now()).total_seconds()), 86_400.0)


def _next_target(current: str, location: str, allowed_hosts: frozenset[str]) -> str:
    try:
        return check_url(urljoin(current, location), allowed_hosts)
    except (ConnectorError, ValueError):
        pass
    raise ConnectorError(UNREACHABLE)


# One request


@dataclass(frozen=True, slots=True)
class _Line:
    """How one request goes out. `allowed_hosts` is None for an address from settings: it may lie anywhere."""

    limits: Limits
    deadline: float
    allowed_hosts: frozenset[str] | None
    ca_bundle: str | None
    via_proxy: bool = False

    @property
    def no_answer(self) -> str:
        """Return the message that nobody answers: whoever typed the address can look at it themselves."""
        return NO_ANSWER if self.allowed_hosts is None else UNREACHABLE


class _Guard:
    """Opens the sockets of one request and cuts them off at its deadline, in whatever state they are."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(0.0, line.deadline - time.monotonic()), self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Guard":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a socket to `host`, connected to an address that it may have. Raises OSError."""
        error = OSError("no address that may be connected to")
        for family, kind, proto, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
            if not self._may_reach(host, port, str(address[0])):
                continue
            sock = socket.socket(family, kind, proto)
            try:
                sock.settimeout(self._line.limits.connect_s)
                self._watch(sock)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(self._line.limits.read_s)
                return sock
            except OSError as e:
                error = e
                sock.close()
        raise error

    def _may_reach(self, host: str, port: int, address: str) -> bool:
        allowed = self._line.allowed_hosts
        return allowed is None or host in allowed or f"{host}:{port}" in allowed or is_open_address(address)

    def _watch(self, sock: socket.socket) -> None:
        # A second handle on the same connection: the first goes to TLS, which may be stuck in its handshake.
        with self._lock:
            self._sockets.append(sock.dup())

    def _cut(self) -> None:
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _Adapter(HTTPAdapter):
    """Makes requests use the guard's sockets, and trust whom we trust."""

    def __init__(self, guard: _Guard, trust: ssl.SSLContext) -> None:
        self._guard = guard
        self._trust = trust
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools with connections of the guard's."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._trust)
        guard = self._guard

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _guarded(guard, self)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _guarded(guard, self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Build the pools behind a proxy; its own certificate is judged alike."""
        trust = {"ssl_context": self._trust, "proxy_ssl_context": self._trust}
        return super().proxy_manager_for(proxy, **kwargs, **trust)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the check to the context: left alone, requests reads its own authorities at each request."""
        conn.cert_reqs = ssl.CERT_REQUIRED


def _guarded(guard: _Guard, connection: HTTPConnection) -> socket.socket:
    try:
        return guard.connect(connection.host.strip("[]"), connection.port or 0)
    except OSError:
        raise urllib3.exceptions.NewConnectionError(connection, "refused") from None


_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


def _send_once(method: str, url: str, headers: Mapping[str, str], body: bytes | None, line: _Line) -> Answer:
    # The library's exceptions hold the address. They end here, and ours is raised after they are gone, so
    # that no chain of exceptions leads back to them.
    answer: Answer | None = None
    problem: ConnectorError | None = None
    try:
        answer = _exchange(method, url, headers, body, line)
    except BadPayload as e:
        problem = e
    except _FAILURES as e:
        problem = barrier_of(e)
    if answer is not None and time.monotonic() <= line.deadline:
        return answer
    raise problem or ConnectorError(line.no_answer)


def _exchange(method: str, url: str, headers: Mapping[str, str], body: bytes | None, line: _Line) -> Answer:
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate", "Connection": "close", **headers}
    with _Guard(line) as guard, requests.Session() as session:
        session.trust_env = False
        adapter = _Adapter(guard, open_trust(line.ca_bundle))
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        proxies = requests.utils.get_environ_proxies(url) if line.via_proxy else {}
        with session.request(
            method, url, headers=sent, data=body, stream=True, allow_redirects=False, proxies=proxies,
            timeout=(line.limits.connect_s, line.limits.read_s),
        ) as response:  # fmt: skip
            kept = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code in _REDIRECTS or response.status_code == 304:
                return Answer(response.status_code, kept)
            pieces = read_body(response, kept.get("content-encoding", ""), line.limits.max_bytes)
            return Answer(response.status_code, kept, b"".join(pieces))
