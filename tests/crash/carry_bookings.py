"""Do what bookings ask for, until somebody kills this process or nothing is due.

python -m tests.crash.carry_bookings FOLDER NOW
"""

import sys
from datetime import datetime
from pathlib import Path

from integrations.registry import open_ports
from tracker.clock import FixedClock
from tracker.services.carrying import carry_out
from tracker.settings import load_settings


def main(folder: str, now: str) -> None:
    """Carry out until nothing is due at `now`; the settings stand in the folder."""
    at = datetime.fromisoformat(now)
    ports = open_ports(load_settings({}, Path(folder)), FixedClock(at))
    while carry_out(ports, at).done:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
