"""The server: reads requests, checks them against the APIs' descriptions, and answers from the office."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import requests

from tests.fakes.google.calendar import FakeCalendar, instant, read_time
from tests.fakes.google.description import (
    Method,
    Refused,
    check_answer,
    check_body,
    check_query,
    find_method,
    select_fields,
)
from tests.fakes.google.meet import MeetingRooms
from tests.fakes.google.office import Office, account_number
from tests.fakes.google.push import PushDesk
from tests.fakes.google.tokens import Token, TokenDesk, Visitor
from tests.fakes.google.writes import Writer
from tests.fakes.serving import serving

# Where each API begins; what is cut off is not in its description's paths.
APIS = {"/calendar/v3/": "calendar", "/v2/": "meet", "/oauth2/": "oauth2"}
CUT = {"calendar": "/calendar/v3/", "meet": "/", "oauth2": "/"}
CONSENT_PAGE = "/o/oauth2/v2/auth"
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
    latency_s: float = 0.0
    losses: deque[Refused] = field(default_factory=deque)  # answered instead, after the work was done
    hidden: set[str] = field(default_factory=set)  # who shows nobody when they are busy
    shared_with: set[tuple[str, str]] = field(default_factory=set)
    raw: bytes | None = None  # sent instead of every answer, as a proxy in between would
    raw_status: int = 200
    packed: int = 0  # so many answers were sent packed
    cuts_packed: bool = False  # and end too early
    root: str = ""

    def __post_init__(self) -> None:
        # Held while a request is answered. A test that changes calendars while others ask holds it, too: a
        # listing in the middle of a change would hand out a token that stands for both.
        self.lock = threading.RLock()
        self.desk = TokenDesk(self.office)
        self.writer = Writer(self.office)
        self.push = PushDesk(self.office)
        self.rooms = MeetingRooms(self.office)

    @property
    def token_url(self) -> str:
        """Return where tokens are."""
        return f"{self.root}/token"

    @property
    def key(self) -> str:
        """Return the JSON of the service account's key."""
        return self.desk.key_file(self.token_url)

    @property
    def place(self) -> dict[str, str]:
        """Return the addresses of everything, by the names that the connector has for them."""
        return {f"{name}_root": self.root for name in ("api", "auth", "token", "meet")}

    def visit(
        self, url: str, person: str, ticks: frozenset[str] | None = None, error: str | None = None
    ) -> dict[str, str]:
        """Open a consent page as `person` and press the button; return what the browser comes back with."""
        self.desk.visitor = Visitor(person, ticks, error)
        answer = requests.get(url, timeout=30, allow_redirects=False, verify=False)  # noqa: S501 - loopback
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def methods(self) -> list[str]:
        """Return what was asked since the last time, as the methods' short names."""
        names = [a.method.removeprefix("calendar.") for a in self.asked]
        self.asked.clear()
        return names

    def answer(self, api: str, call: Call) -> dict[str, Any] | None:
        """Answer a request to an API. Raises Refused."""
        with self.lock:
            return self._answer(api, call)

    def _answer(self, api: str, call: Call) -> dict[str, Any] | None:
        parts = urlsplit(call.target)
        method, path = find_method(api, call.verb, parts.path.removeprefix(CUT[api]))
        query = check_query(method, parse_qs(parts.query, keep_blank_values=True))
        token = self.desk.check(call.headers.get("authorization"))
        path = {name: unquote(value) for name, value in path.items()}
        self.asked.append(Asked(method.id, token.subject, query, path))
        if self.faults:
            raise self.faults.popleft()
        if not token.scopes & method.scopes:
            lack = "ACCESS_TOKEN_SCOPE_INSUFFICIENT" if api == "meet" else "insufficientPermissions"
            raise Refused(403, lack)
        body = json.loads(call.body) if call.body else {}
        check_body(method, body)
        value = self._do(method, path, query, _Request(token, body, call.headers.get("if-match")))
        if self.losses:
            # It was done, and nobody hears of it.
            raise self.losses.popleft()
        if value is None or method.response is None:
            return None
        self.defects += check_answer(method, value)
        chosen: dict[str, Any] = select_fields(method, query.get("fields"), value)
        return chosen

    def _do(self, method: Method, path: dict[str, str], query: dict[str, Any], request: _Request) -> Any:
        name = method.id.removeprefix("calendar.")
        if method.api == "meet":
            return self._ask_rooms(name, path, query, request.token.subject)
        if name == "oauth2.userinfo.get":
            person = request.token.subject
            return {"id": account_number(person), "email": person, "verified_email": True}
        if name == "freebusy.query":
            return self._free_busy(request)
        if name == "channels.stop":
            return self.push.stop(request.body)
        return self._do_event(name, path, query, request)

    def _do_event(self, name: str, path: dict[str, str], query: dict[str, Any], request: _Request) -> Any:
        calendar, event = self._calendar(path["calendarId"], request.token), path.get("eventId", "")
        deeds: dict[str, Callable[[], Any]] = {
            "events.list": lambda: calendar.list_events(query),
            "events.instances": lambda: calendar.list_instances(event, query),
            "events.get": lambda: calendar.get(event),
            "events.watch": lambda: self.push.watch(calendar, request.body, self.root),
            "events.insert": lambda: self.writer.insert(calendar, request.body, query),
            "events.patch": lambda: self.writer.patch(
                calendar, event, (request.body, request.if_match), query
            ),
            "events.delete": lambda: self.writer.delete(calendar, event, request.if_match, query),
        }
        if name not in deeds:
            raise Refused(501, "notImplemented")
        return deeds[name]()

    def _ask_rooms(self, name: str, path: dict[str, str], query: dict[str, Any], person: str) -> Any:
        call, participant = path.get("conferenceRecordsId", ""), path.get("participantsId", "")
        if name == "meet.conferenceRecords.list":
            return self.rooms.records(person, query)
        if name == "meet.conferenceRecords.participants.list":
            return self.rooms.participants(person, call, query)
        if name == "meet.conferenceRecords.participants.participantSessions.list":
            return self.rooms.sessions(person, call, participant, query)
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
            if calendar is None or name in self.hidden:
                found[name] = {"errors": [{"domain": "global", "reason": "notFound"}]}
            else:
                found[name] = {"busy": _busy(calendar, low, high)}
        return {
            "kind": "calendar#freeBusy", "timeMin": low.isoformat(), "timeMax": high.isoformat(),
            "calendars": found,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in; names of headers in lower case."""

    verb: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Request:
    token: Token
    body: dict[str, Any]
    if_match: str | None


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

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.google.latency_s)
        if self.google.raw is not None:
            self._send(self.google.raw_status, None, {})
            return
        path = urlsplit(self.path).path
        if path in ("/token", "/revoke"):
            answer = self.google.desk.answer if path == "/token" else self.google.desk.give_back
            self._send(*answer(dict(parse_qsl(body.decode()))), self.google.desk.problem_headers)
        elif path == CONSENT_PAGE:
            self._show_page()
        else:
            self._serve_api(body)

    def _show_page(self) -> None:
        try:
            target = self.google.desk.show_page(dict(parse_qsl(urlsplit(self.path).query)))
            self._send(302, None, {"Location": target})
        except Refused as no:
            self._send(no.status, no.body(), {})

    def _serve_api(self, body: bytes) -> None:
        headers = {name.lower(): text for name, text in self.headers.items()}
        call = Call(self.command, self.path, headers, body)
        if override := self.headers.get("x-http-method-override"):
            # How the library asks when an address grows too long.
            call = Call(override, f"{self.path}?{body.decode()}", call.headers, b"")
        api = next((api for start, api in APIS.items() if self.path.startswith(start)), "calendar")
        try:
            answer = self.google.answer(api, call)
        except Refused as no:
            self._send(no.status, no.body(api), no.headers)
        except Exception as error:
            self.google.defects.append(f"{self.path}: {error!r}")
            self._send(500, {}, {})
        else:  # a client that hung up, or was killed, is no defect of ours
            self._send(200 if answer is not None else 204, answer, {})

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
    with serving(server):
        yield google
