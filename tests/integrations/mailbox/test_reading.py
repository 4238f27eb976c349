"""Reading the folder: nothing is marked, nothing is lost, and a server that fails is said to."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.mailbox import ImapMailbox, client, read_address
from tests.fakes.imap import FakeImap
from tests.fakes.imap.letters import ANA, BEN, PROGRAM, Session, calendar, message
from tests.integrations.mailbox.office import Office
from tracker.errors import AuthRevoked, BadSettings, ConnectorError
from tracker.incoming import MailPlace
from tracker.models import Provider
from tracker.services.mailbox import read_mailbox

ONE = Session()


def request(session: Session = ONE, sender: str = ANA) -> bytes:
    """Return an invitation."""
    return message(calendar("REQUEST", session), "REQUEST", sender)


def test_nothing_is_marked_as_read(office: Office) -> None:
    office.receive(request())
    assert office.imap.inbox.seen == set()
    assert not [c for c in office.imap.commands if c.startswith(("SELECT", "STORE", "COPY", "EXPUNGE"))]


def test_what_was_read_is_not_asked_for_again(office: Office) -> None:
    office.receive(request())
    office.imap.commands.clear()
    assert office.read().looked_at == 0
    assert not [c for c in office.imap.commands if c.startswith("FETCH")]


def test_the_same_message_twice_is_one(office: Office) -> None:
    assert office.receive(request(), request()).kept == 1
    assert office.receive(request()).kept == 0
    assert len(office.contents()) == 1


def test_a_folder_that_was_renumbered_is_read_anew_without_harm(office: Office) -> None:
    office.receive(request())
    office.imap.renumber()
    assert office.read().looked_at == 1
    assert len(office.contents()) == 1
    assert office.mailbox().uid_validity == 2
    office.receive(request(replace(ONE, uid="two@google.com")))
    assert len(office.events()) == 2


def test_many_messages_come_in_pages(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    report = office.receive(*[request(replace(ONE, uid=f"{n}@google.com")) for n in range(5)])
    assert (report.looked_at, report.kept) == (5, 5)


def test_a_message_that_is_too_large_is_passed_over(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST_MESSAGE", 100_000)
    huge = request() + b"x" * 100_000
    assert office.receive(huge, request(replace(ONE, uid="two@google.com"))).kept == 1


def test_a_crash_between_fetching_and_storing_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.imap.deliver(request())
    with monkeypatch.context() as patch:
        patch.setattr("tracker.services.mailbox._store", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            office.read()
    assert (office.mailbox().last_uid, office.mailbox().last_read_at) == (0, None)
    assert office.read().kept == 1


def test_a_line_that_breaks_leaves_the_place_as_it_was(office: Office) -> None:
    office.imap.deliver(request())
    office.imap.drop_after = "FETCH"
    report = read_mailbox(office.ports, office.clock.now())
    assert report is not None
    assert report.problem == "unreachable"
    assert office.mailbox().last_uid == 0
    assert read_mailbox(office.ports, office.clock.now()) is None, "not again at once"
    office.pass_time(dt.timedelta(minutes=11))
    assert office.read().kept == 1
    assert office.mailbox().problem is None


def test_somebody_else_who_reads_meanwhile_goes_first(office: Office) -> None:
    office.imap.deliver(request())
    reader = office.ports.mailbox
    assert reader is not None
    original = reader.read

    def slow(place: MailPlace) -> object:
        page = original(place)
        reader.read = original  # type: ignore[method-assign]
        office.read()
        return page

    reader.read = slow  # type: ignore[assignment, method-assign]
    assert office.read().kept == 0
    assert len(office.contents()) == 1


def test_a_calendar_is_never_read_later_than_the_mailbox(office: Office) -> None:
    with pytest.raises(ConnectorError) as never:
        office.pull()
    assert never.value.code == "mailbox_stale"
    office.receive(request())
    assert len(office.events()) == 1
    office.pass_time(dt.timedelta(minutes=61))
    with pytest.raises(ConnectorError) as late:
        office.pull()
    assert late.value.code == "mailbox_stale"


def test_news_has_the_calendars_of_those_concerned_read_soon(office: Office) -> None:
    office.read()
    office.sync()
    office.pass_time()
    office.receive(request())
    assert {each.outcome for each in office.sync_due()} == {"read"}
    (session,) = office.evidence().sessions
    assert len(session.observations) == 1


def test_whoever_is_paired_later_finds_the_invitations_from_before(office: Office) -> None:
    dora = office.world.person("dora@example.com")
    early = replace(ONE, organiser="dora@example.com", guests=(PROGRAM, "eli@example.com"))
    assert office.receive(request(early, "dora@example.com")).kept == 0
    office.pass_time(dt.timedelta(days=2))
    office.add_pair(dora, office.world.person("eli@example.com"))
    assert office.read().kept == 1


def test_the_mailbox_does_not_hold_back_who_has_another_calendar(office: Office) -> None:
    office.read()
    office.sync()
    mailbox_read_at = office.clock.now()
    assert office.evidence().observed_until == mailbox_read_at
    office.pass_time(dt.timedelta(hours=3))
    office.set_read(office.world.calendar(office.duo.mentor), office.clock.now())
    assert office.evidence().observed_until == mailbox_read_at, "the mentee has nothing else"
    office.set_read(office.world.calendar(office.duo.mentee), office.clock.now())
    assert office.evidence().observed_until == office.clock.now()


# --- the way in ---


def test_a_wrong_password_is_told_without_it(imap: FakeImap) -> None:
    for offers_plain in (True, False):
        imap.offers_plain = offers_plain
        with pytest.raises(AuthRevoked) as refused:
            ImapMailbox(read_address(imap.url("wrong"))).check()
        assert refused.value.code == "mailbox_login"
        assert "wrong" not in str(refused.value)
        assert "sesame" not in str(refused.value)


def test_it_logs_in_by_either_way(imap: FakeImap) -> None:
    imap.deliver(request())
    assert ImapMailbox(read_address(imap.url())).check() == 1
    imap.offers_plain = False
    assert ImapMailbox(read_address(imap.url())).check() == 1


def test_a_missing_folder_is_told(imap: FakeImap) -> None:
    with pytest.raises(ConnectorError) as missing:
        ImapMailbox(read_address(imap.url(folder="Mentoring sessions"))).check()
    assert missing.value.code == "mailbox_folder"


def test_a_password_is_not_sent_in_the_clear(imap: FakeImap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_is_loopback", lambda _host: False)
    with pytest.raises(ConnectorError, match="nothing secret is sent without"):
        ImapMailbox(read_address(imap.url())).check()
    assert not [c for c in imap.commands if c.startswith(("LOGIN", "AUTHENTICATE"))]


def test_a_server_that_is_not_there_is_told(imap: FakeImap) -> None:
    url = imap.url()
    imap.stop()
    with pytest.raises(ConnectorError) as gone:
        ImapMailbox(read_address(url)).check()
    assert gone.value.code == "unreachable"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "loopback.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def private(certificate: Path) -> Iterator[FakeImap]:
    """A server that offers STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = FakeImap(context)
    yield server
    server.stop()


def test_it_encrypts_where_the_server_offers_it(private: FakeImap, certificate: Path) -> None:
    assert ImapMailbox(read_address(private.url()), certificate).check() == 0
    begun = [c.split()[0] for c in private.commands]
    assert begun.index("STARTTLS") < begun.index("AUTHENTICATE")


def test_a_certificate_that_nobody_vouches_for_is_refused(private: FakeImap) -> None:
    with pytest.raises(ConnectorError, match="CADENCIA_CA_BUNDLE"):
        ImapMailbox(read_address(private.url())).check()


@pytest.mark.parametrize(
    "url",
    ["imaps://mail.example.com", "imap://:p@mail.example.com/INBOX", "imaps://me:pass word@/INBOX",
     "imaps://me:p@mail.example.com:port/INBOX", "imaps://me:p@mail.example.com/Mentor%C3%ADas",
     "imaps://me:p%0d%0aLOGOUT@mail.example.com/INBOX"],
)  # fmt: skip
def test_an_address_that_can_not_be_one_is_refused_unseen(url: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read_address(url)
    assert "me:" not in str(refused.value)


def test_an_address_names_its_folder_and_never_its_password() -> None:
    address = read_address("imaps://me%40example.com:p%2Fw@mail.example.com/Mentoring%20sessions")
    assert (address.port, address.user, address.password) == (993, "me@example.com", "p/w")
    assert address.name == "imap:me@example.com@mail.example.com/Mentoring sessions"
    assert "p/w" not in repr(address)
    assert read_address("imap://me:p@localhost").folder == "INBOX"


def test_somebody_without_a_mailbox_of_the_program_has_no_such_calendar(office: Office) -> None:
    office.ports.sources.open(Provider.MAILBOX, BEN, "Europe/Madrid")
    bare = replace(office.ports.sources, shelves=None)  # type: ignore[type-var]
    with pytest.raises(ConnectorError) as missing:
        bare.open(Provider.MAILBOX, BEN, "Europe/Madrid")
    assert missing.value.code == "not_available"
