"""Handing mail over: to a folder, and to a real server on loopback with all its moods."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.mail import FolderMailer, SmtpMailer, open_mailer
from integrations.mail.smtp import read_address
from tests.integrations.mail.servers import Postbox, certificate, running
from tracker.errors import BadSettings, ConnectorError
from tracker.ports import Mailer

MESSAGE = b"Message-ID: <digest.0ab1@example.com>\r\nSubject: Hi\r\n\r\n.one dot\r\nbye\r\n"
SENDER, RECIPIENT = "cadencia@example.com", "ana@example.com"
PASSWORD = "p%40ss%2Fword"


def _send(url: str, ca: Path | None = None, recipient: str = RECIPIENT) -> None:
    mailer = open_mailer(url, ca)
    try:
        mailer.send(MESSAGE, sender=SENDER, recipient=recipient)
    finally:
        mailer.rest()


def _refused(url: str, ca: Path | None = None, recipient: str = RECIPIENT) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        _send(url, ca, recipient)
    return caught.value


@pytest.fixture
def box() -> Postbox:
    return Postbox()


# --- a folder ---


def test_a_folder_gets_a_file_for_each_mail(tmp_path: Path) -> None:
    for _ in range(2):
        _send(f"file:{tmp_path}/out/mail")
    (file,) = (tmp_path / "out" / "mail").iterdir()
    assert (file.name, file.read_bytes()) == ("digest.0ab1.eml", MESSAGE)


@pytest.mark.parametrize(
    "url", ["file:mail", "file:./mail", "file:a%20b/mail", "file:///{}/mail", "file:{}/mail"]
)
def test_a_folder_may_be_named_in_any_usual_way(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _send(url.format(tmp_path))
    assert [f.name for f in tmp_path.rglob("*.eml")] == ["digest.0ab1.eml"]


def test_no_message_id_leads_out_of_the_folder(tmp_path: Path) -> None:
    evil = MESSAGE.replace(b"digest.0ab1", b"../../etc/cron.d/x")
    open_mailer(f"file:{tmp_path}/mail").send(evil, sender=SENDER, recipient=RECIPIENT)
    assert [f.parent for f in tmp_path.rglob("*.eml")] == [tmp_path / "mail"]


def test_a_full_disk_leaves_no_half_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    error = _refused(f"file:{tmp_path}")
    assert error.retry_after_s
    assert list(tmp_path.iterdir()) == []


# --- a server ---


def test_a_server_gets_the_very_bytes(box: Postbox) -> None:
    with running(box) as port:
        _send(f"smtp://127.0.0.1:{port}")
    (got,) = box.got
    assert (got.mail_from, got.rcpt_tos, got.content) == (SENDER, [RECIPIENT], MESSAGE)


def test_a_no_for_now_is_tried_again(box: Postbox) -> None:
    box.rcpt_answer = "451 4.7.1 greylisted, come back"
    with running(box) as port:
        error = _refused(f"smtp://127.0.0.1:{port}")
    assert error.retry_after_s
    assert (error.code, str(error)) == (
        "rate_limited",
        "The mail server said 451: 4.7.1 greylisted, come back",
    )


def test_a_final_no_is_final(box: Postbox) -> None:
    box.rcpt_answer = "550 5.1.1 no such person"
    with running(box) as port:
        error = _refused(f"smtp://127.0.0.1:{port}")
    assert (error.code, error.retry_after_s) == ("refused", None)
    assert "550: 5.1.1 no such person" in str(error)


@pytest.mark.parametrize(("answer", "again"), [("452 4.3.1 mailbox full", True), ("554 5.7.1 spam", False)])
def test_what_counts_is_the_word_after_the_message(box: Postbox, answer: str, again: bool) -> None:
    box.data_answer = answer
    with running(box) as port:
        assert bool(_refused(f"smtp://127.0.0.1:{port}").retry_after_s) is again


def test_a_mail_that_was_taken_is_taken_however_the_goodbye_goes(box: Postbox) -> None:
    box.quit_answer = "421 too tired for manners"
    with running(box) as port:
        _send(f"smtp://127.0.0.1:{port}")
    assert len(box.got) == 1


def test_nobody_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = _refused(f"smtp://127.0.0.1:{port}")
    assert (error.code, bool(error.retry_after_s)) == ("unreachable", True)


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A server that hangs up as soon as somebody calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_a_line_that_breaks_is_tried_again(mute_port: int) -> None:
    error = _refused(f"smtp://127.0.0.1:{mute_port}")
    assert (error.code, bool(error.retry_after_s)) == ("unreachable", True)


# --- one connection for a batch ---


@pytest.fixture
def mailer(box: Postbox) -> Iterator[Mailer]:
    with running(box) as port:
        made = open_mailer(f"smtp://127.0.0.1:{port}")
        yield made
        made.rest()


def _hand(mailer: Mailer, *recipients: str) -> None:
    for recipient in recipients or (RECIPIENT,):
        mailer.send(MESSAGE, sender=SENDER, recipient=recipient)


def test_a_batch_goes_over_one_connection(box: Postbox, mailer: Mailer) -> None:
    _hand(mailer, "ana@example.com", "luis@example.com", "eva@example.com")
    assert (box.connections, len(box.got)) == (1, 3)
    assert [mail.rcpt_tos for mail in box.got] == [
        ["ana@example.com"],
        ["luis@example.com"],
        ["eva@example.com"],
    ]


def test_after_a_rest_a_new_connection_is_made(box: Postbox, mailer: Mailer) -> None:
    _hand(mailer)
    mailer.rest()
    _hand(mailer)
    assert (box.connections, len(box.got)) == (2, 2)


def test_a_refusal_does_not_cost_the_connection(box: Postbox, mailer: Mailer) -> None:
    box.rcpt_answer = "550 5.1.1 no such person"
    with pytest.raises(ConnectorError):
        _hand(mailer)
    box.rcpt_answer = None
    _hand(mailer)
    assert (box.connections, len(box.got)) == (1, 1)


def test_a_connection_that_the_server_ended_is_made_anew(box: Postbox, mailer: Mailer) -> None:
    _hand(mailer)
    box.hang_up()
    _hand(mailer)
    assert (box.connections, len(box.got)) == (2, 2)


def test_a_connection_is_not_kept_for_ever(
    box: Postbox, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.mail.smtp.MOST_MAILS", 2)
    _hand(mailer, *["ana@example.com"] * 5)
    assert (box.connections, len(box.got)) == (3, 5)


def test_two_threads_do_not_share_a_connection(box: Postbox, mailer: Mailer) -> None:
    threads = [threading.Thread(target=_hand, args=(mailer, *["ana@example.com"] * 10)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(box.got) == 20
    assert box.connections <= 3


# --- of whom the server speaks ---


@pytest.mark.parametrize("where", ["mail", "rcpt", "data"])
def test_a_server_that_closes_down_is_asked_later_by_all(box: Postbox, where: str) -> None:
    setattr(box, f"{where}_answer", "421 4.3.2 shutting down")
    with running(box) as port:
        error = _refused(f"smtp://127.0.0.1:{port}")
    assert (error.code, bool(error.retry_after_s)) == ("unreachable", True)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("550 5.7.1 not your address", "reconnect"),
        ("530 5.7.0 authentication required", "reconnect"),
        ("451 4.3.0 try later", "unreachable"),
        ("552 5.3.4 too large", "refused"),
    ],
)
def test_a_sender_that_is_not_taken_concerns_every_mail(box: Postbox, answer: str, code: str) -> None:
    box.mail_answer = answer
    with running(box) as port:
        assert _refused(f"smtp://127.0.0.1:{port}").code == code


def test_a_login_that_can_not_be_checked_now_is_not_a_wrong_one(box: Postbox, tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    box.login_answer = "454 4.7.0 temporary failure"
    with running(box, tls_context=context, authenticator=box.authenticate) as port:
        error = _refused(f"smtp://mail:{PASSWORD}@127.0.0.1:{port}", ca)
    assert (error.code, bool(error.retry_after_s)) == ("unreachable", True)


# --- letters beyond ASCII ---


def test_an_address_beyond_ascii_goes_to_servers_that_take_it(box: Postbox) -> None:
    with running(box, enable_SMTPUTF8=True) as port:
        _send(f"smtp://127.0.0.1:{port}", recipient="añá@example.com")
    assert box.got[0].rcpt_tos == ["añá@example.com"]


def test_an_address_beyond_ascii_is_refused_where_the_server_can_not(box: Postbox) -> None:
    with running(box, enable_SMTPUTF8=False) as port:
        error = _refused(f"smtp://127.0.0.1:{port}", recipient="añá@example.com")
    assert (error.code, error.retry_after_s) == ("refused", None)


# --- TLS and logins ---


def test_it_turns_on_tls_where_it_is_offered(box: Postbox, tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    with running(box, tls_context=context) as port:
        _send(f"smtp://127.0.0.1:{port}", ca)
    assert box.used_tls == [True]


def test_it_speaks_tls_from_the_first_byte(box: Postbox, tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    with running(box, tls_from_start=context) as port:
        _send(f"smtps://127.0.0.1:{port}", ca)
    assert box.used_tls == [True]


def test_it_trusts_no_stranger(box: Postbox, tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    with running(box, tls_context=context) as port:
        error = _refused(f"smtp://127.0.0.1:{port}")
    assert "CADENCIA_CA_BUNDLE" in str(error)
    assert box.got == []


def test_it_sends_nothing_in_the_clear_where_tls_is_required(box: Postbox) -> None:
    with running(box) as port:
        error = _refused(f"smtp://127.0.0.1:{port}?tls=required")
    assert "tls=required" in str(error)
    assert box.got == []


def test_it_logs_in(box: Postbox, tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    with running(box, tls_context=context, authenticator=box.authenticate, auth_required=True) as port:
        _send(f"smtp://mail%40example.com:{PASSWORD}@127.0.0.1:{port}", ca)
    assert box.logins[0] == (b"mail@example.com", b"p@ss/word")
    assert len(box.got) == 1


def test_a_wrong_password_is_told_without_showing_it(
    box: Postbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context, ca = certificate(tmp_path)
    with running(box, tls_context=context, authenticator=box.authenticate) as port:
        error = _refused(f"smtp://mail:hunter2@127.0.0.1:{port}", ca)
    assert (error.code, bool(error.retry_after_s)) == ("reconnect", True)
    assert "hunter2" not in str(error) + repr(error) + caplog.text
    assert error.__cause__ is None


def test_a_server_without_logins_is_told_apart(box: Postbox, tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    with running(box, tls_context=context, auth_exclude_mechanism=["LOGIN", "PLAIN"]) as port:
        error = _refused(f"smtp://mail:{PASSWORD}@127.0.0.1:{port}", ca)
    assert error.retry_after_s
    assert "login" in str(error)


def test_a_password_never_goes_over_an_open_line(box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.mail.smtp._is_loopback", lambda _host: False)
    with running(box, authenticator=box.authenticate, auth_require_tls=False) as port:
        error = _refused(f"smtp://mail:{PASSWORD}@127.0.0.1:{port}")
    assert "never sent without" in str(error)
    assert box.logins == []


# --- addresses ---


@pytest.mark.parametrize(
    ("url", "port"),
    [("smtp://m", 25), ("smtp://u:p@m", 587), ("smtps://m", 465), ("smtps://u:p@m:2465", 2465)],
)
def test_ports_are_the_usual_ones(url: str, port: int) -> None:
    assert read_address(url).port == port


@pytest.mark.parametrize(
    "url",
    ["smtp://", "smtp://u:hunter2@", "smtp://u:hunter2/x@m", "smtp://m:x", "smtp://m?tls=no", "smtp://m?a=b"],
)
def test_a_mail_url_that_makes_no_sense_is_told_without_showing_it(url: str) -> None:
    with pytest.raises(BadSettings) as caught:
        open_mailer(url)
    assert "CADENCIA_MAIL_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_password_is_not_in_what_is_printed() -> None:
    assert "hunter2" not in repr(read_address("smtp://u:hunter2@m"))


# --- trying it out, for the doctor ---


def test_a_server_is_tried_without_a_mail(box: Postbox, tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    with running(box, tls_context=context, authenticator=box.authenticate, auth_required=True) as port:
        SmtpMailer(read_address(f"smtp://ana:{PASSWORD}@127.0.0.1:{port}"), ca).check(SENDER)
        with pytest.raises(ConnectorError, match="refused the login"):
            SmtpMailer(read_address(f"smtp://ana:wrong@127.0.0.1:{port}"), ca).check(SENDER)
    assert len(box.logins) >= 2
    assert box.got == []


def test_a_folder_is_tried_without_a_trace(tmp_path: Path) -> None:
    FolderMailer(tmp_path / "mail").check(SENDER)
    assert list((tmp_path / "mail").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ConnectorError, match="can not be written"):
        FolderMailer(tmp_path / "file").check(SENDER)
