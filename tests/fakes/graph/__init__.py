"""A Microsoft 365 of our own on loopback: mailboxes, delta links, a login service, and bad days on demand.

What it sends is typed after Graph's own description of an event.
"""

from tests.fakes.graph.mailbox import Mailbox
from tests.fakes.graph.server import FakeGraph, running_graph

__all__ = ["FakeGraph", "Mailbox", "running_graph"]
