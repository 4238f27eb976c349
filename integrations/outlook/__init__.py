"""Outlook calendars of Microsoft 365, read through Microsoft Graph with the least rights that will do."""

from integrations.outlook.access import AUTHORITY, Application
from integrations.outlook.open import Place, close_connections, open_calendar

__all__ = ["AUTHORITY", "Application", "Place", "close_connections", "open_calendar"]
