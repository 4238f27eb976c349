"""How often somebody may try. Counts in this process alone: with several, each allows as much again."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

REMEMBERED = 10_000


@dataclass(slots=True)
class Limiter:
    """Allows `attempts` of one key in `window_s` seconds. Safe to share between threads.

    At most REMEMBERED keys are kept, so that somebody who invents addresses can not fill the memory.
    """

    attempts: int
    window_s: float
    tick: Callable[[], float] = time.monotonic
    _seen: "OrderedDict[str, deque[float]]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def allow(self, key: str) -> bool:
        """Count an attempt; tell whether it is still within the limit."""
        moment = self.tick()
        with self._lock:
            times = self._seen.pop(key, deque())
            while times and times[0] <= moment - self.window_s:
                times.popleft()
            allowed = len(times) < self.attempts
            if allowed:
                times.append(moment)
            self._seen[key] = times
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return allowed


QUARTER_S = 15 * 60


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """How often sign-in links may be asked for: by account, and by network address."""

    by_account: Limiter = field(default_factory=lambda: Limiter(attempts=5, window_s=QUARTER_S))
    by_address: Limiter = field(default_factory=lambda: Limiter(attempts=30, window_s=QUARTER_S))

    def allow(self, account: str, address: str) -> bool:
        """Count an attempt; tell whether it is within both limits."""
        return self.by_address.allow(address) and self.by_account.allow(account)


@dataclass(frozen=True, slots=True)
class FeedLimit:
    """How often one person may have an address read: each try reaches the network from our own machine."""

    by_person: Limiter = field(default_factory=lambda: Limiter(attempts=10, window_s=QUARTER_S))

    def allow(self, person_id: int) -> bool:
        """Count an attempt; tell whether it is within the limit."""
        return self.by_person.allow(str(person_id))
