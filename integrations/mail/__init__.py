"""Mail: letters written from templates, and handed to a server or a folder. Decides nothing about either."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from integrations.mail.folder import FolderMailer
from integrations.mail.letters import JinjaLetterWriter
from integrations.mail.smtp import SmtpMailer, read_address
from tracker.ports import LetterWriter, Mailer


def open_mailer(url: str, ca_bundle: Path | None = None) -> Mailer:
    """Return the mailer for CADENCIA_MAIL_URL; no network yet. Raises BadSettings for one we can not use.

    `file:DIR`, `smtp://[user:password@]host[:port][?tls=required]` or `smtps://...`; `ca_bundle` is a file
    of certificates to trust besides the system's.
    """
    if url.startswith("file:"):
        return FolderMailer(_folder(url))
    return SmtpMailer(read_address(url), ca_bundle)


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    return Path(unquote(parts.netloc + parts.path) or ".")


def open_writer() -> LetterWriter:
    """Return the writer of all letters, in English and Spanish."""
    return JinjaLetterWriter()


__all__ = ["FolderMailer", "SmtpMailer", "open_mailer", "open_writer"]
