"""Trying again what may pass, whoever the provider is. Never waits without bound."""

import random
from collections.abc import Callable
from typing import TypeVar

from tracker.errors import AuthRevoked, ConnectorError
from tracker.ports import Access

ATTEMPTS = 4
LONGEST_WAIT_S = 20.0  # what is to last longer is for the next sync
_RETRIED = frozenset({"unreachable", "server_error", "rate_limited"})

Answer = TypeVar("Answer")


def send_patiently(
    send: Callable[[str], Answer | ConnectorError], access: Access, sleep: Callable[[float], None]
) -> Answer:
    """Return what `send` gives for a token; it returns the ConnectorError that it met, which is raised here.

    Only for requests that may run twice.
    """
    token, is_second = access.token(), False
    attempt = 0
    while True:
        attempt += 1
        answer = send(token)
        if not isinstance(answer, ConnectorError):
            return answer
        if answer.code == AuthRevoked.code and not is_second:
            # Tokens can die before their time; only a fresh one that is refused tells something.
            token, is_second = access.replace(token), True
            continue
        wait_s = wait_before(answer, attempt)
        if attempt >= ATTEMPTS or wait_s is None:
            raise answer
        sleep(wait_s)


def wait_before(problem: ConnectorError, attempt: int) -> float | None:
    """Return the seconds to wait before trying again; None where that is of no use, or takes too long."""
    if problem.code not in _RETRIED:
        return None
    asked = problem.retry_after_s
    if asked is not None and asked > LONGEST_WAIT_S:
        return None
    usual = 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing
    return max(asked or 0.0, usual)
