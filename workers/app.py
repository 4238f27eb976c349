"""The Celery application: how tasks travel, and what becomes of one whose process died.

The database holds all work; a task is a hint that there is some. So no results are kept, a task may be lost
or come twice, and nothing is ever scheduled in Redis (no ETA, no countdown: Redis delivers these again).
"""

from typing import Any

from celery import Celery

from tracker.errors import BadSettings
from tracker.settings import Settings
from workers.jobs import HARD_LIMIT, Queue

# An unanswered task is given to somebody else after this: longer than any task can last.
VISIBILITY_TIMEOUT_S = 2 * HARD_LIMIT.total_seconds()
# After SIGTERM a worker lets tasks end, then gives back those that do not, and at last goes; less than 20 s.
WARM_S, SOFT_S, COLD_S = 10.0, 2.0, 4.0
# A process that read thousands of calendars is replaced, so that no library's leak lasts.
TASKS_PER_PROCESS = 2_000
LARGEST_PROCESS_KIB = 768 << 10


def make_app(settings: Settings) -> Celery:
    """Return the application for the broker of the settings. Raises BadSettings where there is none."""
    if not settings.broker_url:
        raise BadSettings(
            "CADENCIA_BROKER_URL is not set: without a broker, `cadencia up` does all the work by itself. "
            "Set it to the address of a Redis server, such as redis://localhost:6379/0, to run workers."
        )
    app = Celery("cadencia", broker=settings.broker_url, set_as_current=False)
    app.conf.update(celery_settings())
    return app


def celery_settings() -> dict[str, Any]:
    """Return Celery's settings; engineering rules for tasks that may be killed at any moment."""
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,  # a turn that failed comes again by itself
        "worker_prefetch_multiplier": 1,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "result_backend": None,
        "task_store_errors_even_if_ignored": False,
        "task_time_limit": HARD_LIMIT.total_seconds(),
        "worker_soft_shutdown_timeout": SOFT_S,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_max_tasks_per_child": TASKS_PER_PROCESS,
        "worker_max_memory_per_child": LARGEST_PROCESS_KIB,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # Redis may be away for a night
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "queue_order_strategy": "priority",  # in the order of `Queue`: clicks first, bulk last
            "socket_keepalive": True,
        },
        "task_default_queue": Queue.BULK.value,
        "task_create_missing_queues": True,
        "timezone": "UTC",
        "enable_utc": True,
    }
