"""The bytes of a mail: what any server and any reader takes, whatever people are called."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadInput
from tracker.ports import Letter
from tracker.services.message import Envelope, freeze, header_text, mailbox, message_id, parse_mailbox

NOW = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
SENDER = parse_mailbox("Cadencia <cadencia@example.com>")
LETTER = Letter("Tutoría de noviembre", "Hola Ñandú\n", "<p>Hola Ñandú</p>\n")


def _freeze(
    name: str = "Ana",
    address: str = "ana@example.com",
    letter: Letter = LETTER,
    unsubscribe_url: str | None = None,
) -> bytes:
    name_of_mail = message_id("digest", "digest/1/2026-W46/7", SENDER)
    return freeze(letter, Envelope(SENDER, mailbox(name, address), name_of_mail, NOW, unsubscribe_url))


def _read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def test_it_carries_the_text_and_the_html_of_the_letter() -> None:
    mail = _read(_freeze())
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert mail.get_content_type() == "multipart/alternative"
    assert plain.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content().splitlines() == LETTER.html.splitlines()


def test_it_says_when_it_was_written_and_that_a_machine_wrote_it() -> None:
    mail = _read(_freeze())
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"


@given(st.lists(st.text("aé–, =?_", min_size=1, max_size=30), max_size=8))
def test_a_subject_is_read_as_it_was_written(words: list[str]) -> None:
    subject = header_text(" ".join(words))
    assert _read(_freeze(letter=Letter(subject, "", "")))["Subject"] == subject


@pytest.mark.parametrize("name", ["Ana Ana Ana", "María María María María María"])
def test_no_blank_of_a_subject_is_doubled_or_lost(name: str) -> None:
    subject = f"Your session with {name}: Tuesday 24 November 2026, 10:00–10:45"
    assert _read(_freeze(letter=Letter(subject, "", "")))["Subject"] == subject


def test_equal_letters_are_equal_bytes() -> None:
    assert _freeze() == _freeze()


def test_all_lines_are_short_ascii_with_crlf() -> None:
    raw = _freeze(letter=Letter("ñ" * 300, "ñ" * 3000, "<p>" + "ñ" * 3000 + "</p>"))
    lines = raw.split(b"\r\n")
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 78


def test_names_beyond_ascii_arrive_whole() -> None:
    to = _read(_freeze('Ñandú "Ñ" Pérez, <jefa>'))["To"].addresses[0]
    assert (to.display_name, to.addr_spec) == ('Ñandú "Ñ" Pérez, <jefa>', "ana@example.com")


def test_domains_beyond_ascii_are_written_as_the_network_knows_them() -> None:
    assert mailbox("Ana", "ana@exämple.com").address == "ana@xn--exmple-cua.com"


def test_an_address_beyond_ascii_is_kept_for_servers_that_take_it() -> None:
    raw = _freeze("Ana", "añá@example.com")
    assert "<añá@example.com>".encode() in raw.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x00\r\n"])
def test_nobody_adds_a_header_through_a_name_or_a_subject(break_: str) -> None:
    evil = f"Ana{break_}Bcc: eve@example.com{break_}{break_}<p>"
    mail = _read(_freeze(evil, letter=Letter(evil, "x\n", "x\n")))
    assert mail["Bcc"] is None
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].addr_spec == "ana@example.com"
    assert mail["Subject"].startswith("Ana Bcc: eve@example.com")


def test_nobody_adds_a_header_through_an_address() -> None:
    with pytest.raises(BadInput):
        mailbox("Ana", "ana@example.com>\r\nBcc: <eve@example.com")


@given(st.text(), st.text(), st.text())
def test_no_text_at_all_breaks_a_mail(name: str, subject: str, body: str) -> None:
    mail = _read(_freeze(name, letter=Letter(subject, body, body)))
    assert sorted(mail.keys()) == sorted(_read(_freeze()).keys())
    assert [a.addr_spec for a in mail["To"].addresses] == ["ana@example.com"]
    assert not mail.defects


def test_direction_marks_do_not_reorder_a_name() -> None:
    assert header_text("Ana \u202emoc.elpmaxe@eve\u202c") == "Ana moc.elpmaxe@eve"


@pytest.mark.parametrize(
    "address", ["", "ana", "@example.com", "ana@", "ana@-x", "ana@exa mple.com", "ana@exa\r\nmple.com"]
)
def test_it_refuses_what_can_not_be_an_address(address: str) -> None:
    with pytest.raises(BadInput):
        mailbox("Ana", address)


def test_the_message_id_follows_from_what_the_mail_is_about() -> None:
    one = message_id("digest", "digest/1/2026-W46/7", SENDER)
    assert one == message_id("digest", "digest/1/2026-W46/7", SENDER)
    assert one != message_id("digest", "digest/1/2026-W47/7", SENDER)
    assert one.startswith("<digest.")
    assert one.endswith("@example.com>")


def test_what_people_can_do_without_has_a_way_out_that_mail_programs_know() -> None:
    url = "https://cadencia.example.com/unsubscribe/" + "x" * 300
    mail = _read(_freeze(unsubscribe_url=url))
    assert mail["List-Unsubscribe"] == f"<{url}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_hostile_way_out_begins_no_header_of_its_own() -> None:
    assert b"\r\nBcc:" not in _freeze(unsubscribe_url="https://x/\r\nBcc: eve@example.com")


def test_other_mail_has_no_way_out() -> None:
    assert b"List-Unsubscribe" not in _freeze()
