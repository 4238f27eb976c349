"""A Google of our own on loopback: calendars, consents, notices, meeting records, and bad days on demand.

What it accepts and sends is checked against the descriptions of the Calendar, Meet and OAuth APIs that ship
inside google-api-python-client.
"""

from tests.fakes.google.office import Office
from tests.fakes.google.server import FakeGoogle, running_google

__all__ = ["FakeGoogle", "Office", "running_google"]
