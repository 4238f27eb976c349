"""Outlook calendars of Microsoft 365 through Microsoft Graph: read, written to and watched."""

from integrations.outlook.access import AppAccess
from integrations.outlook.application import AUTHORITY, Application, Place
from integrations.outlook.open import (
    close_connections,
    find_rights,
    open_calendar,
    open_desk,
    open_diary,
    open_recorder,
    open_tokens,
    open_watcher,
)

__all__ = [
    "AUTHORITY",
    "AppAccess",
    "Application",
    "Place",
    "close_connections",
    "find_rights",
    "open_calendar",
    "open_desk",
    "open_diary",
    "open_recorder",
    "open_tokens",
    "open_watcher",
]
