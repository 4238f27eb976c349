"""What stands between us and others: servers with certificates of their own, and a proxy that tunnels."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.fakes.serving import serving


class _Secure(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"secure")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Keep quiet: clients that trust nobody hang up."""


class FakeProxy(_Server):
    """A proxy for https: it tunnels, unless `refusal` is a status to say instead."""

    refusal: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Return what HTTPS_PROXY is set to."""
        return f"http://127.0.0.1:{self.server_port}"


class _Tunnel(BaseHTTPRequestHandler):
    server: FakeProxy

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        if self.server.refusal:
            self.send_error(self.server.refusal)
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            _pass_on(self.connection, there)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    while waiting := select.select([one, other], [], [], 5)[0]:
        for ready in waiting:
            if not (data := ready.recv(65536)):
                return
            (other if ready is one else one).sendall(data)


@contextmanager
def running_secure(certificate: Path) -> Iterator[str]:
    """Serve over TLS with that certificate and key until the end of the block; yield the address."""
    server = _Server(("127.0.0.1", 0), _Secure)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with serving(server):
        yield f"https://127.0.0.1:{server.server_port}"


@contextmanager
def running_proxy() -> Iterator[FakeProxy]:
    """Run a proxy until the end of the block."""
    proxy = FakeProxy()
    with serving(proxy):
        yield proxy
