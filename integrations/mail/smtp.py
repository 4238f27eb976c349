"""Mail over SMTP: one connection for each message. Never shows a password, not even a wrong one.

What the server says decides: 4xx and a broken line are tried again, 5xx is final.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tracker.errors import AuthRevoked, BadSettings, ConnectorError, RateLimited

# For each step of the conversation, of which there are about ten.
TIMEOUT_S = 20.0
RETRY_AFTER_S = 60.0
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


class SmtpMailer:
    """Sends through one mail server. Safe to share between threads: nothing is kept open."""

    def __init__(self, address: SmtpAddress, ca_bundle: Path | None = None) -> None:
        self.address = address
        self.ca_bundle = ca_bundle

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """Hand the message over. Returns once the server has taken it; raises ConnectorError otherwise."""
        with self._in_words(), self._conversation(sender) as server:
            _hand_over(server, message, sender, recipient)

    def check(self, sender: str) -> None:
        """Connect, encrypt and log in as for a mail, and leave. Raises ConnectorError."""
        with self._in_words(), self._conversation(sender):
            pass

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise _wrong_login(error) from None
        except smtplib.SMTPRecipientsRefused as error:
            # We name one recipient at a time.
            raise _refusal(*next(iter(error.recipients.values()))) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError, smtplib.SMTPHeloError) as error:
            raise _refusal(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPNotSupportedError, UnicodeError):
            words = "The mail server can not take addresses with letters beyond ASCII."
            raise ConnectorError(words, code="refused") from None
        except ssl.SSLCertVerificationError:
            raise self._unreachable("its certificate is not one we trust; see CADENCIA_CA_BUNDLE") from None
        except (smtplib.SMTPException, OSError) as error:
            raise self._unreachable(type(error).__name__) from None

    @contextmanager
    def _conversation(self, sender: str) -> Iterator[smtplib.SMTP]:
        server = self._connect(sender)
        try:
            self._greet(server)
            yield server
        finally:
            # However the goodbye goes: a mail that was taken is taken.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connect(self, sender: str) -> smtplib.SMTP:
        # Said outright, since finding out a machine's own name means asking the network.
        ourselves = sender.rpartition("@")[2]
        at = self.address
        if at.implicit_tls:
            return smtplib.SMTP_SSL(at.host, at.port, ourselves, timeout=TIMEOUT_S, context=self._trust())
        return smtplib.SMTP(at.host, at.port, ourselves, timeout=TIMEOUT_S)

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        is_private = self.address.implicit_tls
        if not is_private and server.has_extn("starttls"):
            server.starttls(context=self._trust())
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

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ca_bundle is not None:
            context.load_verify_locations(self.ca_bundle)
        return context

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
    words = f"The mail server refused the login ({error.smtp_code}). See CADENCIA_MAIL_URL."
    return AuthRevoked(words, retry_after_s=RETRY_AFTER_S)


def _refusal(code: int, words: bytes | str) -> ConnectorError:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    said = f"The mail server said {code}: {' '.join(text.split())[:200]}"
    if 400 <= code < 500:
        return RateLimited(said, retry_after_s=RETRY_AFTER_S)
    return ConnectorError(said, code="refused")
