"""Which addresses may be asked for calendars: how they are written, and where they lead.

Never resolves a name, and never repeats an address in an error.
"""

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

from tracker.errors import ConnectorError
from tracker.tags import normal_address

BAD_ADDRESS = "The calendar's address must begin with https://, without user name or unusual port."
_CLOSED_V4 = tuple(map(ipaddress.IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
# Only what is handed out for the open internet, less what wraps IPv4 (Teredo, 6to4) or is for examples.
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


def read_account(address: str, refusal: str) -> str:
    """Return the account that a calendar is named by. Raises ConnectorError, which says `refusal`."""
    account = normal_address(address)
    if account.count("@") != 1 or account.startswith("@") or account.endswith("@") or " " in account:
        raise ConnectorError(refusal, code="bad_address")
    return account


def check_url(url: str, allowed_hosts: frozenset[str]) -> str:
    """Return the https (or, for an allowed host, http) address that `url` means. Raises ConnectorError.

    `webcal:` is https. No user name, no port below 1024 other than 443 (80 for http); an allowed host may
    have any port.
    """
    parts = _split(url)
    if parts is None:
        raise ConnectorError(BAD_ADDRESS, code="bad_address")
    scheme, host, port, rest = parts
    allowed = host in allowed_hosts or f"{host}:{port}" in allowed_hosts
    if scheme == "http" and not allowed:
        raise ConnectorError(BAD_ADDRESS, code="bad_address")
    if port is not None and not allowed and port < 1024 and port != 443:
        raise ConnectorError(BAD_ADDRESS, code="bad_address")
    where = f"[{host}]" if ":" in host else host
    return urlunsplit((scheme, f"{where}:{port}" if port else where, *rest, ""))


def _split(url: str) -> tuple[str, str, int | None, tuple[str, str]] | None:
    # Browsers and parsers disagree on blanks, controls and backslashes; none belongs in an address.
    url = url.strip(" \t\r\n")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        return None
    try:
        parts = urlsplit(url)
        scheme = {"webcal": "https", "webcals": "https", "https": "https", "http": "http"}.get(parts.scheme)
        host = parts.hostname or ""
        host = host if ":" in host else host.encode("idna").decode()
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    if not scheme or not host or "@" in parts.netloc:
        return None
    return scheme, host.rstrip("."), port, (parts.path or "/", parts.query)


def is_open_address(text: str) -> bool:
    """Tell whether an IP address belongs to the open internet, with nothing of ours behind it."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _CLOSED_V4)
    return address in _OPEN_V6 and not any(address in net for net in _CLOSED_V6)
