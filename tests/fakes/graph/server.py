"""The server, over TLS because Microsoft's library wants it so: login service and Graph at one address."""

from __future__ import annotations

import gzip
import ipaddress
import json
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.graph.login import TENANT, LoginDesk
from tests.fakes.graph.mailbox import Mailbox, Refused
from tests.fakes.graph.meetings import Teams
from tests.fakes.graph.people import READING, WRITING, Holder
from tests.fakes.graph.push import Switchboard
from tests.fakes.graph.schedules import answer_schedules
from tests.fakes.graph.shapes import Json
from tests.fakes.graph.writing import Desk
from tests.fakes.serving import serving
from tracker.settings import MicrosoftApp, Settings

VERSION = "/v1.0"
NEEDED = ('outlook.timezone="UTC"', 'IdType="ImmutableId"', "odata.maxpagesize=")


Reply = tuple[int, Json | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that reached Graph, those of a batch by themselves; `target` is below the version."""

    verb: str
    target: str
    in_batch: bool = False


@dataclass
class FakeGraph:
    """The state behind the server. `faults` are given out first, `latency_s` is waited before each answer.

    `batch_faults` meet the requests inside batches. `defects` are requests that Microsoft would answer
    otherwise than we hope, and errors of our own: a test fails over them.
    """

    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    desk: LoginDesk = field(default_factory=LoginDesk)
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Refused] = field(default_factory=deque)
    batch_faults: deque[Refused] = field(default_factory=deque)
    defects: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)  # mailboxes outside the application's scope
    latency_s: float = 0.0
    raw: bytes | None = None  # sent instead of every answer, as a proxy in between would
    root: str = ""
    certificate: Path | None = None
    under_way: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0  # for one mailbox, as the address names it
    most_in_all: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    push: Switchboard = field(default_factory=Switchboard)
    teams: Teams = field(default_factory=Teams)
    shows_only_slots: set[str] = field(default_factory=set)  # who lets others see no entries

    def __post_init__(self) -> None:
        self.writing = Desk(self)

    def hire(self, owner: str) -> Mailbox:
        """Give somebody a mailbox."""
        self.mailboxes[owner] = Mailbox(owner, root=self.root)
        return self.mailboxes[owner]

    def settings(self, **about: Any) -> Settings:
        """Return the settings with which its calendars open."""
        app = {"client_secret": self.desk.secret, "authority": self.root, **about}
        return Settings(
            microsoft=MicrosoftApp(
                app.pop("tenant", TENANT), app.pop("client_id", self.desk.client_id), **app
            ),
            graph_root=self.root,
            ca_bundle=self.certificate,
        )

    def targets(self) -> list[str]:
        """Return what was asked since the last time, less the mailbox and the query."""
        found = [
            a.target.partition("?")[0].partition("/users/")[2].partition("/")[2] or "$batch"
            for a in self.asked
        ]
        self.asked.clear()
        return found

    def answer(self, verb: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer a request with a status and what is in it. Raises Refused."""
        holder = self.desk.check(headers.get("Authorization"))
        self.asked.append(Asked(verb, target))
        if self.faults:
            raise self.faults.popleft()
        if verb == "POST" and target == "/$batch":
            return 200, {"responses": list(self._batch(holder, json.loads(body)["requests"]))}
        self._look_at(headers.get("Prefer") or "")
        if target.startswith("/subscriptions"):
            return self._subscriptions(verb, holder, target, body)
        owner, path, query = self._place(target, holder)
        if path[:1] == ["onlineMeetings"] and verb == "GET":
            return 200, self.teams.answer(holder, owner, path[1:], query)
        mailbox = self._mailbox(owner, holder)
        if verb == "GET":
            holder.need(READING)
            return 200, self._read(mailbox, path, query, _page_size(headers.get("Prefer") or ""))
        return self._write(verb, holder, mailbox, path, body, headers.get("If-Match"))

    def _batch(self, holder: Holder, requests: list[Json]) -> Iterator[Json]:
        if len(requests) > 20:
            raise Refused(400, "BadRequest")
        for request in reversed(requests):  # in any order
            self.asked.append(Asked(request["method"], request["url"], in_batch=True))
            try:
                if self.batch_faults:
                    raise self.batch_faults.popleft()
                status, sent, body = 200, {}, self._batched(holder, request)
            except Refused as no:
                status, sent, body = no.status, no.headers, no.body()
            yield {"id": request["id"], "status": status, "headers": sent, "body": body}

    def _batched(self, holder: Holder, request: Json) -> Json:
        prefer = request["headers"].get("Prefer", "")
        self._look_at(prefer)
        holder.need(READING)
        owner, path, query = self._place(request["url"], holder)
        return self._read(self._mailbox(owner, holder), path, query, _page_size(prefer))

    def _look_at(self, prefer: str) -> None:
        self.defects += [f"Prefer lacks {word}" for word in NEEDED if word not in prefer]

    def _place(self, target: str, holder: Holder) -> tuple[str, list[str], dict[str, str]]:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        match [unquote(p) for p in parts.path.split("/")]:
            case [_, "users", owner, *path]:
                return owner, path, query
            case [_, "me", *path] if holder.owner:
                return holder.owner, path, query
        raise Refused(400, "BadRequest")

    def _mailbox(self, owner: str, holder: Holder) -> Mailbox:
        if holder.owner not in (None, owner):
            raise Refused(403, "ErrorAccessDenied")
        if owner not in self.mailboxes:
            raise Refused(404, "ErrorInvalidUser")
        if owner in self.denied:
            raise Refused(403, "ErrorAccessDenied")
        return self.mailboxes[owner]

    def _read(self, mailbox: Mailbox, path: list[str], query: dict[str, str], size: int) -> Json:
        match path:
            case ["calendarView", "delta"]:
                if query.keys() & {"$select", "$filter", "$expand", "$orderby", "$search"}:
                    raise Refused(400, "ErrorInvalidUrlQuery")
                return mailbox.delta(query, size)
            case ["calendarView"]:
                return {"value": mailbox.view(query)}
            case ["events"]:
                return {"value": self.writing.marked(mailbox, query["$filter"])}
            case ["events", event_id]:
                return mailbox.get(event_id, query)
            case ["events", event_id, "instances"]:
                return {"value": mailbox.instances(event_id, query)}
        raise Refused(404, "ResourceNotFound")

    def _write(
        self, verb: str, holder: Holder, box: Mailbox, path: list[str], body: bytes, if_match: str | None
    ) -> Reply:
        if (verb, path) == ("POST", ["calendar", "getSchedule"]):
            holder.need(READING)
            return 200, answer_schedules(self, body)
        holder.need(WRITING)
        match (verb, path):
            case ("POST", ["events"]):
                return 201, self.writing.create(box, body)
            case ("POST", ["events", event_id, "cancel"]):
                self.writing.cancel(box, event_id, body)
                return 202, None
            case ("PATCH", ["events", event_id]):
                return 200, self.writing.patch(box, event_id, body, if_match)
        raise Refused(405, "BadRequest")

    def _subscriptions(self, verb: str, holder: Holder, target: str, body: bytes) -> Reply:
        match (verb, target.split("/")[2:]):
            case ("POST", []):
                return 201, self.push.subscribe(holder, body)
            case ("PATCH", [name]):
                return 200, self.push.renew(name, body)
            case ("DELETE", [name]):
                self.push.end(name)
                return 204, None
        raise Refused(405, "BadRequest")


def _page_size(prefer: str) -> int:
    return int(prefer.partition("odata.maxpagesize=")[2].partition(",")[0] or 10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    graph: FakeGraph

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith(VERSION + "/"):
            self._send(*self.graph.desk.answer(self.path, self.graph.root, body))
            return
        graph, place = self.graph, self.path.partition("?")[0].split("/")[3:4]
        with graph.lock:
            graph.under_way[str(place)] += 1
            graph.most_at_once = max(graph.most_at_once, graph.under_way[str(place)])
            graph.most_in_all = max(graph.most_in_all, graph.under_way.total())
        time.sleep(graph.latency_s)
        answer = self._answer(body)
        with graph.lock:
            graph.under_way[str(place)] -= 1
        self._send(*answer)

    def _answer(self, body: bytes) -> tuple[int, Any, dict[str, str]]:
        try:
            target = self.path.removeprefix(VERSION)
            return *self.graph.answer(self.command, target, self.headers, body), {}
        except Refused as no:
            return no.status, no.body(), no.headers
        except Exception as error:
            self.graph.defects.append(f"{self.path}: {error!r}")
            return 500, {}, {}

    def _send(self, status: int, value: Any, headers: dict[str, str]) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        content = self.graph.raw if self.graph.raw is not None else content
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(content) > 500:
            content = gzip.compress(content, 1)
            headers = {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)


def write_certificate(path: Path) -> Path:
    """Write a certificate for 127.0.0.1 that signs itself, with its key; its name is the file's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1)).add_extension(here, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@contextmanager
def running_graph(graph: FakeGraph, folder: Path) -> Iterator[FakeGraph]:
    """Serve on a free port of loopback until the end of the block; `graph.root` says where."""
    graph.certificate = write_certificate(folder / "graph.pem")
    handler = type("Handler", (_Handler,), {"graph": graph})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(graph.certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.block_on_close = False
    graph.root = graph.teams.root = f"https://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield graph
