"""Where the mailbox is, as CADENCIA_MAILBOX_URL says it. Never repeats the address: it holds a password."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from tracker.errors import BadSettings

SHAPE = "CADENCIA_MAILBOX_URL should look like imaps://user:password@mail.example.com/INBOX"
DEFAULT_PORTS = {"imap": 143, "imaps": 993}
INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class ImapAddress:
    """A folder on an IMAP server, and how we show who we are: without a password, by a token."""

    host: str
    port: int
    implicit_tls: bool
    user: str
    password: str | None = field(repr=False)
    folder: str = INBOX

    @property
    def name(self) -> str:
        """Return what tells this folder from others."""
        return f"imap:{self.user}@{self.host}/{self.folder}"


def read_address(url: str) -> ImapAddress:
    """Read an imap:// or imaps:// URL. Raises BadSettings."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadSettings(f"{SHAPE}: the port is not a number, or a sign needs escaping (%40).") from None
    if parts.scheme not in DEFAULT_PORTS or not host or not parts.username:
        raise BadSettings(f"{SHAPE}.")
    user, password = unquote(parts.username), unquote(parts.password or "")
    folder = unquote(parts.path).strip("/") or INBOX
    if not folder.isascii() or not (user + password + folder).isprintable():
        raise BadSettings(
            "CADENCIA_MAILBOX_URL: write the folder in letters of ASCII, and no control characters."
        )
    is_private = parts.scheme == "imaps"
    return ImapAddress(host, port or DEFAULT_PORTS[parts.scheme], is_private, user, password or None, folder)
