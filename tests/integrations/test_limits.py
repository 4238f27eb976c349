"""The pace: counted together by all who share a Redis, and never a reason to stand still."""

import pytest
from limits import RateLimitItemPerMinute

from integrations.limits import GOOGLE, LONGEST_PAUSE_S, Pace, Quota, daily, open_pace
from tests.servers import RedisServer

FEW = (Quota(RateLimitItemPerMinute(3)), Quota(RateLimitItemPerMinute(5), is_shared=True))


def _taken(pace: Pace, account: str, times: int) -> int:
    return sum(pace.take(account) is None for _ in range(times))


@pytest.fixture(params=["memory", "redis"])
def counted_at(request: pytest.FixtureRequest) -> str | None:
    """Where requests are counted."""
    return None if request.param == "memory" else str(request.getfixturevalue("redis_url"))


def test_an_account_has_its_own_limit(counted_at: str | None) -> None:
    pace = Pace("test", FEW, counted_at)
    assert _taken(pace, "ana@example.com", 5) == 3


def test_all_accounts_share_the_limit_of_all(counted_at: str | None) -> None:
    pace = Pace("test", FEW, counted_at)
    assert _taken(pace, "ana@example.com", 3) == 3
    assert _taken(pace, "ben@example.com", 3) == 2


def test_providers_have_limits_of_their_own(counted_at: str | None) -> None:
    assert _taken(Pace("one", FEW, counted_at), "ana@example.com", 5) == 3
    assert _taken(Pace("other", FEW, counted_at), "ana@example.com", 5) == 3


def test_workers_count_together_where_they_share_a_redis(redis_url: str) -> None:
    one, other = Pace("test", FEW, redis_url), Pace("test", FEW, redis_url)
    assert _taken(one, "ana@example.com", 2) + _taken(other, "ana@example.com", 5) == 3


def test_it_says_when_to_come_back(counted_at: str | None) -> None:
    pace = Pace("test", FEW, counted_at)
    _taken(pace, "ana@example.com", 3)
    refused = pace.take("ana@example.com")
    assert refused is not None
    assert refused.retry_after_s is not None
    assert 5 <= refused.retry_after_s <= 20


def test_all_accounts_share_the_day(counted_at: str | None) -> None:
    pace = Pace("test", daily(4), counted_at)
    assert _taken(pace, "ana@example.com", 3) + _taken(pace, "ben@example.com", 3) == 4
    refused = pace.take("eve@example.com")
    assert refused is not None
    assert refused.retry_after_s is not None
    assert LONGEST_PAUSE_S <= refused.retry_after_s <= 2 * LONGEST_PAUSE_S


def test_a_day_without_a_limit_never_ends(counted_at: str | None) -> None:
    assert _taken(Pace("test", daily(0), counted_at), "ana@example.com", 50) == 50


def test_no_address_is_kept_in_redis(redis_server: RedisServer, redis_url: str) -> None:
    open_pace("google", GOOGLE, redis_url).take("ana@example.com")
    keys = redis_server.reply("KEYS *")
    assert "google" in keys
    assert "ana" not in keys


def test_requests_go_when_redis_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    pace = Pace("test", FEW, "redis://127.0.0.1:1/0")
    assert _taken(pace, "ana@example.com", 9) == 9
    assert "could not be counted" in caplog.text
