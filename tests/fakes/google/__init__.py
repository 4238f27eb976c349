"""A Google of our own on loopback: calendars, sync tokens, an OAuth token endpoint, and bad days on demand.

What it accepts and sends is checked against the description of the Calendar API that ships inside
google-api-python-client.
"""

from tests.fakes.google.office import Office
from tests.fakes.google.server import FakeGoogle, running_google

__all__ = ["FakeGoogle", "Office", "running_google"]
