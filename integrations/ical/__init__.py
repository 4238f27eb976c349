"""Calendars in iCalendar form (RFC 5545): files, and feeds that calendar programs publish."""

from integrations.ical.client import open_calendar

__all__ = ["open_calendar"]
