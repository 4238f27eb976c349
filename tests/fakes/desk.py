"""A consent desk of our own on loopback: a page to consent on, codes, tokens that are replaced at each use.

A real HTTP server that counts, and a small client in place of a connector's. It is for what happens on our
side of a desk; how Google's and Microsoft's desks behave is told by their own fakes.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.serving import serving
from tracker.errors import AuthRevoked, ConnectorError
from tracker.ports import Flow, Granted, Want


@dataclass
class DeskState:
    """What the desk knows, and what it was asked."""

    account: str | None = "ana@example.com"
    scopes: frozenset[str] = frozenset({"read"})
    lasts_s: int = 3600
    delay_s: float = 0.0
    status: int = 200  # of the next refreshes; other than 200 and 400 is trouble of its own
    gives_refresh_token: bool = True
    good: set[str] = field(default_factory=set)  # refresh tokens
    refreshes: int = 0
    revoked: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, kind: str) -> str:
        """Return a new token; its text is a canary."""
        token = f"canary-{kind}-{secrets.token_hex(8)}"
        if kind == "refresh":
            self.good.add(token)
        return token


@dataclass(frozen=True)
class FakeDesk:
    """The running server, and the desk as services see it."""

    root: str
    state: DeskState

    def open(self, provider: str) -> DeskClient | None:
        """Be the desk of every provider."""
        return DeskClient(self.root)


@contextmanager
def running_desk() -> Iterator[FakeDesk]:
    """Serve a desk on a free port."""
    state = DeskState()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    with serving(server):
        yield FakeDesk(f"http://127.0.0.1:{server.server_port}", state)


@dataclass(frozen=True)
class DeskClient:
    """A connector's side of the desk, over HTTP."""

    root: str

    def begin(self, redirect_uri: str, wants: frozenset[Want], hint: str | None) -> Flow:
        """Return how to ask."""
        state, verifier = secrets.token_urlsafe(24), f"canary-verifier-{secrets.token_hex(8)}"
        asked = {"redirect_uri": redirect_uri, "state": state, "scope": " ".join(sorted(wants))}
        query = urlencode({**asked, "login_hint": hint or ""})
        return Flow(f"{self.root}/consent?{query}", state, json.dumps({"state": state, "verifier": verifier}))

    def finish(self, memory: str, answer: Mapping[str, str], now: datetime) -> Granted:
        """Turn the code into tokens."""
        known = json.loads(memory)
        if answer.get("error"):
            raise ConnectorError("The person said no.", code="consent_denied")
        if answer.get("state") != known["state"]:
            raise ConnectorError("The answer is of another question.", code="consent_failed")
        return self._granted({"code": answer.get("code", ""), "verifier": known["verifier"]}, now)

    def refresh(self, refresh_token: str, now: datetime) -> Granted:
        """Renew."""
        return self._granted({"refresh_token": refresh_token}, now)

    def revoke(self, refresh_token: str) -> None:
        """Give back."""
        self._post("/revoke", {"token": refresh_token})

    def covers(self, scopes: frozenset[str], want: Want) -> bool:
        """Scopes are named like wants here."""
        return want.value in scopes

    def needed(self, scopes: frozenset[str], wants: frozenset[Want]) -> frozenset[str]:
        """Each want has its own."""
        return scopes & wants

    def _granted(self, form: dict[str, str], now: datetime) -> Granted:
        said = self._post("/token", form)
        return Granted(
            account=said["account"],
            scopes=frozenset(said["scopes"]),
            access_token=said["access_token"],
            access_until=now + timedelta(seconds=said["lasts_s"]),
            refresh_token=said["refresh_token"],
        )

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        body = urlencode(form).encode()
        request = urllib.request.Request(self.root + path, body, method="POST")  # noqa: S310 - loopback
        status = 0
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                body = answer.read()
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
        if status == 400:
            raise AuthRevoked("The consent is over.")
        if status:
            raise ConnectorError("The desk has trouble.", code="server_error", retry_after_s=7)
        found: dict[str, Any] = json.loads(body)
        return found


def _handler(state: DeskState) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request to the desk."""

        def do_GET(self) -> None:
            """Show the consent page, with two links: yes and no."""
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            with state.lock:
                state.asked.append(query)
            back = query["redirect_uri"]
            yes = f"{back}?{urlencode({'state': query['state'], 'code': 'code'})}"
            no = f"{back}?{urlencode({'state': query['state'], 'error': 'access_denied'})}"
            page = f'<title>Desk</title><a id="yes" href="{yes}">Allow</a> <a id="no" href="{no}">Deny</a>'
            self._answer(200, page.encode(), "text/html")

        def do_POST(self) -> None:
            """Give tokens, or take one back."""
            length = int(self.headers["Content-Length"])
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            if self.path == "/revoke":
                with state.lock:
                    state.revoked.append(form["token"])
                    state.good.discard(form["token"])
                self._answer(200, b"{}", "application/json")
                return
            self._token(form)

        def _token(self, form: dict[str, str]) -> None:
            used = form.get("refresh_token")
            with state.lock:
                state.refreshes += used is not None
                status = state.status
            time.sleep(state.delay_s)
            with state.lock:
                if used is not None and used not in state.good:
                    status = 400
                said = {
                    "account": state.account,
                    "scopes": sorted(state.scopes),
                    "lasts_s": state.lasts_s,
                    "access_token": state.issue("access"),
                    "refresh_token": state.issue("refresh") if state.gives_refresh_token else None,
                }
                if used and status == 200 and state.gives_refresh_token:
                    state.good.discard(used)  # stricter than Microsoft: an old one is worth nothing at once
            self._answer(status, json.dumps(said).encode(), "application/json")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler
