"""Do what bookings ask for at the instant of each line, until somebody kills that process or nothing is due.

python -m tests.crash.carry_bookings FOLDER
"""

import functools
import sys
from datetime import datetime
from pathlib import Path

from integrations.registry import open_ports
from tests.crash.nursery import fork_each
from tracker.clock import FixedClock
from tracker.services.carrying import carry_out
from tracker.settings import load_settings


def carry(folder: str, now: str) -> None:
    """Carry out until nothing is due at `now`; the settings stand in the folder."""
    at = datetime.fromisoformat(now)
    ports = open_ports(load_settings({}, Path(folder)), FixedClock(at))
    while carry_out(ports, at).done:
        pass


if __name__ == "__main__":
    fork_each(functools.partial(carry, sys.argv[1]))
