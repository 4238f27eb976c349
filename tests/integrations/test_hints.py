"""Hints: sent by name into the first queue, lost without harm, and never more than can be heeded."""

import json
from typing import Any

import pytest
from redis import Redis

from integrations.hints import CLICKS, MOST_WAITING, NoHints, RedisHints
from tracker.ports import Hint


def _first(redis_url: str) -> Any:
    waiting = Redis.from_url(redis_url).lindex(CLICKS, 0)
    assert waiting is not None
    return json.loads(waiting)


def test_a_hint_is_a_task_by_name_with_a_number(redis_url: str) -> None:
    RedisHints(redis_url).send(Hint.CALENDAR, 7)
    message = _first(redis_url)
    assert message["headers"]["task"] == "jobs.calendar"
    assert message["headers"]["argsrepr"] == "[7]"
    assert message["headers"]["eta"] is None


def test_a_hint_without_a_number_names_the_job_alone(redis_url: str) -> None:
    RedisHints(redis_url).send(Hint.MAIL)
    message = _first(redis_url)
    assert (message["headers"]["task"], message["headers"]["argsrepr"]) == ("jobs.posting", "()")


def test_hints_that_nobody_heeds_do_not_pile_up(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    redis.rpush(CLICKS, *["x"] * MOST_WAITING)
    RedisHints(redis_url).send(Hint.MAIL)
    assert redis.llen(CLICKS) == MOST_WAITING


def test_without_redis_nobody_is_held_up(caplog: pytest.LogCaptureFixture) -> None:
    RedisHints("redis://:secret@127.0.0.1:1/0").send(Hint.MAIL)
    assert "no hint could be sent" in caplog.text
    assert "secret" not in caplog.text


def test_without_a_broker_there_is_nobody_to_tell() -> None:
    NoHints().send(Hint.BOOKINGS)
