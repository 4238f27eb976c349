"""Whom we trust over TLS: the machine's authorities, and those of CADENCIA_CA_BUNDLE besides."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from integrations.http import Limits, fetch, post, send
from integrations.trust import open_trust
from integrations.wire import Wire
from tests.fakes.between import running_proxy, running_secure
from tests.fakes.graph.server import write_certificate
from tracker.errors import ConnectorError

HERE = frozenset({"127.0.0.1"})
Ask = Callable[[str, str | None], bytes]


def _by_feed(url: str, bundle: str | None) -> bytes:
    return fetch(f"{url}/", allowed_hosts=HERE, ca_bundle=bundle).body


def _by_login(url: str, bundle: str | None) -> bytes:
    return send("GET", f"{url}/", ca_bundle=bundle).body


def _by_hook(url: str, bundle: str | None) -> bytes:
    answer = post(f"{url}/", b"x", headers={}, limits=Limits(), allowed_hosts=HERE, ca_bundle=bundle)
    return answer.body


def _by_wire(url: str, bundle: str | None) -> bytes:
    wire = Wire(url, bundle, "The other side")
    try:
        return wire.exchange("GET", f"{url}/", None, {}).body
    finally:
        wire.close()


every_way = pytest.mark.parametrize("ask", [_by_feed, _by_login, _by_hook, _by_wire])


@dataclass(frozen=True)
class Sites:
    """Three servers: one that the machine trusts, one that the bundle does, and one that nobody knows."""

    machine: str
    bundled: str
    stranger: str
    bundle: str


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    certificates = {name: write_certificate(tmp_path / f"{name}.pem") for name in ("ours", "theirs", "other")}
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["ours"]))
    open_trust.cache_clear()
    with ExitStack() as stack:
        ours, theirs, other = [stack.enter_context(running_secure(p)) for p in certificates.values()]
        yield Sites(ours, theirs, other, str(certificates["theirs"]))
    open_trust.cache_clear()


@every_way
def test_the_bundle_is_trusted_besides_the_machines_own(sites: Sites, ask: Ask) -> None:
    assert ask(sites.machine, sites.bundle) == b"secure"
    assert ask(sites.bundled, sites.bundle) == b"secure"


@every_way
def test_who_is_in_neither_is_refused_in_words_of_its_own(sites: Sites, ask: Ask) -> None:
    with pytest.raises(ConnectorError, match="CADENCIA_CA_BUNDLE") as caught:
        ask(sites.stranger, sites.bundle)
    assert "127.0.0.1" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("ask", [_by_feed, _by_login, _by_wire])
def test_who_is_in_neither_has_a_code(sites: Sites, ask: Ask) -> None:
    with pytest.raises(ConnectorError) as caught:
        ask(sites.stranger, sites.bundle)
    assert caught.value.code == "untrusted"


def test_it_is_asked_no_second_time(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("integrations.http.time.sleep", waits.append)
    with pytest.raises(ConnectorError):
        send("GET", f"{sites.stranger}/", attempts=3)
    assert waits == []


@every_way
def test_without_a_bundle_the_machines_own_are_trusted(sites: Sites, ask: Ask) -> None:
    assert ask(sites.machine, None) == b"secure"
    with pytest.raises(ConnectorError):
        ask(sites.bundled, None)


@pytest.mark.parametrize("ask", [_by_login, _by_wire])
def test_it_is_the_same_through_a_proxy(sites: Sites, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_proxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert ask(sites.machine, sites.bundle) == b"secure"
        assert ask(sites.bundled, sites.bundle) == b"secure"
        with pytest.raises(ConnectorError):
            ask(sites.stranger, sites.bundle)
    assert len(proxy.asked) == 3


@pytest.mark.parametrize("ask", [_by_login, _by_wire])
@pytest.mark.parametrize(("status", "code"), [
    (407, "proxy_refused"), (403, "proxy_refused"), (502, "unreachable"),
])  # fmt: skip
def test_a_proxy_that_refuses_is_named(
    sites: Sites, ask: Ask, monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    with running_proxy() as proxy:
        proxy.refusal = status
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(ConnectorError) as caught:
            ask(sites.machine, None)
    assert caught.value.code == code
    assert ("HTTPS_PROXY" in str(caught.value)) is (code == "proxy_refused")


def test_the_proxy_is_not_used_for_feeds(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look up and connect in our place, and reach what a feed must not."""
    with running_proxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert _by_feed(sites.machine, None) == b"secure"
    assert proxy.asked == []


def test_names_are_always_checked() -> None:
    context = open_trust(None)
    assert context.check_hostname
    assert not context.hostname_checks_common_name
