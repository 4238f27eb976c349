"""Refusals of Graph's, waiting, and how many requests are under way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.outlook.throttle import AT_FIRST, MOST_PER_MAILBOX, Throttle
from tests.fakes.graph.mailbox import Refused
from tests.integrations.outlook.conftest import ANA, WINDOW, Reading, event
from tracker.errors import ConnectorError, RateLimited
from tracker.tags import TagRules


@pytest.mark.parametrize(("status", "said", "code"), [
    (403, "ErrorAccessDenied", "not_in_scope"),
    (403, "Authorization_RequestDenied", "not_in_scope"),
    (404, "ErrorInvalidUser", "no_account"),
    (404, "MailboxNotEnabledForRESTAPI", "no_account"),
    (404, "Request_ResourceNotFound", "no_account"),
    (403, "ErrorAccountSuspend", "suspended"),
    (400, "ErrorInvalidParameter", "refused"),
    (302, "", "not_a_calendar"),
])  # fmt: skip
def test_refusal_says_who_can_mend_it(ana: Reading, status: int, said: str, code: str) -> None:
    ana.graph.faults.append(Refused(status, said))
    with pytest.raises(ConnectorError) as caught:
        ana.pull()
    assert caught.value.code == code
    assert ANA not in str(caught.value)


def test_mailbox_that_is_gone_is_no_lost_place(ana: Reading) -> None:
    ana.pull()
    del ana.graph.mailboxes[ANA]
    with pytest.raises(ConnectorError) as caught:
        ana.pull()
    assert caught.value.code == "no_account"


def test_mailbox_outside_the_scope_is_the_administrators_to_mend(ana: Reading) -> None:
    ana.graph.denied.add(ANA)
    with pytest.raises(ConnectorError, match="outside the scope") as caught:
        ana.pull()
    assert caught.value.code == "not_in_scope"


def test_it_waits_as_long_as_it_is_asked_to(ana: Reading, waits: list[float]) -> None:
    ana.graph.faults.append(Refused(429, "ApplicationThrottled", {"Retry-After": "9"}))
    ana.pull()
    assert [int(w) for w in waits] == [9]


def test_it_waits_a_while_where_it_is_not_told_how_long(ana: Reading, waits: list[float]) -> None:
    ana.graph.faults.extend([Refused(429, "TooManyRequests"), Refused(503, "serviceNotAvailable")])
    ana.pull()
    assert 0 < waits[0] <= 1 < waits[1] + 1 <= 3


def test_what_takes_too_long_is_left_to_the_next_reading(ana: Reading, waits: list[float]) -> None:
    ana.graph.faults.append(Refused(429, "ApplicationThrottled", {"Retry-After": "600"}))
    with pytest.raises(RateLimited) as caught:
        ana.pull()
    assert (caught.value.retry_after_s, waits) == (600, [])


def test_it_gives_up_after_a_few_faults(ana: Reading, waits: list[float]) -> None:
    ana.graph.faults.extend([Refused(502, "BadGateway")] * 9)
    with pytest.raises(ConnectorError) as caught:
        ana.pull()
    assert (caught.value.code, len(waits), len(ana.graph.faults)) == ("server_error", 3, 5)


def test_few_requests_at_once_reach_one_mailbox(ana: Reading) -> None:
    ana.box.put(event("a"))
    ana.graph.latency_s = 0.05
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ana.open().pull(None, WINDOW, TagRules()), range(12)))
    assert 1 < ana.graph.most_at_once <= MOST_PER_MAILBOX


# How many may be under way


def test_refusals_halve_what_may_be_under_way() -> None:
    throttle = Throttle()
    for times in range(1, 8):
        with throttle.turn("a") as number:
            throttle.was_refused(number)
        assert throttle.limit == max(1, AT_FIRST // 2**times)


def test_requests_that_are_refused_together_halve_it_once() -> None:
    throttle = Throttle()
    with throttle.turn("a") as one, throttle.turn("b") as other:
        throttle.was_refused(one)
        throttle.was_refused(other)
    assert throttle.limit == AT_FIRST // 2


def test_a_round_that_went_well_allows_one_more() -> None:
    throttle = Throttle(at_first=4)
    for _ in range(5):
        throttle.went_well()
    assert throttle.limit == 5


def test_who_has_to_wait_goes_on_when_another_is_done() -> None:
    throttle = Throttle(at_first=1)
    went = threading.Event()

    def go() -> None:
        with throttle.turn("b"):
            went.set()

    with throttle.turn("a"):
        thread = threading.Thread(target=go)
        thread.start()
        assert not went.wait(0.05)
    assert went.wait(5)
    thread.join()


def test_request_that_fails_gives_its_place_back() -> None:
    throttle = Throttle(at_first=1)
    with pytest.raises(ZeroDivisionError), throttle.turn("a"):
        _ = 1 / 0
    with throttle.turn("a"):
        assert throttle.limit == 1
