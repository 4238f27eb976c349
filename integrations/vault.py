"""The vault: what must not be readable in a copy of the database. Never logs or shows a plain text or a key.

Keys are Fernet keys, newest first. The first seals, all open. Fingerprints come from the *last* key, so that
a new key put in front changes none of them (tracker.services.resealing tells how the last one can go).

A process that runs while the keys are rotated meets what a key has sealed that it does not know: then it
looks once more which keys there are.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tracker.errors import BadSettings
from tracker.keys import derive_key

_END = b"\0"


class FernetVault:
    """Seals with AES-CBC and HMAC (Fernet). Safe to share between threads; holds no connection."""

    def __init__(self, keys: Sequence[str], keys_now: Callable[[], Sequence[str]] = tuple) -> None:
        """Take the keys; `keys_now` tells which there are by now, or none where that can not be told."""
        self._keys, self._keys_now = tuple(keys), keys_now
        self._fernet = MultiFernet([_fernet(key) for key in keys])
        self._print_key = derive_key(keys[-1], "fingerprints")

    def seal(self, plain: str, bound_to: str) -> str:
        """Return `plain` encrypted so that it opens only under the same `bound_to`."""
        return self._fernet.encrypt(bound_to.encode() + _END + plain.encode()).decode()

    def open(self, sealed: str, bound_to: str) -> str:
        """Return what was sealed. Raises BadSettings where no key fits or the row is another."""
        opened = self._decrypt(sealed)
        if opened is None and self._learn():
            opened = self._decrypt(sealed)
        if opened is None:
            raise BadSettings(
                "What is sealed in the database does not open with the keys in CADENCIA_SECRET_KEYS. "
                "Add the key that it was sealed with to the end of that list."
            )
        row, _, plain = opened.partition(_END)
        if row != bound_to.encode():
            raise BadSettings("A sealed value in the database belongs to another row: it was copied there.")
        return plain.decode()

    def fingerprint(self, plain: str) -> str:
        """Return a keyed hash of 64 hexadecimal digits: equal for equal texts, of no use without the key."""
        return hmac.new(self._print_key, plain.encode(), hashlib.sha256).hexdigest()

    def _decrypt(self, sealed: str) -> bytes | None:
        try:
            return self._fernet.decrypt(sealed.encode())
        except InvalidToken:
            return None

    def _learn(self) -> bool:
        """Take in keys that came since; tell whether there are any. Our own stay, in case theirs are gone."""
        new = tuple(key for key in self._keys_now() if key not in self._keys)
        if new:
            self._keys = (*new, *self._keys)
            self._fernet = MultiFernet([_fernet(key) for key in self._keys])
        return bool(new)


def fresh_key() -> str:
    """Return a new random key as CADENCIA_SECRET_KEYS takes it."""
    return Fernet.generate_key().decode()


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise BadSettings(
            "CADENCIA_SECRET_KEYS: a key is not 32 bytes in URL-safe base64 (44 characters). "
            "`cadencia init` in an empty folder writes a settings file with good ones."
        ) from None
