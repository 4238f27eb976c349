"""Requests to the Calendar API: built by Google's client library, sent over connections that stay open.

The service is built once, from the description that ships inside the library: that costs no request, and its
price in time is not paid at every calendar. Never follows a redirect, never waits without bound, and never
tells an address or an answer in an error or a log.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import requests.utils
import urllib3
from google.auth.transport.urllib3 import Request as Exchange
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.model import JsonModel

from integrations.google.access import Access
from integrations.google.errors import UNREACHABLE, problem_of
from tracker.errors import AuthRevoked, BadPayload, ConnectorError

API_ROOT = "https://www.googleapis.com"
CONNECT_S, READ_S = 10.0, 40.0
MAX_BYTES = 50_000_000
CONNECTIONS = 64
ATTEMPTS = 4
LONGEST_WAIT_S = 20.0  # what is to last longer is for the next sync
_RETRIED = frozenset({"unreachable", "server_error", "rate_limited"})
# Google's logger packs a reply only for clients whose name says so.
_HEADERS = {"User-Agent": "Cadencia (gzip)", "Accept-Encoding": "gzip", "Accept": "application/json"}
# The library logs whole addresses of requests, which hold people's mail addresses.
logging.getLogger("googleapiclient").setLevel(logging.ERROR)


class Request(Protocol):
    """A request as the client library builds it."""

    def execute(self, http: object) -> bytes:
        """Send the request through `http`."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """What the library wants to know of an answer."""

    status: int


class _BytesModel:
    """Writes requests as the library does, and leaves answers to us: they are decoded once, into types."""

    alt_param = "json"

    def __init__(self) -> None:
        self._json = JsonModel(data_wrapper=False)

    def request(self, *parts: Any) -> Any:
        return self._json.request(*parts)

    def response(self, _reply: _Reply, content: bytes) -> bytes:
        return content


class GoogleApi:
    """The Calendar API at one root. Safe to share between threads; not across a fork.

    `events` has the methods of the API's `events`, as the library builds them.
    """

    def __init__(
        self,
        root: str = API_ROOT,
        ca_bundle: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pool = _open_pool(root, ca_bundle)
        self._sleep = sleep
        self.exchange = Exchange(self._pool)
        description = json.loads(get_static_doc("calendar", "v3"))
        description["rootUrl"] = root.rstrip("/") + "/"
        # A service that is never asked to send by itself needs no credentials and no client of its own.
        self.events: Any = build_from_document(description, http=_Unused(), model=_BytesModel()).events()

    def line(self, access: Access) -> "Line":
        """Return what sends requests with that access."""
        return Line(self._pool, access, self._sleep)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()


class _Unused:
    """Stands where the library wants a client of its own."""

    def close(self) -> None:
        """Nothing was opened."""


class Line:
    """Sends requests as one account, and tries again what may pass. Not shared between threads."""

    def __init__(self, pool: urllib3.PoolManager, access: Access, sleep: Callable[[float], None]) -> None:
        self._pool = pool
        self._access = access
        self._sleep = sleep

    def fetch(self, request: Request) -> bytes:
        """Return the body of the answer to `request`. Raises ConnectorError."""
        return request.execute(http=self)

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[_Reply, bytes]:
        """Send one request of the library's; called by it."""
        token, is_second = self._access.token(), False
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._send(
                method, uri, body, {**_HEADERS, **(headers or {}), "Authorization": f"Bearer {token}"}
            )
            if isinstance(answer, bytes):
                return _Reply(200), answer
            if type(answer) is AuthRevoked and not is_second:
                # Tokens can die before their time; only a fresh one that is refused tells something.
                token, is_second = self._access.replace(token), True
                continue
            if attempt == ATTEMPTS or (wait_s := _wait_s(answer, attempt)) is None:
                raise answer
            self._sleep(wait_s)
        raise ConnectorError(UNREACHABLE)

    def _send(self, method: str, uri: str, body: Any, headers: Mapping[str, str]) -> bytes | ConnectorError:
        # The library's exceptions hold the address: they end here.
        try:
            response = self._pool.request(
                method, uri, body=body, headers=headers, preload_content=False, retries=False, redirect=False
            )
            content = response.read(MAX_BYTES + 1, decode_content=True)
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError):
            return ConnectorError(UNREACHABLE)
        if len(content) > MAX_BYTES:
            response.close()
            return BadPayload("Google's answer is larger than a page of events can be.", code="too_large")
        if 200 <= response.status < 300:
            return content
        return problem_of(response.status, {k.lower(): v for k, v in response.headers.items()}, content)


def _wait_s(problem: ConnectorError, attempt: int) -> float | None:
    """Return how long to wait before trying again; None where that is of no use, or would take too long."""
    if problem.code not in _RETRIED:
        return None
    asked = problem.retry_after_s
    if asked is not None and asked > LONGEST_WAIT_S:
        return None
    usual = 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing
    return max(asked or 0.0, usual)


def _open_pool(root: str, ca_bundle: str | None) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "num_pools": 8,
        "maxsize": CONNECTIONS,
        "timeout": urllib3.Timeout(connect=CONNECT_S, read=READ_S),
        "ca_certs": ca_bundle or requests.utils.DEFAULT_CA_BUNDLE_PATH,
    }
    proxy = requests.utils.select_proxy(root, requests.utils.get_environ_proxies(root))
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
