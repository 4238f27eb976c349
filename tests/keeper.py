"""Keeps one server process, and ends it by its pid as soon as standard input closes.

Run as a program by servers.py: `python keeper.py FOLDER UID:GID|- COMMAND...`. Two letters on standard input
stop the server and start it again on the same data. Standard input closes when the test run ends in whatever
way, killed ones too. The folder is then removed; it stays where the server
ended by itself (exit status 1), for its `log` says why. Imports the standard library alone, to start fast.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

PATIENCE_S = 20.0
STOP, START = b"-", b"+"


def keep(folder: Path, who: str, command: list[str]) -> int:
    """Run a server until standard input closes or the server ends by itself."""
    server: subprocess.Popen[bytes] | None = begin(folder, who, command)
    try:
        while server is None or server.poll() is None:
            readable, _, _ = select.select([sys.stdin], [], [], 0.25)
            word = os.read(sys.stdin.fileno(), 1) if readable else None
            if word == b"":
                break
            if word == STOP and server:
                end(server)
                server = None
            elif word == START and not server:
                server = begin(folder, who, command)
    finally:
        ended_by_itself = server is not None and server.poll() is not None
        if not ended_by_itself:
            if server:
                end(server)
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if ended_by_itself else 0


def begin(folder: Path, who: str, command: list[str]) -> subprocess.Popen[bytes]:
    """Start the server; what it says goes to the end of its log."""
    user, group = (None, None) if who == "-" else (int(part) for part in who.split(":"))
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def end(server: subprocess.Popen[bytes]) -> None:
    """End the server: at once by its own means, by force if that takes too long."""
    server.send_signal(signal.SIGINT)  # PostgreSQL cuts the connections and ends; Redis ends
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(PATIENCE_S)
        return
    server.kill()
    server.wait()


def leave(_signal: int, _frame: FrameType | None) -> None:
    """Leave through the `finally` above."""
    raise SystemExit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
