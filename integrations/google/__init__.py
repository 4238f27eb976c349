"""Google Calendar, read through Google's own client library with the least rights that will do."""

from integrations.google.open import Place, close_connections, open_calendar

__all__ = ["Place", "close_connections", "open_calendar"]
