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


def _limiter(attempts: int) -> Limiter:
    return Limiter(attempts, window_s=QUARTER_S)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be tried how often in a quarter of an hour.

    Sign-in links, by account and by network address; addresses of feeds, by person, since each try reaches
    the network from our own machine; free times, by person, since each look asks the providers.
    """

    sign_in_account: Limiter = field(default_factory=lambda: _limiter(5))
    sign_in_address: Limiter = field(default_factory=lambda: _limiter(30))
    feeds: Limiter = field(default_factory=lambda: _limiter(10))
    free_times: Limiter = field(default_factory=lambda: _limiter(40))

    def allow_sign_in(self, account: str, address: str) -> bool:
        """Count that a link is asked for; tell whether that is within both limits."""
        return self.sign_in_address.allow(address) and self.sign_in_account.allow(account)
