"""The same canaries, searched for in Redis: hints, tasks and counts hold numbers, job names and hashes."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from integrations.hints import CLICKS
from integrations.registry import Ports, open_ports
from tests.security.test_canaries import (
    ANA,
    BEN,
    NOW,
    Everything,
    break_everything,
    everything,
    postgres_template,
    sqlite_template,
    store,
)
from tracker.clock import FixedClock
from tracker.models import Calendar
from tracker.ports import Hint
from tracker.services.sync import sync_all
from web.app import create_app
from workers.app import make_app
from workers.beat import Beat
from workers.jobs import JOBS
from workers.tasks import Relay, register, task_name

__all__ = ["everything", "postgres_template", "sqlite_template", "store"]


@pytest.fixture
def ports(everything: Everything, redis_url: str) -> Iterator[Ports]:
    """The company's ports, with a broker."""
    settings = dataclasses.replace(everything.ports.settings, broker_url=redis_url)
    opened = open_ports(settings, FixedClock(NOW))
    yield opened
    opened.store.close()


def _everything_in(redis_url: str) -> Iterator[str]:
    """Yield all keys and values, and what a message wraps once more."""
    redis: Any = Redis.from_url(redis_url)
    readers = {
        b"string": redis.get,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
    }
    for key in redis.scan_iter():
        found = readers[redis.type(key)](key)
        yield f"{key!r} {found!r}"
        for value in found if isinstance(found, list) else ():
            yield _unwrapped(value)


def _unwrapped(value: Any) -> str:
    try:
        return base64.b64decode(json.loads(value)["body"]).decode()
    except (ValueError, TypeError, KeyError, binascii.Error):
        return ""


def _read_again(ports: Ports) -> None:
    with ports.store.write() as db:
        for row in db.query(Calendar):
            row.cursor, row.next_read_at = None, NOW
    sync_all(ports, NOW)


def _ask_for_links(ports: Ports) -> None:
    site = create_app(ports)
    site.config["WTF_CSRF_ENABLED"] = False
    for address in (ANA, BEN, "canary-stranger@example.com"):
        site.test_client().post("/sign-in", data={"email": address})


def _give_out_all_turns(ports: Ports, redis_url: str) -> None:
    app = make_app(ports.settings)
    register(app, lambda: ports)
    assert len(Beat(app, ports.store, ports.clock).tick()) == len(JOBS)
    for job in JOBS:
        Relay(app.tasks[task_name(job.name)], job).more()
        app.tasks[task_name(job.name)].apply()
    with ports.store.read() as db:
        for row in db.query(Calendar):
            ports.hints.send(Hint.CALENDAR, row.id)
            app.tasks[task_name(Hint.CALENDAR)].apply([row.id])


def test_redis_holds_no_address_no_token_and_no_title(
    everything: Everything, ports: Ports, redis_url: str
) -> None:
    _read_again(ports)
    _ask_for_links(ports)
    _give_out_all_turns(ports, redis_url)
    break_everything(everything)
    _read_again(ports)
    held = list(_everything_in(redis_url))
    keys = b" ".join(Redis.from_url(redis_url).scan_iter()).decode()
    for kind in (CLICKS, "bulk", "google", "sign_in_account"):
        assert kind in keys, f"nothing of {kind} is in Redis: this test would find nothing"
    assert "jobs.calendar" in "".join(held)
    for canary in {*everything.canaries(), ANA, BEN, "stranger"}:
        assert not any(canary in text for text in held), "Redis holds an address, a secret or a title"


def test_what_is_wrapped_is_searched_too() -> None:
    body = base64.b64encode(b'[["canary"], {}]').decode()
    assert "canary" in _unwrapped(json.dumps({"body": body}).encode())
