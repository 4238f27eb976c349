"""Hints to workers: a task sent by name, into the queue of what people wait for. Never raises or waits long.

Celery and Redis are imported when the first hint is sent: without a broker they are not needed at all.
"""

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tracker.ports import Hint

if TYPE_CHECKING:
    from celery import Celery

CLICKS = "clicks"
LONGEST_WAIT_S = 1.0
# Nobody is at work: what is due will be found without more hints, and Redis has no room without end.
MOST_WAITING = 1_000

_log = logging.getLogger(__name__)


class NoHints:
    """Without a broker the schedule runs in the process of the site, and looks every few seconds."""

    def send(self, hint: Hint, number: int | None = None) -> None:
        """Do nothing."""


class RedisHints:
    """Sends hints through Redis. Safe to share between threads; not across a fork."""

    def __init__(self, broker_url: str) -> None:
        self._url = broker_url

    def send(self, hint: Hint, number: int | None = None) -> None:
        """Give the hint, unless Redis does not answer or nobody is at work."""
        try:
            if self._redis.llen(CLICKS) < MOST_WAITING:
                arguments = [] if number is None else [number]
                self._celery.send_task(task_name(hint), arguments, queue=CLICKS, retry=False)
        except Exception as error:
            # Whatever it was about is in the database, and due.
            _log.warning("no hint could be sent (%s)", type(error).__name__)

    @cached_property
    def _redis(self) -> Any:
        import redis

        return redis.Redis.from_url(
            self._url, socket_timeout=LONGEST_WAIT_S, socket_connect_timeout=LONGEST_WAIT_S
        )

    @cached_property
    def _celery(self) -> "Celery":
        from celery import Celery

        app = Celery(broker=self._url, set_as_current=False)
        app.conf.broker_transport_options = {
            "socket_timeout": LONGEST_WAIT_S,
            "socket_connect_timeout": LONGEST_WAIT_S,
        }
        app.conf.task_ignore_result = True
        return app


def task_name(hint: Hint) -> str:
    """Return the name of the task that heeds the hint."""
    return f"jobs.{hint.value}"
