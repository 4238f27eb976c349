"""How Google calendars are read: against a Google of our own on loopback."""
