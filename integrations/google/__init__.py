"""Google Calendar, read through Google's own client library with the least rights that will do."""

from integrations.google.access import Consent
from integrations.google.open import close_connections, open_calendar

__all__ = ["Consent", "close_connections", "open_calendar"]
