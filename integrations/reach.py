"""Whether the host of an address can be reached. Tells nothing to whoever is at the address itself."""

from urllib.parse import urlsplit

from integrations.http import Limits, touch
from tracker.settings import Settings

LIMITS = Limits(connect_s=5, read_s=5, total_s=10, max_bytes=1_000_000)


def reach_host(url: str, settings: Settings, *, is_typed: bool) -> None:
    """Ask the host for its front page; any answer will do. `is_typed`: not from settings, so it is hostile.

    Raises ConnectorError, with the code of what is wrong.
    """
    parts = urlsplit(url)
    bundle = str(settings.ca_bundle) if settings.ca_bundle else None
    hosts = settings.feed_hosts if is_typed else None
    touch(f"{parts.scheme}://{parts.netloc}/", allowed_hosts=hosts, ca_bundle=bundle, limits=LIMITS)
