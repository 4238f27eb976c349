"""An IMAP folder (RFC 3501), read through the standard library. Opened read-only, so nothing is marked.

Never sends a password or a token over a line that others can listen to, and never shows what the server said:
some repeat what they were sent.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from integrations.mailbox.address import ImapAddress
from integrations.mailbox.mime import read_message
from integrations.mailbox.trim import trim
from integrations.trust import open_trust
from tracker.errors import AuthRevoked, BadPayload, ConnectorError
from tracker.incoming import CalendarMail, MailPage, MailPlace
from tracker.tags import TagRules

# For each step of the conversation.
TIMEOUT_S = 30.0
RETRY_AFTER_S = 300.0
PAGE = 100
LARGEST_MESSAGE = 10 << 20
_SIZE = re.compile(rb"\bUID (\d+)\b.*?\bRFC822\.SIZE (\d+)|\bRFC822\.SIZE (\d+)\b.*?\bUID (\d+)")


class Tokens(Protocol):
    """Where access tokens for the mailbox come from. Each call may raise ConnectorError."""

    def token(self) -> str:
        """Return a token that is good for some minutes."""

    def replace(self, refused: str) -> str:
        """Return another one than the one that was refused."""


class ImapMailbox:
    """One folder of one mailbox. Connects for each page: nothing is kept open.

    With `tokens` it logs in by one of these (XOAUTH2), and else by the address's password.
    """

    def __init__(
        self,
        address: ImapAddress,
        ca_bundle: Path | None = None,
        tokens: Tokens | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._address = address
        self._ca_bundle = ca_bundle
        self._tokens = tokens
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """Return what tells this folder from others."""
        return self._address.name

    def read(self, place: MailPlace) -> MailPage:
        """Return the next messages after `place`; too large ones are passed over. Raises ConnectorError."""
        with self._in_words(), self._conversation() as server:
            self._open_folder(server)
            validity = _number(server.response("UIDVALIDITY")[1])
            last = place.last_uid if place.uid_validity == validity else 0
            uids = _uids_after(server, last)
            page = uids[:PAGE]
            mails = tuple(m for uid in _small_ones(server, page) for m in _read_one(server, uid))
            reached = MailPlace(validity, page[-1] if page else last)
            return MailPage(reached, mails, len(page), has_more=len(uids) > len(page))

    def trim(self, mail: CalendarMail, ours: frozenset[str], rules: TagRules) -> str | None:
        """Return what may be stored of the mail, None where it is no session."""
        return trim(mail, ours, rules)

    def check(self) -> int:
        """Log in, open the folder, and return how many messages it holds. Raises ConnectorError."""
        with self._in_words(), self._conversation() as server:
            return self._open_folder(server)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError:
            raise self._unreachable("its certificate is not one we trust; see CADENCIA_CA_BUNDLE") from None
        except (imaplib.IMAP4.error, OSError, EOFError) as error:
            raise self._unreachable(type(error).__name__) from None
        except (ValueError, LookupError):
            raise BadPayload("What answered in the mail server's place does not speak IMAP.") from None

    @contextmanager
    def _conversation(self) -> Iterator[imaplib.IMAP4]:
        server = self._connect()
        try:
            self._make_private(server)
            self._log_in(server)
            yield server
        finally:
            # However the goodbye goes: nothing was changed there.
            with suppress(imaplib.IMAP4.error, OSError, EOFError):
                server.logout()
            with suppress(OSError):
                server.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        at = self._address
        if at.implicit_tls:
            return imaplib.IMAP4_SSL(
                at.host, at.port, ssl_context=open_trust(self._ca_bundle), timeout=self._timeout_s
            )
        return imaplib.IMAP4(at.host, at.port, timeout=self._timeout_s)

    def _make_private(self, server: imaplib.IMAP4) -> None:
        if self._address.implicit_tls:
            return
        if "STARTTLS" in server.capabilities:
            server.starttls(open_trust(self._ca_bundle))
        elif not _is_loopback(self._address.host):
            # Whoever sits on the line can hide STARTTLS; a password or token must not follow.
            raise self._unreachable("it does not offer TLS, and nothing secret is sent without")

    def _log_in(self, server: imaplib.IMAP4) -> None:
        if self._tokens is not None:
            self._show_token(server, self._tokens)
            return
        user, password = self._address.user, self._address.password or ""
        words = "The mail server refused the login. See CADENCIA_MAILBOX_URL."
        with _refusals(AuthRevoked(words, code="mailbox_login", retry_after_s=RETRY_AFTER_S)):
            if "AUTH=PLAIN" in server.capabilities:
                secret = f"\0{user}\0{password}".encode()
                server.authenticate("PLAIN", lambda _challenge: secret)
            else:
                server.login(user, password)

    def _show_token(self, server: imaplib.IMAP4, tokens: Tokens) -> None:
        token = tokens.token()
        said = f"user={self._address.user}\1auth=Bearer {token}\1\1".encode()
        words = "The mail server refused the application's token. docs/mailbox.md says which rights it needs."
        try:
            with _refusals(AuthRevoked(words, code="mailbox_token", retry_after_s=RETRY_AFTER_S)):
                # A server that refuses says why first, and waits for an empty line.
                server.authenticate("XOAUTH2", lambda challenge: b"" if challenge else said)
        except AuthRevoked:
            # The next one knows of rights that were granted since.
            tokens.replace(token)
            raise

    def _open_folder(self, server: imaplib.IMAP4) -> int:
        quoted = self._address.folder.replace("\\", "\\\\").replace('"', '\\"')
        said, count = server.select(f'"{quoted}"', readonly=True)
        if said != "OK":
            raise ConnectorError("The mailbox has no such folder.", code="mailbox_folder")
        return _number(count) or 0

    def _unreachable(self, why: str) -> ConnectorError:
        where = f"{self._address.host}:{self._address.port}"
        return ConnectorError(
            f"The mailbox at {where} could not be read: {why}.", retry_after_s=RETRY_AFTER_S
        )


@contextmanager
def _refusals(problem: AuthRevoked) -> Iterator[None]:
    try:
        yield
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError):
        raise problem from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _number(answers: object) -> int | None:
    first = answers[0] if isinstance(answers, list) and answers else None
    return int(first) if isinstance(first, bytes | str) and first.strip() else None


def _uids_after(server: imaplib.IMAP4, last: int) -> list[int]:
    _, found = server.uid("SEARCH", "UID", f"{last + 1}:*")
    uids = {int(uid) for uid in (found[0] or b"").split()} if found else set()
    # "n:*" always names the last message, even where its number is lower (RFC 3501, 6.4.8).
    return sorted(uid for uid in uids if uid > last)


def _small_ones(server: imaplib.IMAP4, uids: list[int]) -> list[int]:
    """Return those messages that are no larger than an invitation can be."""
    if not uids:
        return []
    _, answers = server.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)")
    small = set()
    for answer in answers:
        found = _SIZE.search(answer) if isinstance(answer, bytes) else None
        if found and int(found[2] or found[3]) <= LARGEST_MESSAGE:
            small.add(int(found[1] or found[4]))
    return [uid for uid in uids if uid in small]


def _read_one(server: imaplib.IMAP4, uid: int) -> tuple[CalendarMail, ...]:
    _, answers = server.uid("FETCH", str(uid), "(BODY.PEEK[])")
    literals = [answer[1] for answer in answers if isinstance(answer, tuple)]
    # Somebody may have deleted the message a moment ago.
    return read_message(literals[0]) if literals else ()
