"""Attempts: counted together by all who share a Redis; without it nobody is held up, and it is said once."""

import pytest

from integrations.attempts import REST_S, NoAttempts, RedisAttempts
from tests.servers import RedisServer

NOWHERE = "redis://127.0.0.1:1/0"


def _allowed(attempts: RedisAttempts, who: str, times: int, window_s: int = 900) -> int:
    return sum(attempts.count("test", who, 3, window_s) is True for _ in range(times))


def test_processes_count_together(redis_url: str) -> None:
    one, other = RedisAttempts(redis_url), RedisAttempts(redis_url)
    assert _allowed(one, "ana@example.com", 2) + _allowed(other, "ana@example.com", 5) == 3


def test_everybody_and_everything_is_counted_alone(redis_url: str) -> None:
    attempts = RedisAttempts(redis_url)
    assert _allowed(attempts, "ana@example.com", 5) == _allowed(attempts, "ben@example.com", 5) == 3
    assert attempts.count("other", "ana@example.com", 3, 900) is True


def test_no_address_is_kept_in_redis(redis_server: RedisServer, redis_url: str) -> None:
    _allowed(RedisAttempts(redis_url), "ana@example.com", 1)
    keys = redis_server.reply("KEYS *")
    assert "test" in keys
    assert "ana" not in keys


def test_without_a_broker_nothing_is_counted() -> None:
    assert NoAttempts().count("test", "ana@example.com", 1, 900) is None


def test_a_redis_that_is_gone_is_told_once_and_not_asked_again_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    attempts = RedisAttempts(NOWHERE, tick=lambda: now[0])
    for _ in range(3):
        assert attempts.count("test", "ana@example.com", 3, 900) is None
        now[0] += REST_S
    assert caplog.text.count("by each process alone") == 1
    assert "ana" not in caplog.text


def test_a_redis_that_is_back_counts_again(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    attempts = RedisAttempts(redis_url, tick=lambda: now[0])
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "_url", NOWHERE)
        assert attempts.count("test", "ana@example.com", 3, 900) is None
    del attempts._limiter
    assert attempts.count("test", "ana@example.com", 3, 900) is None
    now[0] += REST_S
    assert attempts.count("test", "ana@example.com", 3, 900) is True
