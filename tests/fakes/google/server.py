"""The server: reads requests, checks them against the API's description, and answers from the office."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.fakes.google.calendar import FakeCalendar, instant, read_time
from tests.fakes.google.description import (
    Method,
    Refused,
    check_query,
    check_shape,
    find_method,
    select_fields,
)
from tests.fakes.google.office import Office
from tests.fakes.google.tokens import Token, TokenDesk

SERVICE = "/calendar/v3/"
PACK_FROM = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that reached the API: the method's id, whose it was, and the query."""

    method: str
    subject: str
    query: dict[str, Any]
    path: dict[str, str]


@dataclass
class FakeGoogle:
    """The state behind the server. `faults` are given out first, `latency_s` is waited before each answer.

    `defects` are answers of ours that the API's description does not allow: a test fails over them.
    """

    office: Office = field(default_factory=Office)
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Refused] = field(default_factory=deque)
    defects: list[str] = field(default_factory=list)
    channels: dict[str, str] = field(default_factory=dict)
    latency_s: float = 0.0
    shared_with: set[tuple[str, str]] = field(default_factory=set)
    raw: bytes | None = None  # sent instead of every answer, as a proxy in between would
    packed: int = 0  # so many answers were sent packed
    cuts_packed: bool = False  # and end too early
    root: str = ""

    def __post_init__(self) -> None:
        self.desk = TokenDesk(self.office)

    @property
    def token_url(self) -> str:
        """Return where tokens are."""
        return f"{self.root}/token"

    @property
    def key(self) -> str:
        """Return the JSON of the service account's key."""
        return self.desk.key_file(self.token_url)

    def methods(self) -> list[str]:
        """Return what was asked since the last time, as the methods' short names."""
        names = [a.method.removeprefix("calendar.") for a in self.asked]
        self.asked.clear()
        return names

    def answer(self, verb: str, target: str, authorization: str | None, body: bytes) -> dict[str, Any] | None:
        """Answer a request to the API. Raises Refused."""
        parts = urlsplit(target)
        method, path = find_method(verb, parts.path.removeprefix(SERVICE))
        query = check_query(method, parse_qs(parts.query, keep_blank_values=True))
        token = self.desk.check(authorization)
        path = {name: unquote(value) for name, value in path.items()}
        self.asked.append(Asked(method.id, token.subject, query, path))
        if self.faults:
            raise self.faults.popleft()
        if not token.scopes & method.scopes:
            raise Refused(403, "insufficientPermissions")
        value = self._do(method, path, query, _Request(token, json.loads(body) if body else {}))
        if value is None or method.response is None:
            return None
        self.defects += check_shape(method.response, value)
        chosen: dict[str, Any] = select_fields(method.response, query.get("fields"), value)
        return chosen

    def _do(self, method: Method, path: dict[str, str], query: dict[str, Any], request: _Request) -> Any:
        name = method.id.removeprefix("calendar.")
        if name == "freebusy.query":
            return self._free_busy(request)
        if name == "channels.stop":
            return self._stop(request.body)
        calendar = self._calendar(path["calendarId"], request.token)
        if name == "events.list":
            return calendar.list_events(query)
        if name == "events.instances":
            return calendar.list_instances(path["eventId"], query)
        if name == "events.get":
            return calendar.get(path["eventId"])
        if name == "events.watch":
            return self._watch(calendar, request.body)
        raise Refused(501, "notImplemented")

    def _calendar(self, name: str, token: Token) -> FakeCalendar:
        owner = token.subject if name == "primary" else name
        may = owner == token.subject or (owner, token.subject) in self.shared_with
        if owner not in self.office.calendars or not may:
            raise Refused(404, "notFound")
        return self.office.calendars[owner]

    def _free_busy(self, request: _Request) -> dict[str, Any]:
        low, high = (datetime.fromisoformat(request.body[name]) for name in ("timeMin", "timeMax"))
        if len(request.body["items"]) > 50:
            raise Refused(400, "tooManyCalendarsRequested")
        found: dict[str, Any] = {}
        for name in (item["id"] for item in request.body["items"]):
            calendar = self.office.calendars.get(name)
            if calendar is None:
                found[name] = {"errors": [{"domain": "global", "reason": "notFound"}]}
            else:
                found[name] = {"busy": _busy(calendar, low, high)}
        return {
            "kind": "calendar#freeBusy", "timeMin": low.isoformat(), "timeMax": high.isoformat(),
            "calendars": found,
        }  # fmt: skip

    def _watch(self, calendar: FakeCalendar, body: dict[str, Any]) -> dict[str, Any]:
        if body["id"] in self.channels:
            raise Refused(400, "channelIdNotUnique")
        self.channels[body["id"]] = resource = f"resource-{calendar.owner}"
        ends_at = self.office.now + timedelta(days=7)
        return {
            "kind": "api#channel", "id": body["id"], "resourceId": resource, "token": body.get("token", ""),
            "resourceUri": f"{self.root}{SERVICE}calendars/{calendar.owner}/events",
            "expiration": str(int(ends_at.timestamp() * 1000)),
        }  # fmt: skip

    def _stop(self, body: dict[str, Any]) -> None:
        if self.channels.get(body["id"]) != body["resourceId"]:
            raise Refused(404, "channelUnknown")
        del self.channels[body["id"]]


@dataclass(frozen=True, slots=True)
class _Request:
    token: Token
    body: dict[str, Any]


def _busy(calendar: FakeCalendar, low: datetime, high: datetime) -> list[dict[str, str]]:
    spans = sorted((instant(read_time(e["start"])), instant(read_time(e["end"]))) for e in calendar.alive())
    return [
        {"start": start.isoformat(), "end": end.isoformat()}
        for start, end in spans
        if start < high and end > low
    ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    google: FakeGoogle

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.google.latency_s)
        if self.google.raw is not None:
            self._send(200, None, {})
            return
        if self.path == "/token":
            status, value = self.google.desk.answer(dict(parse_qsl(body.decode())))
            self._send(status, value, {})
            return
        verb, target = self.command, self.path
        if override := self.headers.get("X-HTTP-Method-Override"):
            # How the library asks when an address grows too long.
            verb, target, body = override, f"{target}?{body.decode()}", b""
        try:
            answer = self.google.answer(verb, target, self.headers.get("Authorization"), body)
            self._send(200 if answer is not None else 204, answer, {})
        except Refused as no:
            self._send(no.status, no.body(), no.headers)
        except Exception as error:
            self.google.defects.append(f"{self.path}: {error!r}")
            self._send(500, {}, {})

    def _send(self, status: int, value: Any, headers: dict[str, str]) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        content = self.google.raw if self.google.raw is not None else content
        packs = "gzip" in self.headers.get("Accept-Encoding", "") and "gzip" in self.headers.get(
            "User-Agent", ""
        )
        if packs and len(content) > PACK_FROM:
            content = gzip.compress(content, 1)
            content = content[: len(content) // 2] if self.google.cuts_packed else content
            self.google.packed += 1
            headers = {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Keep quiet: a client that hangs up is no error."""


@contextmanager
def running_google(google: FakeGoogle, tls: ssl.SSLContext | None = None) -> Iterator[FakeGoogle]:
    """Serve on a free port of loopback until the end of the block; `google.root` says where."""
    handler = type("Handler", (_Handler,), {"google": google})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    google.root = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield google
    server.shutdown()
    server.server_close()
    thread.join()
