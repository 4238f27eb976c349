"""Keeping below the providers' limits, together with all other workers. Never waits: it tells when to ask.

Counted in Redis where there is a broker, else in this process. If Redis does not answer, requests go: the
providers count by themselves anyway, and what they say is heard (integrations.patience).
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from tracker.errors import RateLimited

LONGEST_WAIT_S = 1.0  # for Redis
LONGEST_PAUSE_S = 900.0  # a used-up day frees some requests each minute, as those of the day before go by

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of a provider: so many requests, for one account or (`is_shared`) for all together."""

    item: RateLimitItem
    is_shared: bool = False


# Nine tenths of what the providers allow: a minute is not the same for both sides, and people read, too.
# https://developers.google.com/workspace/calendar/api/guides/quota
GOOGLE = (Quota(RateLimitItemPerMinute(540)), Quota(RateLimitItemPerMinute(9_000), is_shared=True))
# https://learn.microsoft.com/graph/throttling-limits: for an application and a mailbox.
GRAPH = (Quota(RateLimitItemPerSecond(9_000, 600)),)


class Pace:
    """Counts requests against quotas. Safe to share between threads; not across a fork."""

    def __init__(self, name: str, quotas: Sequence[Quota], counted_at: str | None) -> None:
        self._name = name
        self._quotas = quotas
        self._limiter = SlidingWindowCounterRateLimiter(open_storage(counted_at))

    def take(self, account: str) -> RateLimited | None:
        """Count one request of the account; return what to raise instead of sending it, if that is to be."""
        for quota in self._quotas:
            # No address of anybody is kept in Redis.
            who = "all" if quota.is_shared else sha256(account.encode()).hexdigest()[:16]
            if not self._is_free(quota, who):
                # Spread, so that not all come back at once.
                usual_s = min(quota.item.get_expiry() / 10, LONGEST_PAUSE_S)
                wait_s = usual_s * random.uniform(1, 2)  # noqa: S311 - hides nothing
                return RateLimited(
                    "We have asked the provider as often as it allows; the rest comes a little later.",
                    retry_after_s=wait_s,
                )
        return None

    def _is_free(self, quota: Quota, who: str) -> bool:
        try:
            return self._limiter.hit(quota.item, self._name, who)
        except Exception as error:
            _log.warning("requests could not be counted (%s)", type(error).__name__)
            return True


def daily(requests: int) -> tuple[Quota, ...]:
    """Return the quota of so many requests a day for all accounts together; none for 0."""
    return (Quota(RateLimitItemPerDay(requests), is_shared=True),) if requests else ()


@lru_cache(maxsize=8)
def open_pace(name: str, quotas: tuple[Quota, ...], counted_at: str | None) -> Pace:
    """Return the pace of that name in this process; `counted_at` is Redis's address, None for here alone."""
    return Pace(name, quotas, counted_at)


def open_storage(counted_at: str | None) -> Storage:
    """Return where is counted: in Redis at that address, or in this process. Connects to nothing yet."""
    if counted_at is None:
        return MemoryStorage()
    # Celery and this library name sockets differently.
    for celerys in ("redis+socket://", "unix://"):
        if counted_at.startswith(celerys):
            counted_at = "redis+unix://" + counted_at.removeprefix(celerys)
    return RedisStorage(counted_at, socket_timeout=LONGEST_WAIT_S, socket_connect_timeout=LONGEST_WAIT_S)
