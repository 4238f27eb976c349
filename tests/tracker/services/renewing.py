"""A program for one test: many threads of one process want an access token at the same moment.

`python -m tests.tracker.services.renewing DATABASE_URL KEY DESK CREDENTIAL NOW THREADS` prints what they got.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from integrations.mail import open_writer
from integrations.vault import FernetVault
from tests.fakes.desk import DeskClient, FakeDesk
from tracker.clock import FixedClock
from tracker.models import Calendar
from tracker.ports import Clock, Consents, LetterWriter, Vault
from tracker.services.credentials import access_of
from tracker.settings import Settings
from tracker.store import Store


@dataclass
class DeskPorts:
    """What people's consents need, with a desk of our own."""

    store: Store
    vault: Vault
    consents: Consents
    clock: Clock
    settings: Settings = field(default_factory=Settings)
    writer: LetterWriter = field(default_factory=open_writer)


@dataclass(frozen=True)
class _At:
    """The desks, by the address of the server."""

    root: str

    def open(self, provider: str) -> DeskClient:
        """Return the desk."""
        return DeskClient(self.root)


def main() -> None:
    """Get tokens."""
    url, key, root, credential_id, now, threads = sys.argv[1:]
    clock = FixedClock(datetime.fromisoformat(now))
    ports = DeskPorts(Store(url), FernetVault([key]), _At(root), clock)
    calendar = Calendar(credential_id=int(credential_id))
    with ThreadPoolExecutor(int(threads)) as pool:
        tokens = list(pool.map(lambda _: _token(ports, calendar), range(int(threads))))
    ports.store.close()
    sys.stdout.write("\n".join(tokens))


def _token(ports: DeskPorts, calendar: Calendar) -> str:
    access = access_of(ports, calendar)
    assert access is not None
    return access.token()


__all__ = ["DeskPorts", "FakeDesk"]

if __name__ == "__main__":
    main()
