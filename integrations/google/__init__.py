"""Google Calendar and Meet, through Google's own client library with the least rights that will do."""

from integrations.google.open import (
    Place,
    close_connections,
    find_rights,
    open_calendar,
    open_desk,
    open_diary,
    open_recorder,
    open_watcher,
)

__all__ = [
    "Place",
    "close_connections",
    "find_rights",
    "open_calendar",
    "open_desk",
    "open_diary",
    "open_recorder",
    "open_watcher",
]
