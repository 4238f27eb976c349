"""How often somebody may try. Counts in this process, and together with the others where they share a Redis.

Without one, and while it does not answer, each process allows as much again: nobody is locked out for that.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tracker.ports import Attempts

REMEMBERED = 10_000


@dataclass(slots=True)
class Limiter:
    """Allows `most` attempts of one key in `window_s` seconds. Safe to share between threads.

    At most REMEMBERED keys are kept, so that somebody who invents addresses can not fill the memory.
    """

    what: str
    most: int
    window_s: int
    together: Attempts
    tick: Callable[[], float] = time.monotonic
    _seen: "OrderedDict[str, deque[float]]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def allow(self, key: str) -> bool:
        """Count an attempt; tell whether it is still within the limit."""
        # Counted here at any time, so that a Redis which ends leaves nobody with a new supply.
        return (
            self._allow_here(key)
            and self.together.count(self.what, key, self.most, self.window_s) is not False
        )

    def _allow_here(self, key: str) -> bool:
        moment = self.tick()
        with self._lock:
            times = self._seen.pop(key, deque())
            while times and times[0] <= moment - self.window_s:
                times.popleft()
            allowed = len(times) < self.most
            if allowed:
                times.append(moment)
            self._seen[key] = times
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return allowed


QUARTER_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be tried how often.

    Sign-in links, by account and by network address; addresses of feeds, by person, since each try reaches
    the network from our own machine; free times, by person, since each look asks the providers.
    """

    sign_in_account: Limiter
    sign_in_address: Limiter
    feeds: Limiter
    free_times: Limiter

    def allow_sign_in(self, account: str, address: str) -> bool:
        """Count that a link is asked for; tell whether that is within both limits."""
        return self.sign_in_address.allow(address) and self.sign_in_account.allow(account)


def open_limits(together: Attempts) -> Limits:
    """Return the site's limits, each for a quarter of an hour."""
    most = {"sign_in_account": 5, "sign_in_address": 30, "feeds": 10, "free_times": 40}
    return Limits(**{what: Limiter(what, number, QUARTER_S, together) for what, number in most.items()})
