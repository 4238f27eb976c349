"""Requests to hostile addresses: where they may go, how long they may take, how much they may bring."""

import gzip
import logging
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations import http
from integrations.addresses import check_url, is_open_address
from integrations.http import UNREACHABLE, Limits, fetch, retry_after, send
from tracker.errors import AuthRevoked, BadPayload, ConnectorError, RateLimited

LOCAL = frozenset({"127.0.0.1"})
SHORT = Limits(connect_s=1, read_s=5, total_s=0.5)
Answering = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """A server on loopback that answers as a test says."""

    daemon_threads = True

    def __init__(self, answering: Answering) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answering = answering
        self.paths: list[str] = []

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.answering(self)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Serve = Callable[[Answering], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    servers: list[Server] = []

    def start(answering: Answering) -> Server:
        server = Server(answering)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def reply(status: int = 200, body: bytes = b"ok", **headers: str) -> Answering:
    """Return an answer of this status, body and headers."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Make every name lead to these addresses."""

    def look_up(_host: str, port: int, *_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


# Addresses as they are written


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://example.com/a.ics?k=v", "https://example.com/a.ics?k=v"),
        ("webcal://example.com/a.ics", "https://example.com/a.ics"),
        ("WEBCAL://Example.COM/A.ics", "https://example.com/A.ics"),
        (" https://example.com ", "https://example.com/"),
        ("https://example.com.:8443/a", "https://example.com:8443/a"),
        ("https://m\xfcnchen.example/a", "https://xn--mnchen-3ya.example/a"),
        ("https://example.com/a#part", "https://example.com/a"),
        ("http://intranet/a", "http://intranet/a"),
        ("http://intranet:81/a", "http://intranet:81/a"),
        ("https://other:444/a", "https://other:444/a"),
    ],
)
def test_addresses_that_are_taken(url: str, meant: str) -> None:
    assert check_url(url, frozenset({"intranet", "other:444"})) == meant


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a.ics",
        "http://example.com/a.ics",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "https://",
        "https:///a",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://example.com:99999/",
        "https://example.com\\@evil.example/",
        "https://exam\tple.com/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://[::1/",
        "https://" + "a" * 70 + ".com/",
        "http://other:81/",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        check_url(url, frozenset({"other:444"}))
    assert caught.value.code == "bad_address"
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "198.18.0.1", "198.19.255.255", "192.0.0.192",
        "192.0.2.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1", "fe80::1%eth0", "fc00::1",
        "fd00:ec2::254",
        "ff02::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001:0:4136:e378::1", "2001:db8::1",
        "100::1", "", "localhost", "0x7f.1",
    ],
)  # fmt: skip
def test_addresses_inside_are_closed(address: str) -> None:
    assert not is_open_address(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4003::1"]
)
def test_addresses_outside_are_open(address: str) -> None:
    assert is_open_address(address)


# Where a request may go


def test_an_allowed_host_may_be_inside_and_plain(serve: Serve) -> None:
    server = serve(reply(body=b"BEGIN", ETag='"1"'))
    answer = fetch(server.url("/a"), allowed_hosts=LOCAL)
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"BEGIN", '"1"')


def test_a_name_that_leads_inside_is_not_connected_to(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(reply())
    resolve_to(monkeypatch, "127.0.0.1")
    with pytest.raises(ConnectorError, match="could not be read"):
        fetch(f"https://calendar.example:{server.server_port}/", limits=SHORT)
    assert server.paths == []


def test_the_address_is_judged_when_connecting_so_that_rebinding_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first answer is public, the second private: whatever is looked up is what is judged and used.
    connected: list[str] = []
    answers = iter(["10.0.0.1", "93.184.216.34", "10.0.0.1"])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]
    )

    def connect(_sock: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", connect)
    for _ in range(3):
        with pytest.raises(ConnectorError):
            fetch("https://calendar.example/", limits=SHORT)
    assert connected == ["93.184.216.34"]


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1", "0"]
)
def test_odd_ways_to_write_loopback(host: str, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(reply())
    if not host.startswith("["):
        resolve_to(monkeypatch, "127.0.0.1")
    with pytest.raises(ConnectorError):
        fetch(f"https://{host}:{server.server_port}/", limits=SHORT)
    assert server.paths == []


def test_every_redirect_is_judged(serve: Serve) -> None:
    inside = serve(reply())
    outside = serve(reply(302, Location=f"http://localhost:{inside.server_port}/metadata"))
    with pytest.raises(ConnectorError, match="could not be read"):
        fetch(outside.url(), allowed_hosts=LOCAL)
    assert inside.paths == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://u@127.0.0.1/", "https://[", "//", "gopher://x/"]
)
def test_a_redirect_to_what_is_no_address(serve: Serve, location: str) -> None:
    server = serve(reply(301, Location=location))
    with pytest.raises(ConnectorError):
        fetch(server.url(), allowed_hosts=LOCAL, limits=SHORT)


def test_a_few_redirects_are_followed(serve: Serve) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        hop = int(handler.path.rpartition("/")[2])
        (reply() if hop == 5 else reply(307, Location=f"/{hop + 1}"))(handler)

    server = serve(answer)
    assert fetch(server.url("/0"), allowed_hosts=LOCAL).body == b"ok"
    assert len(server.paths) == 6


def test_redirects_end(serve: Serve) -> None:
    server = serve(reply(302, Location="/again"))
    with pytest.raises(ConnectorError, match="could not be read"):
        fetch(server.url(), allowed_hosts=LOCAL)
    assert len(server.paths) == 6


def test_credentials_are_not_taken_along_on_a_redirect(serve: Serve) -> None:
    seen: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        (reply(302, Location="/b") if handler.path == "/a" else reply())(handler)

    fetch(serve(answer).url("/a"), headers={"Authorization": "Bearer x"}, allowed_hosts=LOCAL)
    assert seen == ["Bearer x", None]


def test_the_machines_proxy_is_not_used_for_hostile_addresses(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(reply()), serve(reply(body=b"direct"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url())
    assert fetch(server.url(), allowed_hosts=LOCAL).body == b"direct"
    assert proxy.paths == []


def test_the_machines_proxy_is_used_for_providers(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(reply(body=b"by proxy"))
    monkeypatch.setenv("http_proxy", proxy.url())
    assert send("GET", "http://graph.example/v1.0/me").body == b"by proxy"
    assert proxy.paths == ["http://graph.example/v1.0/me"]


# Certificates


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for calendar.example that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "calendar.example")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("calendar.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(cert.public_bytes(pem) + private)
    return path


@pytest.fixture
def secure(serve: Serve, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """An https server that is called calendar.example, at an address that counts as open."""
    server = serve(reply(body=b"secure"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(http, "is_open_address", lambda a: a == "127.0.0.1")
    resolve_to(monkeypatch, "10.9.9.9", "127.0.0.1")
    return server


def test_a_ca_bundle_is_trusted(secure: Server, certificate: Path) -> None:
    url = f"https://calendar.example:{secure.server_port}/"
    assert fetch(url, ca_bundle=str(certificate)).body == b"secure"


def test_a_certificate_that_nobody_vouches_for(
    secure: Server, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))  # not read
    with pytest.raises(ConnectorError, match="a certificate that is not trusted"):
        fetch(f"https://calendar.example:{secure.server_port}/")


def test_a_certificate_of_another_name(secure: Server, certificate: Path) -> None:
    with pytest.raises(ConnectorError, match="a certificate that is not trusted"):
        fetch(f"https://other.example:{secure.server_port}/", ca_bundle=str(certificate))


# How long it may take


def dripping(part: str) -> Answering:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" if part == "headers" else b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            try:
                handler.wfile.write(b"X-A: b\r\n" if part == "headers" else b"x")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    return answer


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_is_cut_off_at_the_deadline(serve: Serve, part: str) -> None:
    begin = time.monotonic()
    with pytest.raises(ConnectorError, match="could not be read"):
        fetch(serve(dripping(part)).url(), limits=SHORT, allowed_hosts=LOCAL)
    assert time.monotonic() - begin < SHORT.read_s


def test_a_server_that_is_silent_is_cut_off_at_the_deadline() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        begin = time.monotonic()
        with pytest.raises(ConnectorError):
            fetch(f"http://127.0.0.1:{deaf.getsockname()[1]}/", limits=SHORT, allowed_hosts=LOCAL)
        assert time.monotonic() - begin < SHORT.read_s


def test_a_handshake_that_never_ends_is_cut_off_at_the_deadline() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        begin = time.monotonic()
        with pytest.raises(ConnectorError):
            fetch(f"https://127.0.0.1:{deaf.getsockname()[1]}/", limits=SHORT, allowed_hosts=LOCAL)
        assert time.monotonic() - begin < SHORT.read_s


def test_the_deadline_holds_for_all_redirects_together(serve: Serve) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        reply(302, Location="/")(handler)

    server = serve(answer)
    with pytest.raises(ConnectorError):
        fetch(server.url(), limits=SHORT, allowed_hosts=LOCAL)
    assert len(server.paths) <= 3  # of the six that would be followed


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectorError, match="could not be read"):
        fetch(f"http://127.0.0.1:{port}/", allowed_hosts=LOCAL)


# How much it may bring


def test_a_body_within_the_limit(serve: Serve) -> None:
    server = serve(reply(body=b"x" * 1000))
    assert len(fetch(server.url(), limits=Limits(max_bytes=1000), allowed_hosts=LOCAL).body) == 1000


@pytest.mark.parametrize("length", ["1001", None])
def test_a_body_over_the_limit(serve: Serve, length: str | None) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(b"x" * 1001)

    with pytest.raises(BadPayload) as caught:
        fetch(serve(answer).url(), limits=Limits(max_bytes=1000), allowed_hosts=LOCAL)
    assert caught.value.code == "too_large"


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 6),
    "deflate": lambda data: zlib.compress(data, 6),
    "x-gzip": lambda data: gzip.compress(data, 6),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_body(serve: Serve, encoding: str) -> None:
    data = b"0123456789" * 50_000
    server = serve(reply(body=PACKED[encoding](data), Content_Encoding=encoding))
    assert fetch(server.url(), allowed_hosts=LOCAL).body == data


def test_deflate_without_its_header(serve: Serve) -> None:
    server = serve(reply(body=raw_deflate(b"BEGIN" * 99), Content_Encoding="deflate"))
    assert fetch(server.url(), allowed_hosts=LOCAL).body == b"BEGIN" * 99


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_is_stopped_at_the_limit(serve: Serve, encoding: str) -> None:
    server = serve(reply(body=PACKED[encoding](bytes(40_000_000)), Content_Encoding=encoding))
    begin = time.process_time()
    with pytest.raises(BadPayload) as caught:
        fetch(server.url(), limits=Limits(max_bytes=1_000_000), allowed_hosts=LOCAL)
    assert caught.value.code == "too_large"
    assert time.process_time() - begin < 2


def test_a_bomb_in_a_bomb_is_unpacked_once_at_most(serve: Serve) -> None:
    nested = gzip.compress(gzip.compress(bytes(50_000_000)))
    server = serve(reply(body=nested, Content_Encoding="gzip"))
    assert fetch(server.url(), allowed_hosts=LOCAL).body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_packing_that_was_not_asked_for(serve: Serve, encoding: str) -> None:
    server = serve(reply(body=b"\x1f\x8b", Content_Encoding=encoding))
    with pytest.raises(BadPayload):
        fetch(server.url(), allowed_hosts=LOCAL)


def test_a_packed_body_that_is_cut_off(serve: Serve) -> None:
    server = serve(reply(body=gzip.compress(b"BEGIN" * 1000)[:-9], Content_Encoding="gzip"))
    with pytest.raises(BadPayload):
        fetch(server.url(), allowed_hosts=LOCAL)


def test_a_packed_body_that_is_damaged(serve: Serve) -> None:
    packed = bytearray(gzip.compress(bytes(range(256)) * 99))
    packed[40] ^= 255
    server = serve(reply(body=bytes(packed), Content_Encoding="gzip"))
    with pytest.raises(BadPayload):
        fetch(server.url(), allowed_hosts=LOCAL)


def test_a_body_shorter_than_it_was_said_to_be(serve: Serve) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")

    with pytest.raises(ConnectorError):
        fetch(serve(answer).url(), allowed_hosts=LOCAL)


# What it means


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, AuthRevoked, "reconnect"),
        (403, AuthRevoked, "reconnect"),
        (404, AuthRevoked, "reconnect"),
        (410, AuthRevoked, "reconnect"),
        (429, RateLimited, "rate_limited"),
        (500, ConnectorError, "server_error"),
        (502, ConnectorError, "server_error"),
        (503, ConnectorError, "server_error"),
        (400, ConnectorError, "refused"),
        (204, ConnectorError, "refused"),
        (302, ConnectorError, "refused"),
    ],
)
def test_what_a_status_means(serve: Serve, status: int, kind: type[ConnectorError], code: str) -> None:
    body = b"" if status == 204 else b"x"
    with pytest.raises(kind) as caught:
        fetch(serve(reply(status, body)).url("/secret"), allowed_hosts=LOCAL)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert "secret" not in str(caught.value)


def test_not_modified_is_an_answer(serve: Serve) -> None:
    assert fetch(serve(reply(304, b"")).url(), allowed_hosts=LOCAL).status == 304


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_passed_on(serve: Serve, status: int) -> None:
    with pytest.raises(RateLimited) as caught:
        fetch(serve(reply(status, Retry_After="120")).url(), allowed_hosts=LOCAL)
    assert caught.value.retry_after_s == 120


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    seconds = retry_after({"retry-after": later})
    assert seconds is not None
    assert 280 < seconds <= 300


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("", None), ("soon", None), ("-5", None), ("999999999", 86400), ("Mon, 01 Jan 2001 00:00:00 GMT", 0)],
)
def test_retry_after_that_is_odd(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}) == seconds


# Providers


def test_a_provider_is_asked_again_after_a_fault(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    answers = iter([reply(503), reply(502), reply(200)])

    def answer(handler: BaseHTTPRequestHandler) -> None:
        next(answers)(handler)

    server = serve(answer)
    assert send("POST", server.url(), body=b"{}", attempts=3).status == 200
    assert len(server.paths) == 3


def test_a_provider_is_asked_no_more_often_than_allowed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    server = serve(reply(503))
    assert send("GET", server.url(), attempts=2).status == 503
    assert len(server.paths) == 2


def test_a_provider_that_wants_more_time_than_there_is(serve: Serve) -> None:
    server = serve(reply(503, Retry_After="5"))
    with pytest.raises(ConnectorError):
        send("GET", server.url(), attempts=2, limits=Limits(total_s=1))


def test_any_status_of_a_provider_is_an_answer(serve: Serve) -> None:
    answer = send("GET", serve(reply(410, b"gone")).url())
    assert (answer.status, answer.body) == (410, b"gone")


# What it tells


@responses.activate
@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("https://secret.example/key refused"),
        requests.exceptions.SSLError("https://secret.example/key"),
        requests.exceptions.InvalidURL("https://secret.example/key"),
        requests.exceptions.ChunkedEncodingError("https://secret.example/key"),
        requests.exceptions.ReadTimeout("https://secret.example/key"),
        OSError("https://secret.example/key"),
    ],
)
def test_every_failure_says_the_same_and_holds_no_address(error: Exception) -> None:
    responses.get("https://secret.example/key", body=error)
    with pytest.raises(ConnectorError) as caught:
        fetch("https://secret.example/key")
    assert str(caught.value) == UNREACHABLE
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_the_address_is_in_no_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fetch(serve(reply()).url("/private-key/basic.ics"), allowed_hosts=LOCAL)
    assert "private-key" not in caplog.text
