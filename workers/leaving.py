"""Ending in time: whoever is asked to end is gone within 20 s, even where a library waits for ever.

Nothing is written or given back here, and nothing can be lost: to go by force is what SIGKILL does, and all
that is under way stands in rows whose claims and leases run out. A mail that the server took a moment ago
is sent again, under the same Message-ID, as after any other death (tests/crash).
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable

# After so long nobody waits any more; service managers are told to wait for 20 s and more.
PATIENCE_S = 16.0


def leave_within(seconds: float = PATIENCE_S, children: Callable[[], Iterable[int]] = tuple) -> None:
    """Have this process, and the children that it has by then, gone after so many seconds."""
    after(seconds, lambda: leave_now(children))


def leave_now(children: Callable[[], Iterable[int]] = tuple) -> None:
    """End the children and this process by force. Never returns."""
    try:
        for pid in children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sys.stderr.flush()
    finally:
        # No failure: whoever started us is to see that we did as we were told.
        os._exit(0)


def after(seconds: float, do: Callable[[], None]) -> None:
    """Do it in a thread of its own after so many seconds, if this process still runs then."""
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
