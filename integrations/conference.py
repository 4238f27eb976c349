"""Which online meeting an entry points at. It keeps the room's key and never a password or the whole link."""

import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from tracker.events import Conference

_MEET = re.compile(r"https?://meet\.google\.com/(?:lookup/)?([a-z0-9-]{3,})", re.IGNORECASE)
_TEAMS = re.compile(
    r"https?://teams\.(?:microsoft|live)\.(?:com|us)/(?:l/meetup-join/([^/\s?\"<>]+)|meet/([0-9a-z]+))",
    re.IGNORECASE,
)
_ZOOM = re.compile(
    r"https?://(?:[a-z0-9-]+\.)*zoom(?:gov)?\.(?:us|com)/(?:j|w|s|my)/([0-9a-z.]+)", re.IGNORECASE
)
_LINK = re.compile(r"https://[^\s\"<>]+", re.IGNORECASE)


def find_conference(named: Iterable[str], free: Iterable[str]) -> Conference | None:
    """Return the meeting in `named` (properties made for it), else a known service's link in `free` texts."""
    named = [v for v in named if v]
    for text in [*named, *free]:
        if found := _known(text):
            return found
    for text in named:
        if link := _LINK.search(text):
            return Conference("other", _key_of(link[0]))
    return None


def _known(text: str) -> Conference | None:
    if found := _MEET.search(text):
        return Conference("meet", found[1].lower())
    if found := _TEAMS.search(text):
        return Conference("teams", unquote(found[1] or found[2]))
    if found := _ZOOM.search(text):
        return Conference("zoom", found[1].lower())
    return None


def _key_of(link: str) -> str:
    parts = urlsplit(link) if "[" not in link else None
    # A link to an unknown service may be a key by itself, so its hash serves.
    return sha256((f"{parts.netloc.lower()}{parts.path}" if parts else link).encode()).hexdigest()[:24]
