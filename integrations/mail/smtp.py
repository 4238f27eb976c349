"""Mail over SMTP: a connection is kept for a batch. Never shows a password, not even a wrong one.

What the server says decides, and of whom it says it (RFC 5321, sections 3.8 and 4.2.1; RFC 4954, section 4).
Of a recipient or a message: 4xx (greylisting, a full mailbox) is tried again, 5xx is final. Of itself or of
us (421, no answer, a login or a sender that it does not take): no mail is to blame, so all wait.
"""

import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from integrations.trust import open_trust
from tracker.errors import AuthRevoked, BadSettings, ConnectorError, RateLimited

# For each step of the conversation, of which there are about ten.
TIMEOUT_S = 20.0
RETRY_AFTER_S = 60.0
MOST_MAILS = 100  # over one connection; many servers end it about there
# Said of the sender, these are about this one message after all: too large, or not written as they want it.
_ABOUT_THE_MESSAGE = frozenset({552, 555})
_NOT_LOGGED_IN = frozenset({530, 534, 535, 538})
SHAPE = "CADENCIA_MAIL_URL should look like smtp://user:password@mail.example.com:587 or smtps://..."
DEFAULT_PORTS = {("smtp", False): 25, ("smtp", True): 587, ("smtps", False): 465, ("smtps", True): 465}


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """Where the mail server is, and how we show who we are."""

    host: str
    port: int
    implicit_tls: bool
    requires_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def read_address(url: str) -> SmtpAddress:
    """Read an smtp:// or smtps:// URL. Raises BadSettings, which does not repeat it."""
    parts = urlsplit(url)
    tls = parse_qs(parts.query).get("tls", [""])[-1]
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadSettings(f"{SHAPE}: the port is not a number, or a sign needs escaping (%40).") from None
    if parts.scheme not in ("smtp", "smtps") or not host:
        raise BadSettings(f"{SHAPE}.")
    if tls not in ("", "required") or set(parse_qs(parts.query)) - {"tls"}:
        raise BadSettings("CADENCIA_MAIL_URL knows one option: ?tls=required.")
    named = parts.username is not None
    return SmtpAddress(
        host=host,
        port=port or DEFAULT_PORTS[parts.scheme, named],
        implicit_tls=parts.scheme == "smtps",
        requires_tls=tls == "required",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or "") if named else None,
    )


@dataclass(slots=True)
class _Line:
    """An open connection that is ready for the next mail, and how many it took."""

    server: smtplib.SMTP
    mails: int = 0

    def is_fit(self) -> bool:
        """Tell whether another mail may go over it; asks the server, and so forgets a mail half said."""
        try:
            return self.mails < MOST_MAILS and self.server.rset()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def hang_up(self) -> None:
        """Say goodbye, however it goes: a mail that was taken is taken."""
        with suppress(smtplib.SMTPException, OSError):
            self.server.quit()
        self.server.close()


class SmtpMailer:
    """Sends through one mail server. Safe to share between threads: each mail has a connection to itself."""

    def __init__(self, address: SmtpAddress, ca_bundle: Path | None = None) -> None:
        self.address = address
        self.ca_bundle = ca_bundle
        self._kept: list[_Line] = []
        self._lock = threading.Lock()

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """Hand the message over. Returns once the server has taken it; raises ConnectorError otherwise."""
        with self._in_words(), self._conversation(sender) as server:
            _hand_over(server, message, sender, recipient)

    def rest(self) -> None:
        """End the connections that were kept: the batch is over."""
        with self._lock:
            kept, self._kept = self._kept, []
        for line in kept:
            line.hang_up()

    def check(self, sender: str) -> None:
        """Connect, encrypt and log in as for a mail, and leave. Raises ConnectorError."""
        with self._in_words():
            _Line(self._open(sender)).hang_up()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise _wrong_login(error) from None
        except smtplib.SMTPRecipientsRefused as error:
            # We name one recipient at a time.
            raise _refusal(*next(iter(error.recipients.values()))) from None
        except smtplib.SMTPSenderRefused as error:
            raise _wrong_sender(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPHeloError as error:
            raise self._unreachable(f"it said {error.smtp_code} to our greeting") from None
        except (smtplib.SMTPNotSupportedError, UnicodeError):
            words = "The mail server can not take addresses with letters beyond ASCII."
            raise ConnectorError(words, code="refused") from None
        except ssl.SSLCertVerificationError:
            raise self._unreachable("its certificate is not one we trust; see CADENCIA_CA_BUNDLE") from None
        except (smtplib.SMTPException, OSError) as error:
            raise self._unreachable(type(error).__name__) from None

    @contextmanager
    def _conversation(self, sender: str) -> Iterator[smtplib.SMTP]:
        line = self._take() or _Line(self._open(sender))
        try:
            yield line.server
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError):
            self._keep(line)
            raise
        except BaseException:
            # Nobody knows in the middle of what it is: what comes next must not continue it.
            line.server.close()
            raise
        self._keep(line)

    def _take(self) -> _Line | None:
        while True:
            with self._lock:
                line = self._kept.pop() if self._kept else None
            if line is None or line.is_fit():
                return line
            line.hang_up()

    def _keep(self, line: _Line) -> None:
        line.mails += 1
        with self._lock:
            self._kept.append(line)

    def _open(self, sender: str) -> smtplib.SMTP:
        server = self._connect(sender)
        try:
            self._greet(server)
        except BaseException:
            server.close()
            raise
        return server

    def _connect(self, sender: str) -> smtplib.SMTP:
        # Said outright, since finding out a machine's own name means asking the network.
        ourselves = sender.rpartition("@")[2]
        at = self.address
        if at.implicit_tls:
            return smtplib.SMTP_SSL(
                at.host, at.port, ourselves, timeout=TIMEOUT_S, context=open_trust(self.ca_bundle)
            )
        return smtplib.SMTP(at.host, at.port, ourselves, timeout=TIMEOUT_S)

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        is_private = self.address.implicit_tls
        if not is_private and server.has_extn("starttls"):
            server.starttls(context=open_trust(self.ca_bundle))
            server.ehlo()
            is_private = True
        if self.address.requires_tls and not is_private:
            raise self._unreachable("it does not offer TLS, which ?tls=required asks for")
        if self.address.user is not None:
            # Whoever sits on the line can hide STARTTLS; a password must not follow.
            if not is_private and not _is_loopback(self.address.host):
                raise self._unreachable("it does not offer TLS, and a password is never sent without")
            self._log_in(server, self.address.user)

    def _log_in(self, server: smtplib.SMTP, user: str) -> None:
        try:
            server.login(user, self.address.password or "")
        except smtplib.SMTPException as error:
            # The bare class says that none of the server's ways to log in is one of ours.
            if type(error) not in (smtplib.SMTPException, smtplib.SMTPNotSupportedError):
                raise
            raise self._unreachable(
                "it offers no login that we know, and CADENCIA_MAIL_URL has one"
            ) from None

    def _unreachable(self, why: str) -> ConnectorError:
        where = f"{self.address.host}:{self.address.port}"
        return ConnectorError(
            f"The mail server {where} could not be used: {why}.", retry_after_s=RETRY_AFTER_S
        )


def _hand_over(server: smtplib.SMTP, message: bytes, sender: str, recipient: str) -> None:
    plain = sender.isascii() and recipient.isascii()
    server.sendmail(sender, [recipient], message, [] if plain else ["SMTPUTF8"])


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong_login(error: smtplib.SMTPAuthenticationError) -> ConnectorError:
    # The server's words are left out: some repeat what they were sent.
    if 400 <= error.smtp_code < 500:
        words = f"The mail server can not check the login at the moment ({error.smtp_code})."
        return ConnectorError(words, retry_after_s=RETRY_AFTER_S)
    words = f"The mail server refused the login ({error.smtp_code}). See CADENCIA_MAIL_URL."
    return AuthRevoked(words, retry_after_s=RETRY_AFTER_S)


def _wrong_sender(code: int, words: bytes | str) -> ConnectorError:
    # Every mail has the same sender: the next one would hear the same.
    if code in _ABOUT_THE_MESSAGE:
        return _refusal(code, words)
    said = f"{_quote(code, words)} It does not take mail from CADENCIA_MAIL_FROM."
    if 400 <= code < 500:
        return ConnectorError(said, retry_after_s=RETRY_AFTER_S)
    return AuthRevoked(said, retry_after_s=RETRY_AFTER_S)


def _refusal(code: int, words: bytes | str) -> ConnectorError:
    said = _quote(code, words)
    if code == 421:
        return ConnectorError(said, retry_after_s=RETRY_AFTER_S)
    if code in _NOT_LOGGED_IN:
        return AuthRevoked(f"{said} See CADENCIA_MAIL_URL.", retry_after_s=RETRY_AFTER_S)
    if 400 <= code < 500:
        return RateLimited(said, retry_after_s=RETRY_AFTER_S)
    return ConnectorError(said, code="refused")


def _quote(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"The mail server said {code}: {' '.join(text.split())[:200]}"
