"""What Google's refusals mean, what is tried again, and what never gets out."""

from __future__ import annotations

import logging
import ssl
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from integrations import google as connector
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.google.description import Refused
from tests.fakes.google.tokens import ALL_THAT_WE_USE
from tests.integrations.google.conftest import ANA, BEN, DAY, MONDAY, WINDOW, Calendar, place_of
from tests.integrations.mail.servers import certificate
from tracker.errors import AuthRevoked, ConnectorError, RateLimited
from tracker.events import Window
from tracker.tags import TagRules


def refuse(ana: Calendar, *faults: Refused) -> ConnectorError:
    """Return what a reading raises that meets these answers, one for each request."""
    ana.pull()
    ana.google.faults.extend(faults)
    with pytest.raises(ConnectorError) as caught:
        ana.pull()
    return caught.value


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (403, "forbidden", "no_right"),
        (403, "accessNotConfigured", "not_enabled"),
        (403, "insufficientPermissions", "no_scope"),
        (403, "quotaExceeded", "rate_limited"),
        (403, "notACalendarUser", "no_account"),
        (404, "notFound", "not_found"),
        (410, "fullSyncRequired", "token_expired"),
        (410, "updatedMinTooLongAgo", "token_expired"),
    ],
)
def test_refusals_have_a_meaning(
    ana: Calendar, waits: list[float], status: int, reason: str, code: str
) -> None:
    assert refuse(ana, Refused(status, reason)).code == code
    assert waits == []


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
@pytest.mark.parametrize("status", [403, 429])
def test_asked_to_slow_down_it_waits_and_goes_on(
    ana: Calendar, waits: list[float], status: int, reason: str
) -> None:
    ana.pull()
    ana.google.faults.append(Refused(status, reason, {"Retry-After": "7"}))
    ana.pull()
    assert [wait >= 7 for wait in waits] == [True]


def test_asked_to_wait_long_it_leaves_that_to_the_next_sync(ana: Calendar, waits: list[float]) -> None:
    problem = refuse(ana, Refused(429, "rateLimitExceeded", {"Retry-After": "300"}))
    assert isinstance(problem, RateLimited)
    assert (problem.retry_after_s, waits) == (300, [])


def test_fault_of_google_s_own_passes(ana: Calendar, waits: list[float]) -> None:
    ana.pull()
    ana.google.faults.extend([Refused(500, "backendError"), Refused(503, "backendError")])
    ana.pull()
    assert len(waits) == 2
    assert waits[0] < waits[1]


def test_fault_that_stays_is_given_up(ana: Calendar, waits: list[float]) -> None:
    problem = refuse(ana, *[Refused(503, "backendError")] * 9)
    assert (problem.code, len(waits)) == ("server_error", 3)


def test_used_up_quota_is_for_later(ana: Calendar) -> None:
    problem = refuse(ana, Refused(403, "quotaExceeded"))
    assert (problem.retry_after_s or 0) >= 3600


def test_token_that_died_early_is_replaced_once(ana: Calendar) -> None:
    ana.pull()
    ana.google.desk.kill_tokens(ANA)
    asked = ana.google.desk.requests
    ana.pull()
    assert ana.google.desk.requests == asked + 1


def test_fresh_token_that_is_refused_means_reconnect(ana: Calendar) -> None:
    problem = refuse(ana, Refused(401, "authError"), Refused(401, "authError"))
    assert isinstance(problem, AuthRevoked)


def test_server_that_hangs_up_between_two_readings_is_called_again(ana: Calendar, waits: list[float]) -> None:
    ana.pull()
    wire = ana.open().line._wire
    for connection in wire._idle:
        connection.sock.shutdown(2)
    ana.pull()
    assert waits == []


def test_connections_stay_open(ana: Calendar) -> None:
    ana.pull()
    wire = ana.open().line._wire
    (before,) = wire._idle
    ana.pull()
    assert list(wire._idle) == [before]


def test_nobody_answers(waits: list[float]) -> None:
    with running_google(FakeGoogle()) as google:
        google.office.hire(ANA)
        calendar = Calendar(google, ANA)
        calendar.pull()
    connector.close_connections()
    with pytest.raises(ConnectorError) as caught:
        calendar.pull()
    assert caught.value.code == "unreachable"
    connector.close_connections()


def test_company_s_own_certificates(google: FakeGoogle, tmp_path: Path, waits: list[float]) -> None:
    server, authority = certificate(tmp_path)
    with running_google(FakeGoogle(google.office), tls=server) as proxied:
        key = proxied.key
        opened = connector.open_calendar(ANA, key, connector.Place(proxied.root, ca_bundle=str(authority)))
        assert opened.pull(None, WINDOW, TagRules()).cursor
        stranger = connector.open_calendar(ANA, key, connector.Place(proxied.root))
        with pytest.raises(ConnectorError) as caught:
            stranger.pull(None, WINDOW, TagRules())
        assert caught.value.code == "untrusted"
        with pytest.raises(ConnectorError) as caught:
            connector.open_calendar(ANA, google.key, connector.Place(proxied.root)).pull(
                None, WINDOW, TagRules()
            )
        assert caught.value.code == "untrusted"
    assert isinstance(server, ssl.SSLContext)


def test_packed_answer_is_unpacked(google: FakeGoogle, ana: Calendar) -> None:
    for _ in range(20):
        google.office.meet(ANA, (BEN,), MONDAY)
    assert len(ana.pull().events) == 20
    assert google.packed > 0


def test_packed_answer_that_is_cut_off_is_no_answer(google: FakeGoogle, ana: Calendar) -> None:
    for _ in range(20):
        google.office.meet(ANA, (BEN,), MONDAY)
    ana.open().line._access.token()
    google.cuts_packed = True
    with pytest.raises(ConnectorError):
        ana.pull()


def test_fifty_readers_get_one_token(google: FakeGoogle, ana: Calendar) -> None:
    ready = threading.Barrier(50)

    def read() -> None:
        source = ana.open()
        ready.wait()
        source.pull(None, WINDOW, TagRules())

    with ThreadPoolExecutor(50) as pool:
        for done in [pool.submit(read) for _ in range(50)]:
            done.result()
    assert google.desk.requests == 1


def test_fifty_readers_replace_a_dead_token_once(google: FakeGoogle, ana: Calendar) -> None:
    ana.pull()
    google.desk.kill_tokens(ANA)
    ready = threading.Barrier(50)

    def read() -> None:
        source = ana.open()
        ready.wait()
        source.pull(None, WINDOW, TagRules())

    with ThreadPoolExecutor(50) as pool:
        for done in [pool.submit(read) for _ in range(50)]:
            done.result()
    assert google.desk.requests == 2


@pytest.mark.parametrize("fault", [
    Refused(401, "authError"), Refused(403, "forbidden"), Refused(404, "notFound"), Refused(400, "invalid"),
])  # fmt: skip
def test_no_secret_gets_into_errors_and_logs(
    ana: Calendar, caplog: pytest.LogCaptureFixture, fault: Refused
) -> None:
    caplog.set_level(logging.DEBUG)
    ana.google.office.meet(ANA, (BEN,), MONDAY, summary="Salary #mentoring")
    problem = refuse(ana, fault, fault)
    said = "".join(traceback.format_exception(problem)) + caplog.text
    assert ana.cursor
    sync_token = msgspec.json.decode(ana.cursor)["token"]
    tokens = [*ana.google.desk.issued, "PRIVATE KEY", ANA, "Salary", sync_token]
    assert [secret for secret in tokens if secret in said] == []
    assert problem.__context__ is None


def test_readings_wait_when_the_day_is_used_up_and_people_do_not(google: FakeGoogle) -> None:
    google.desk.delegated = set(ALL_THAT_WE_USE)
    place = replace(place_of(google), readings_a_day=1)
    connector.open_calendar(ANA, google.key, place).pull(None, WINDOW, TagRules())
    with pytest.raises(RateLimited) as caught:
        connector.open_calendar(BEN, google.key, place).pull(None, WINDOW, TagRules())
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s >= 900
    window = Window(MONDAY, MONDAY + DAY)
    assert connector.open_diary(ANA, google.key, place).free_busy([BEN], window) == {BEN: ()}
