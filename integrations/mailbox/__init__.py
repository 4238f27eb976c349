"""The program's own mailbox, read by IMAP: what it is invited to becomes a calendar of each member."""

from integrations.mailbox.address import read_address
from integrations.mailbox.client import ImapMailbox
from integrations.mailbox.source import MailboxSource

__all__ = ["ImapMailbox", "MailboxSource", "read_address"]
