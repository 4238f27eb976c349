"""Whom the mailbox believes, and what is left of a message before anything is stored."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from integrations.mailbox.mime import read_message
from tests.fakes.imap.letters import ANA, BEN, PROGRAM, Session, calendar, message, reply
from tests.integrations.mailbox.office import Office
from tracker.events import Attendee, EventStatus, Response
from tracker.models import PersonAddress

ONE = Session()
OFF = replace(ONE, sequence=1, stamp="20260223T080000Z", more=("STATUS:CANCELLED",))
EVE = "eve@evil.example"
FAILED = "mx.example.com; spf=pass smtp.mailfrom=evil.example; dmarc=fail header.from=example.com"


def request(session: Session = ONE, sender: str = ANA, **headers: str) -> bytes:
    """Return an invitation."""
    return message(calendar("REQUEST", session), "REQUEST", sender, **headers)


def cancel(session: Session = OFF, sender: str = ANA, **headers: str) -> bytes:
    """Return a cancellation."""
    return message(calendar("CANCEL", session), "CANCEL", sender, **headers)


def test_somebody_elses_cancellation_in_the_organisers_name_is_refused(office: Office) -> None:
    report = office.receive(request(), cancel(sender=EVE))
    assert (report.kept, report.refused) == (1, 1)
    assert office.event().status is EventStatus.CONFIRMED


@pytest.mark.parametrize("comes_first", [True, False])
def test_somebody_elses_entry_of_the_same_uid_is_another_one(office: Office, comes_first: bool) -> None:
    forged = cancel(replace(OFF, organiser=EVE, sequence=9), EVE)
    office.receive(*([forged, request()] if comes_first else [request(), forged]))
    assert office.event(ANA).status is EventStatus.CONFIRMED
    assert office.event(BEN).status is EventStatus.CONFIRMED


def test_a_guest_may_not_cancel_the_organisers_session(office: Office) -> None:
    office.receive(request(), cancel(sender=BEN), cancel(replace(OFF, organiser=BEN), BEN))
    assert {e.status for e in (office.event(ANA), office.event(BEN))} == {EventStatus.CONFIRMED}


def test_what_the_mail_server_calls_forged_is_refused(office: Office) -> None:
    office.receive(request())
    assert office.receive(cancel(Authentication_Results=FAILED)).refused == 1


def test_only_the_own_mail_servers_word_counts(office: Office) -> None:
    # The message brought a better word of another server along.
    data = b"Authentication-Results: " + FAILED.encode() + b"\r\n"
    data += cancel(Authentication_Results="mx.evil.example; dmarc=pass header.from=example.com")
    office.receive(request())
    assert office.receive(data).refused == 1


@pytest.mark.parametrize(
    ("signer", "is_believed"),
    [
        ("google.com", True),
        ("calendar.google.com", True),
        ("notgoogle.com", False),
        ("google.com.evil.example", False),
    ],
)
def test_googles_calendar_may_write_in_its_users_names(
    office: Office, signer: str, is_believed: bool
) -> None:
    signed = f"mx.example.com; dkim=pass header.i=@{signer} header.s=x; dmarc=fail header.from=example.com"
    assert office.receive(request(Authentication_Results=signed)).kept == int(is_believed)


def test_a_deputy_of_the_same_house_may_write(office: Office) -> None:
    data = calendar("REQUEST", ONE).replace(b"ORGANIZER;", b'ORGANIZER;SENT-BY="mailto:desk@example.com";')
    assert office.receive(message(data, "REQUEST", "desk@example.com")).kept == 1


def test_nobody_can_name_themselves_the_deputy(office: Office) -> None:
    data = calendar("CANCEL", OFF).replace(b"ORGANIZER;", f'ORGANIZER;SENT-BY="mailto:{EVE}";'.encode())
    assert office.receive(request(), message(data, "CANCEL", EVE)).refused == 1


def test_a_person_may_write_from_any_of_their_addresses(office: Office) -> None:
    with office.ports.store.write() as db:
        db.add(PersonAddress(person_id=office.duo.mentor, email="ana@home.example"))
    assert office.receive(request(sender="ana@home.example")).kept == 1


def test_nobody_answers_for_somebody_else(office: Office) -> None:
    assert office.receive(request(), reply(ONE, "DECLINED", BEN, sender=ANA)).refused == 1
    assert Attendee(BEN, Response.NONE) in office.event().attendees


def test_two_authors_are_nobody(office: Office) -> None:
    data = b"From: eve@evil.example\r\n" + cancel()
    assert office.receive(request(), data).refused == 1


def test_a_forwarded_invitation_is_not_the_organisers(office: Office) -> None:
    inner = request()
    outer = b"\r\n".join([
        b"From: " + BEN.encode(), b"To: " + PROGRAM.encode(), b"MIME-Version: 1.0",
        b"Content-Type: message/rfc822", b"", inner,
    ])  # fmt: skip
    assert office.receive(outer).refused == 1


def test_what_is_stored_holds_no_title_no_notes_no_place_and_nobody_else(office: Office) -> None:
    office.receive(
        request(replace(ONE, title="About my raise #mentoring", guests=(BEN, PROGRAM, "carl@other.example")))
    )
    (content,) = office.contents()
    for word in ("raise", "boss", "Room", "carl", "CN=", "Soon", "VALARM", "PRODID"):
        assert word not in content
    assert f"mailto:{BEN}" in content
    assert "SUMMARY:#mentoring" in content


def test_what_is_stored_is_sealed(office: Office) -> None:
    office.receive(request())
    with office.ports.store.read() as db:
        rows = db.connection().exec_driver_sql("SELECT * FROM invitations").fetchall()
    assert BEN not in str(rows)
    assert "one@google.com" not in str(rows)


def test_messages_of_people_without_a_pair_are_not_stored(office: Office) -> None:
    office.world.person("dora@example.com")
    report = office.receive(
        request(replace(ONE, organiser="dora@example.com", guests=(PROGRAM,)), "dora@example.com")
    )
    assert (report.looked_at, report.kept, report.refused) == (1, 0, 0)


def test_an_organiser_from_outside_is_somebody_without_a_name(office: Office) -> None:
    office.receive(
        request(
            replace(ONE, organiser="desk@agency.example", guests=(ANA, BEN, PROGRAM)), "desk@agency.example"
        )
    )
    (content,) = office.contents()
    assert "agency" not in content
    event = office.event()
    assert event.organiser is not None
    assert event.organiser.endswith("@invalid")
    assert event.copy_role == "attendee"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"From: ana@example.com\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n<html>",
        b"From: =?x?q?\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a\r\n",
        b'From: "a" <\r\nContent-Type: text/calendar\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!',
        message(calendar("REQUEST", ONE).replace(b"ORGANIZER", b"X-ORGANIZER"), "REQUEST"),
        message(calendar("PUBLISH", ONE), "PUBLISH"),
        message(calendar("COUNTER", ONE), "COUNTER", BEN),
        message(calendar("REQUEST", ONE, replace(ONE, uid="two@google.com")), "REQUEST"),
        message(calendar("REPLY", ONE), "REPLY", BEN),
    ],
)
def test_what_makes_no_sense_is_passed_over(office: Office, data: bytes) -> None:
    assert (office.receive(data).kept, office.events()) == (0, [])


def test_a_hostile_rule_costs_its_entry_alone(office: Office) -> None:
    bomb = replace(ONE, uid="bomb@google.com", more=("RRULE:FREQ=SECONDLY;INTERVAL=1",))
    office.receive(request(bomb), request())
    pull = office.pull()
    assert [e.uid for e in pull.events] == ["one@google.com"]
    assert [a.place for a in pull.set_aside] == ["an invitation"]


def _headers(text: bytes) -> bytes:
    return b"From: ana@example.com\r\n" + text + b"\r\n\r\nhello"


def _nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth)
    )
    return b"From: ana@example.com\r\n" + opened + b"\r\n" * 150_000


BOMBS = {
    "authentication": _headers(b"Authentication-Results: mx; " + b"dkim=pass " * 20_000),
    "parameters": _headers(b"Content-Type: text/calendar; " + b"a=b; " * 20_000),
    "folded parameters": _headers(b"Content-Type: text/calendar" + b";\r\n a=b" * 20_000),
    "old line ends": _headers(b"Content-Type: text/calendar" + b";\r a=b" * 20_000),
    "file name": _headers(b"Content-Disposition: attachment" + b"; filename*1=b" * 20_000),
    "authors": _headers(b"From: " + b"a@example.com, " * 20_000 + b"b@example.com"),
    "many authors": _headers(b"From: a@example.com\r\n" * 20_000),
    "nested": _nested(90),
    "lines": _headers(b"Content-Type: multipart/mixed; boundary=b" + b"\r\n" * 5_000_000),
    "parts": _headers(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 90_000),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_message_that_takes_long_to_read_is_passed_over(bomb: bytes) -> None:
    began = time.process_time()
    assert read_message(bomb) == ()
    assert time.process_time() - began < 2


def test_a_large_attachment_does_not_hide_the_invitation() -> None:
    attached = (
        b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + (b"A" * 76 + b"\r\n") * 120_000
    )
    mail = (
        f"From: {ANA}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".encode()
        + attached
        + b"--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
        + calendar("REQUEST", ONE)
        + b"\r\n--b--\r\n"
    )
    assert [mail.uid for mail in read_message(mail)] == ["one@google.com"]
