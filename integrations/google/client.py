"""Requests to Google's APIs: built by Google's client library, sent over connections that stay open.

The service is built once, from the description that ships inside the library: that costs no request, and its
price in time is not paid at every calendar. Never follows a redirect, never waits without bound, and never
tells an address or an answer in an error or a log.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.model import JsonModel

from integrations.google.errors import problem_of
from integrations.google.wire import GOOGLE, Exchange
from integrations.patience import send_patiently
from integrations.wire import Wire
from tracker.errors import ConnectorError, RateLimited
from tracker.ports import Access

API_ROOT = "https://www.googleapis.com"
# Google packs its answers only for clients whose name says so.
_HEADERS = {"User-Agent": "Cadencia (gzip)", "Accept-Encoding": "gzip"}
# The library logs whole addresses of requests, which hold people's mail addresses.
logging.getLogger("googleapiclient").setLevel(logging.ERROR)

Pacer = Callable[[], RateLimited | None]  # counts a request, and returns what to raise instead of sending it


class Request(Protocol):
    """A request as the client library builds it; `headers` may be added to."""

    headers: dict[str, str]

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


class Api:
    """One of Google's hosts. Safe to share between threads; not across a fork."""

    def __init__(self, root: str, ca_bundle: str | None, sleep: Callable[[float], None]) -> None:
        self._root = root.rstrip("/") + "/"
        self._wire = Wire(root, ca_bundle, GOOGLE)
        self._sleep = sleep

    def build(self, name: str, version: str) -> Any:
        """Return one of the services there, as the library builds them. No network."""
        description = json.loads(get_static_doc(name, version))
        description["rootUrl"] = self._root
        # A service that is never asked to send by itself needs no credentials and no client of its own.
        return build_from_document(description, http=_Unused(), model=_BytesModel())

    def line(self, access: Access, pace: Pacer | None = None) -> "Line":
        """Return what sends requests with that access, `pace` permitting."""
        return Line(self._wire, access, self._sleep, pace)

    def close(self) -> None:
        """Close all connections."""
        self._wire.close()


class GoogleApi(Api):
    """The Calendar API at one root, and what lies beside it.

    `events`, `freebusy` and `channels` have the methods of the API's resources.
    """

    def __init__(
        self,
        root: str = API_ROOT,
        ca_bundle: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(root, ca_bundle, sleep)
        self.exchange = Exchange(ca_bundle)
        service = self.build("calendar", "v3")
        self.events: Any = service.events()
        self.freebusy: Any = service.freebusy()
        self.channels: Any = service.channels()

    @cached_property
    def userinfo(self) -> Any:
        """The resource that tells an account who it is."""
        return self.build("oauth2", "v2").userinfo()


class MeetApi(Api):
    """The Meet API at one root. `records` has the methods of the API's `conferenceRecords`."""

    def __init__(
        self, root: str, ca_bundle: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(root, ca_bundle, sleep)
        self.records: Any = self.build("meet", "v2").conferenceRecords()


class _Unused:
    """Stands where the library wants a client of its own."""

    def close(self) -> None:
        """Nothing was opened."""


class Line:
    """Sends requests as one account, and tries again what may pass. Not shared between threads."""

    def __init__(
        self, wire: Wire, access: Access, sleep: Callable[[float], None], pace: Pacer | None = None
    ) -> None:
        self._wire = wire
        self._access = access
        self._sleep = sleep
        self._pace = pace
        self._may_repeat = True

    def fetch(self, request: Request) -> bytes:
        """Return the body of the answer to `request`, which may run twice. Raises ConnectorError."""
        return request.execute(http=self)

    def fetch_once(self, request: Request) -> bytes:
        """Send what must not run twice: it is tried again only if Google said that it did nothing."""
        self._may_repeat = False
        try:
            return request.execute(http=self)
        finally:
            self._may_repeat = True

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[_Reply, bytes]:
        """Send one request of the library's; called by it."""
        sent = {**(headers or {}), **_HEADERS}

        def send(token: str) -> bytes | ConnectorError:
            answer = self._send(method, uri, body, {**sent, "authorization": f"Bearer {token}"})
            if not self._may_repeat and isinstance(answer, ConnectorError) and answer.code in _UNSURE:
                raise answer
            return answer

        return _OK, send_patiently(send, self._access, self._sleep)

    def _send(self, method: str, uri: str, body: Any, headers: Mapping[str, str]) -> bytes | ConnectorError:
        if self._pace and (too_fast := self._pace()):
            return too_fast
        try:
            reply = self._wire.exchange(method, uri, body, headers)
        except ConnectorError as error:
            return error
        if 200 <= reply.status < 300:
            return reply.body
        return problem_of(reply.status, reply.headers, reply.body)


_OK = _Reply(200)
# After these nobody knows whether the request did its work.
_UNSURE = frozenset({"unreachable", "server_error"})
