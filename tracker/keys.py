"""Keys for one purpose each, made from the installation's secret keys. Never writes a key anywhere."""

from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(key: str, purpose: str) -> bytes:
    """Return 32 bytes for `purpose` (HKDF, RFC 5869): a key that leaks opens nothing but its own door."""
    return HKDF(hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())


def derive_keys(keys: Sequence[str], purpose: str) -> list[bytes]:
    """Return one key for each of `keys`, in their order (newest first)."""
    return [derive_key(key, purpose) for key in keys]
