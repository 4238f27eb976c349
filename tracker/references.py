"""Signed references: by them Cadencia knows the calendar entries again that it wrote. They tell nothing else.

A reference is `c1-` and 52 letters and digits of base32: 128 random bits and as many of their HMAC-SHA256.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence

from tracker.keys import derive_key, derive_keys

PURPOSE = "calendar references"
PREFIX = "c1-"
UID_END = "@cadencia"
_HALF = 16  # bytes


def new_reference(keys: Sequence[str]) -> str:
    """Return a fresh reference, signed with the newest of the installation's keys."""
    token = secrets.token_bytes(_HALF)
    return PREFIX + _letters(token + _mark(derive_key(keys[0], PURPOSE), token))


def uid_of(reference: str) -> str:
    """Return the UID of an invitation that carries the reference."""
    return reference + UID_END


def reference_in(uid: str) -> str | None:
    """Return the reference that stands in the UID, None where the UID is not of our making.

    Calendars keep the UID of an invitation that was accepted, and often nothing else by which it is known.
    """
    return uid.removesuffix(UID_END) if uid.endswith(UID_END) else None


def reader_of(keys: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells whether a reference was signed with one of the installation's keys."""
    own = derive_keys(keys, PURPOSE)

    def is_ours(reference: str) -> bool:
        known = _bytes_of(reference)
        if known is None:
            return False
        token, mark = known[:_HALF], known[_HALF:]
        return any(hmac.compare_digest(mark, _mark(key, token)) for key in own)

    return is_ours


def _mark(key: bytes, token: bytes) -> bytes:
    return hmac.new(key, token, hashlib.sha256).digest()[:_HALF]


def _letters(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=").lower()


def _bytes_of(reference: str) -> bytes | None:
    letters = reference.removeprefix(PREFIX).upper()
    if not reference.startswith(PREFIX) or len(letters) != 52 or not letters.isascii():
        return None
    try:
        return base64.b32decode(letters + "====")
    except ValueError:
        return None
