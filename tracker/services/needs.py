"""What many use cases need of the outside world, for their own ports to build on. Opens nothing."""

from typing import Protocol

from tracker.ports import LetterWriter, Vault
from tracker.settings import Settings
from tracker.store import Store


class Posting(Protocol):
    """What it takes to write a letter."""

    @property
    def settings(self) -> Settings:
        """Return the settings: the site's address, the keys and the sender."""

    @property
    def writer(self) -> LetterWriter:
        """Return who writes letters."""


class SealedStore(Protocol):
    """What it takes to keep secrets in rows."""

    @property
    def store(self) -> Store:
        """Return the database."""

    @property
    def vault(self) -> Vault:
        """Return what seals and opens them."""
