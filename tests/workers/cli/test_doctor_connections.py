"""The doctor on what lies outside: providers, rights, certificates, consents, keys and the mailbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.fakes.between import running_proxy
from tests.fakes.graph import FakeGraph, running_graph
from tests.fakes.imap import FakeImap
from tests.tracker.world import World, instant, make_duo
from tests.workers.cli.shell import Shell
from tracker.clock import FixedClock, SystemClock
from tracker.models import Calendar, Credential, CredentialStatus, Provider, PushChannel
from tracker.ports import Clock
from tracker.services import schema
from tracker.settings import MicrosoftApp, Settings
from tracker.store import Store
from workers.cli.doctoring import calendars, post, providers
from workers.cli.doctoring.finding import Findings

NOW = instant("2026-03-01 09:00")


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with tables."""
    url = f"sqlite:///{tmp_path / 'cadencia.sqlite'}"
    store = Store(url)
    schema.upgrade(store)
    store.close()
    return url


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[FakeGraph]:
    """A Microsoft 365 that grants what its desk says."""
    with running_graph(FakeGraph(), tmp_path) as graph:
        yield graph


def _ports(settings: Settings, database: str, clock: Clock | None = None) -> Ports:
    keys = settings.secret_keys or (fresh_key(),)
    return open_ports(replace(settings, database_url=database, secret_keys=keys), clock or FixedClock(NOW))


def _lines(findings: Findings) -> list[str]:
    return [f"{'ok' if f.is_fine else 'problem'} {f.text}" for f in findings]


def _with_outlook(ports: Ports) -> None:
    world = World(ports.store, ports.vault)
    make_duo(world, providers=(Provider.OUTLOOK, Provider.OUTLOOK))


def _providers(graph: FakeGraph, database: str, *roles: str, clock: Clock | None = None) -> list[str]:
    graph.desk.roles = roles
    ports = _ports(graph.settings(), database, clock or SystemClock())
    _with_outlook(ports)
    try:
        return _lines(providers.check_providers(ports))
    finally:
        ports.store.close()


def test_rights_that_exchange_alone_gives_are_well(graph: FakeGraph, database: str) -> None:
    (line,) = _providers(graph, database)
    assert line == "ok Outlook: no calendar of the tenant is open to us but by Exchange, which says whose"


def test_rights_for_the_whole_tenant_are_named_with_the_way_to_be_rid_of_them(
    graph: FakeGraph, database: str
) -> None:
    lines = _providers(graph, database, "Calendars.Read", "Mail.Read")
    assert [line.split(" is ")[0] for line in lines] == [
        "problem Outlook: Calendars.Read",
        "problem Outlook: Mail.Read",
    ]
    assert all("docs/microsoft.md" in line for line in lines)


def test_a_secret_that_expired_is_told(graph: FakeGraph, database: str) -> None:
    graph.desk.problem = (401, "invalid_client", 7000222)
    (line,) = _providers(graph, database)
    assert line.startswith("problem Outlook: ")
    assert "expired" in line


def test_a_clock_that_is_off_is_told(graph: FakeGraph, database: str) -> None:
    lines = _providers(graph, database, clock=FixedClock(instant("2020-01-01 00:00")))
    assert lines[0].startswith("problem clock: Outlook says ")
    assert "this machine 2020-01-01 00:00" in lines[0]


def test_a_provider_that_can_not_be_reached_is_told(database: str) -> None:
    app = MicrosoftApp("tenant", "client", "secret")
    ports = _ports(Settings(microsoft=app, graph_root="http://127.0.0.1:9"), database)
    lines = _lines(providers.check_providers(ports))
    ports.store.close()
    assert lines[0].startswith("problem Outlook: it could not be reached")
    assert "private browser" not in lines[0]


def test_a_certificate_that_nobody_vouches_for_is_told_as_that(graph: FakeGraph, database: str) -> None:
    ports = _ports(replace(graph.settings(), ca_bundle=None), database)
    lines = _lines(providers.check_providers(ports))
    ports.store.close()
    assert lines[0].startswith("problem Outlook: what answered shows a certificate that is not trusted here")
    assert "CADENCIA_CA_BUNDLE" in lines[0]


def test_a_proxy_that_refuses_is_told_as_that(
    graph: FakeGraph, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_proxy() as proxy:
        proxy.refusal = 407
        monkeypatch.setenv("https_proxy", proxy.url)
        ports = _ports(graph.settings(), database)
        lines = _lines(providers.check_providers(ports))
        ports.store.close()
    assert lines[0].startswith("problem Outlook: the proxy in between does not let us through")


def _certificate(days: int) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cadencia")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - dt.timedelta(days=300))
        .not_valid_after(NOW + dt.timedelta(days=days, hours=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + signed.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.mark.parametrize(("days", "told"), [
    (12, "problem certificate: expires in 12 days"),
    (200, "ok certificate: good for 200 days"),
    (-3, "problem certificate: it expired on 2026-02-26"),
])  # fmt: skip
def test_a_certificate_says_for_how_long_it_is_good(database: str, days: int, told: str) -> None:
    app = MicrosoftApp("tenant", "client", certificate=_certificate(days))
    ports = _ports(Settings(microsoft=app), database)
    (line,) = _lines(providers.check_certificate(ports))
    ports.store.close()
    assert line.startswith(told)


def test_a_certificate_that_is_none_is_told(database: str) -> None:
    app = MicrosoftApp("t", "c", certificate="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")
    ports = _ports(Settings(microsoft=app), database)
    (line,) = _lines(providers.check_certificate(ports))
    ports.store.close()
    assert "holds none that can be read" in line


def test_whose_consent_is_over_is_named(database: str) -> None:
    ports = _ports(Settings(), database)
    person = World(ports.store, ports.vault).person("ana@example.com")
    with ports.store.write() as db:
        db.add(
            Credential(
                person_id=person, provider=Provider.GOOGLE, account="ana@example.com", refresh_token="x",
                status=CredentialStatus.REFUSED, granted_at=NOW,
            )
        )  # fmt: skip
    (line,) = _lines(providers.check_consents(ports))
    ports.store.close()
    assert line.startswith("problem consents: 1 have to connect their account again (ana@example.com)")


def test_secrets_under_an_older_key_are_counted(database: str) -> None:
    old, new = fresh_key(), fresh_key()
    ports = _ports(Settings(secret_keys=(old,)), database)
    _with_outlook(ports)
    assert _lines(providers.check_keys(ports)) == [], "with one key there is nothing to tell"
    ports.store.close()
    ports = _ports(Settings(secret_keys=(new, old)), database)
    (line,) = _lines(providers.check_keys(ports))
    ports.store.close()
    assert line.startswith("problem keys: 2 secrets are sealed with an older key. Run `cadencia keys")


def test_meeting_records_that_are_closed_to_us_are_told(database: str) -> None:
    ports = _ports(Settings(), database)
    _with_outlook(ports)
    assert _lines(providers.check_records(ports)) == [], "nobody refused anything"
    with ports.store.write() as db:
        for calendar in db.query(Calendar):
            calendar.records_refused_at = NOW
    (line,) = _lines(providers.check_records(ports))
    ports.store.close()
    assert line.startswith("problem meeting records: Outlook may not tell us who was in a meeting, for ")


def test_push_that_no_provider_ever_answered_is_told(database: str) -> None:
    ports = _ports(Settings(push=True, base_url="https://cadencia.example.com"), database)
    _with_outlook(ports)
    with ports.store.write() as db:
        calendar = db.query(Calendar).first()
        assert calendar is not None
        channel = PushChannel(calendar_id=calendar.id, name="n", provider_name="p", fingerprint="f")
        channel.created_at = NOW - dt.timedelta(hours=2)
        channel.expires_at = channel.renew_at = NOW + dt.timedelta(days=1)
        db.add(channel)
    (line,) = _lines(providers.check_push(ports))
    ports.store.close()
    assert line.startswith("problem push: 1 channels are open, and no provider ever reached us")


def test_push_to_a_name_of_the_company_alone_is_told(database: str) -> None:
    ports = _ports(Settings(push=True, base_url="https://cadencia.internal"), database)
    (line,) = _lines(providers.check_push(ports))
    ports.store.close()
    assert line.startswith("problem push: providers can not reach cadencia.internal")


def test_a_proxy_is_named_without_its_password(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example.com:3128")
    ports = _ports(Settings(), database)
    (line,) = _lines(providers.check_proxy(ports))
    ports.store.close()
    assert "proxy.example.com" in line
    assert "secret" not in line


def test_people_without_a_calendar_are_counted(database: str) -> None:
    ports = _ports(Settings(), database)
    world = World(ports.store, ports.vault)
    world.pair(world.program(), world.person("ana@example.com"), world.person("ben@example.com"))
    (line,) = _lines(calendars.check_people(ports))
    ports.store.close()
    assert line.startswith("ok people: 2 in a pair have no calendar (ana@example.com, ben@example.com)")


def test_the_mailbox_is_opened_for_real(database: str) -> None:
    imap = FakeImap()
    ports = _ports(Settings(mailbox_url=imap.url(), program_address="mentoring@example.com"), database)
    assert _lines(post.check_mailbox(ports)) == ["ok mailbox: can be read, 0 messages"]
    ports.store.close()
    ports = _ports(Settings(mailbox_url=imap.url("wrong")), database)
    (line,) = _lines(post.check_mailbox(ports))
    ports.store.close()
    imap.stop()
    assert line == "problem mailbox: The mail server refused the login. See CADENCIA_MAILBOX_URL."


def test_a_mailbox_that_no_program_names_is_told(database: str) -> None:
    imap = FakeImap()
    ports = _ports(Settings(mailbox_url=imap.url()), database)
    lines = _lines(post.check_mailbox(ports))
    ports.store.close()
    imap.stop()
    assert "CADENCIA_PROGRAM_ADDRESS" in lines[1]


def test_mail_that_was_given_up_is_tried_again(office: Shell) -> None:
    assert "No such mail" in office.run("outbox", "retry").stderr
