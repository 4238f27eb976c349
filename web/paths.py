"""Where a person may be sent next: pages of this site and nothing else."""

from urllib.parse import urlsplit

LONGEST = 500


def own_path(target: str | None) -> str | None:
    """Return `target` if it is a path on this site, else None.

    Browsers read `//host`, `/\\host` and `/<tab>/host` as other sites, so nothing with a backslash, a control
    character or two slashes in front gets through.
    """
    if not target or len(target) > LONGEST or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or any(ord(c) < 33 or ord(c) == 127 for c in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
