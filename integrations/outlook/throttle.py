"""How many requests may be under way: few for one mailbox, and at all as many as Microsoft bears.

Exchange allows four at once for an application and a mailbox; what it allows an application as a whole is not
told, so that is found out. It knows of this process alone, and never lets anybody wait for a clock.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

MOST_PER_MAILBOX = 3
MOST = 64
AT_FIRST = 16


class Throttle:
    """Safe to share between threads."""

    def __init__(self, at_first: int = AT_FIRST) -> None:
        self._limit = float(at_first)
        self._busy: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._round = 0

    @property
    def limit(self) -> int:
        """Return how many requests may be under way now."""
        return int(self._limit)

    @contextmanager
    def turn(self, mailbox: str) -> Iterator[int]:
        """Wait until a request to the mailbox may go, and hold its place until the end of the block.

        Yields the number of the round that it belongs to, for `was_refused`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_free(mailbox))
            self._busy[mailbox] += 1
            number = self._round
        try:
            yield number
        finally:
            with self._changed:
                self._busy[mailbox] -= 1
                self._busy += Counter()  # forgets mailboxes that nobody asks
                self._changed.notify_all()

    def went_well(self) -> None:
        """Allow a little more: one more request for each round of them."""
        with self._changed:
            self._limit = min(float(MOST), self._limit + 1 / self._limit)
            self._changed.notify_all()

    def was_refused(self, number: int) -> None:
        """Allow half as much from now on; further requests of a round that was refused change nothing."""
        with self._changed:
            if number == self._round:
                self._limit = max(1.0, self._limit / 2)
                self._round += 1

    def _is_free(self, mailbox: str) -> bool:
        return self._busy[mailbox] < MOST_PER_MAILBOX and self._busy.total() < self.limit
