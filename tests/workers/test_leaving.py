"""Whoever is asked to end is gone in time, with all children, whatever still runs."""

import subprocess
import sys
import time
from pathlib import Path

SNIPPET = """
import subprocess, sys, threading, time
from workers.leaving import leave_within
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
threading.Thread(target=time.sleep, args=(60,)).start()  # waited for at the end, for ever so long
leave_within(0.2, lambda: [child.pid])
"""


def test_a_process_that_waits_for_a_thread_goes_all_the_same_and_takes_its_children_along() -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SNIPPET], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 30
    # A busy machine takes a moment to bury whom a signal has killed.
    while not _is_dead(int(done.stdout)):
        assert time.monotonic() - began < 30
        time.sleep(0.01)


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
