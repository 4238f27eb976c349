"""What most commands begin with: settings, ports, the database as this version needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations.registry import Ports, open_ports
from tracker.errors import BadInput
from tracker.ports import Clock
from tracker.services import schema
from tracker.services.audit import Act
from tracker.services.importing.tables import File
from tracker.settings import load_settings

LARGEST_FILE = 256 << 20


@contextmanager
def opened(clock: Clock | None = None) -> Iterator[Ports]:
    """Give the ports of the settings; the database is there and of this version, or BadSettings says so."""
    ports = open_ports(load_settings(), clock)
    try:
        schema.require_current(ports.store)
        yield ports
    finally:
        ports.store.close()


def by_command(ports: Ports) -> Act:
    """Return the act of whoever sits at the command line, now."""
    return Act(None, "command", ports.clock.now())


def read_file(name: str) -> File:
    """Read a file that was named on the command line. Raises BadInput."""
    path = Path(name)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise BadInput(f"{name}: {reason}. Name the path of a CSV file.") from None
    if len(data) > LARGEST_FILE:
        raise BadInput(f"{name}: more than {LARGEST_FILE >> 20} MB. Is it a list of people or pairs?")
    return File(path.name, data, path.absolute().parent)
