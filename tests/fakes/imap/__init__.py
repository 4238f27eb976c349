"""A small IMAP server on loopback: enough of RFC 3501 for the standard library's client to read a folder.

It keeps state as a real one does (UIDs, UIDVALIDITY, flags), and fails on demand. Never leaves this machine.
"""

from tests.fakes.imap.server import FakeImap

__all__ = ["FakeImap"]
