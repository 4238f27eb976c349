"""Processes that are killed, forked from one that has read all its code: so the next one is there at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def fork_each(run: Callable[[str], object]) -> None:
    """Fork a process for each line of standard input, which runs this with it; write its number."""
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            run(line.strip())
            return
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


class Nursery:
    """A process that calls `fork_each`, seen from outside."""

    def __init__(self, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None):
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def start(self, line: str = "") -> int:
        """Start one more process, and return its number."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Kill it and all that it started: they are in its group."""
        os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:  # closes its pipes, and waits
            pass


def has_ended(pid: int) -> bool:
    """Tell whether a process is gone, but for whoever started it and has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
