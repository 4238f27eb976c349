"""Signed tokens, as links carry them: what was said comes back, or the link is refused.

Signed and not sealed: whoever has a link can read what it says. Knows the meaning of none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from tracker.errors import TrackerError
from tracker.keys import derive_keys
from tracker.settings import Settings

T = TypeVar("T")


class Refusal(StrEnum):
    """Why a link opens nothing."""

    EXPIRED = "expired"
    USED = "used"
    BROKEN = "broken"


class LinkRefused(TrackerError):
    """The link is no longer good, or never was; `why` tells which."""

    def __init__(self, why: Refusal) -> None:
        self.why = why
        super().__init__(f"link refused: {why}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs one kind of tokens, and takes none of another kind: each has keys and a salt of its own."""

    use: str
    salt: str

    def sign(self, settings: Settings, *said: object) -> str:
        """Return the token that says this, ready to stand in an address."""
        return quote(self._serializer(settings).dumps(said))

    def read(self, settings: Settings, token: str, make: Callable[..., T]) -> T:
        """Return what `make` makes of what the token says.

        Raises LinkRefused, also where `make` raises ValueError or TypeError, or takes not as many words.
        """
        try:
            return make(*self._serializer(settings).loads(token))
        except (BadData, ValueError, TypeError):
            raise LinkRefused(Refusal.BROKEN) from None

    def _serializer(self, settings: Settings) -> URLSafeSerializer:
        # itsdangerous signs with the last key and reads with all: our newest comes first.
        return URLSafeSerializer(derive_keys(settings.keys, self.use)[::-1], salt=self.salt)
