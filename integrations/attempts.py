"""Counting what people try, in Redis, so that all processes of the site count together. Keeps no address.

Where Redis does not answer it says so and counts nothing: whoever asks goes on counting by itself.
"""

import logging
import time
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limits.strategies import MovingWindowRateLimiter

# Nobody who signs in waits for a Redis that did not answer a moment ago.
REST_S = 30.0

_log = logging.getLogger(__name__)


class NoAttempts:
    """Without a broker the site is one process: it counts by itself."""

    def count(self, _what: str, _who: str, _most: int, _window_s: int) -> bool | None:
        """Count nothing."""
        return None


class RedisAttempts:
    """Counts in Redis. Safe to share between threads; not across a fork."""

    def __init__(self, broker_url: str, tick: Callable[[], float] = time.monotonic) -> None:
        self._url = broker_url
        self._tick = tick
        self._rests_until: float | None = None

    def count(self, what: str, who: str, most: int, window_s: int) -> bool | None:
        """Count one attempt unless there were `most`; None where Redis does not answer. Logs that once."""
        if self._rests_until is not None and self._tick() < self._rests_until:
            return None
        try:
            is_within = self._hit(what, who, most, window_s)
        except Exception as error:
            if self._rests_until is None:
                _log.warning("attempts are counted by each process alone (%s)", type(error).__name__)
            self._rests_until = self._tick() + REST_S
            return None
        if self._rests_until is not None:
            _log.info("attempts are counted together again")
            self._rests_until = None
        return is_within

    def _hit(self, what: str, who: str, most: int, window_s: int) -> bool:
        from limits import RateLimitItemPerSecond

        return self._limiter.hit(
            RateLimitItemPerSecond(most, window_s), what, sha256(who.encode()).hexdigest()[:16]
        )

    @cached_property
    def _limiter(self) -> "MovingWindowRateLimiter":
        from limits.strategies import MovingWindowRateLimiter

        from integrations.limits import open_storage

        return MovingWindowRateLimiter(open_storage(self._url))
