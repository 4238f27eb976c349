"""A person's consent: what is asked for, what comes of it, and how it ends."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.google import open_desk
from integrations.google.consent import GoogleDesk
from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import ATTENDANCE, FREE_BUSY, LEAST, SCOPE, WRITE
from tests.integrations.google.conftest import ANA, BEN, place_of
from tracker.errors import AuthRevoked, BadPayload, ConnectorError, RateLimited
from tracker.ports import Flow, Granted, Want

BACK = "https://cadencia.example.com/calendars/back"
READ = frozenset({Want.READ})


@pytest.fixture
def desk(google: FakeGoogle) -> GoogleDesk:
    """Our desk at Google."""
    google.desk.clients["client"] = "secret"
    return open_desk("client", "secret", place_of(google))


def now() -> datetime:
    """Return the present, which identity tokens are judged by."""
    return datetime.now(UTC)


def query_of(flow: Flow) -> dict[str, str]:
    """Return what the person is sent to Google with."""
    return {name: values[0] for name, values in parse_qs(urlsplit(flow.url).query).items()}


def consent(
    google: FakeGoogle, desk: GoogleDesk, wants: frozenset[Want] = READ, person: str = ANA
) -> Granted:
    """Return what a person gives who ticks everything."""
    flow = desk.begin(BACK, wants, person)
    return desk.finish(flow.memory, google.visit(flow.url, person), now())


def refusal(desk: GoogleDesk, flow: Flow, answer: Mapping[str, str]) -> ConnectorError:
    """Return what finishing raises."""
    with pytest.raises(ConnectorError) as caught:
        desk.finish(flow.memory, answer, now())
    return caught.value


def refresh_problem(desk: GoogleDesk, refresh_token: str) -> ConnectorError:
    """Return what refreshing raises."""
    with pytest.raises(ConnectorError) as caught:
        desk.refresh(refresh_token, now())
    return caught.value


def test_consent_to_reading(google: FakeGoogle, desk: GoogleDesk) -> None:
    granted = consent(google, desk)
    assert granted.account == ANA
    assert desk.covers(granted.scopes, Want.READ)
    assert granted.refresh_token in google.desk.consents
    assert google.desk.issued[granted.access_token].subject == ANA
    assert timedelta(minutes=50) < granted.access_until - now() <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("wants", "scopes"),
    [
        ({Want.READ}, {LEAST}),
        ({Want.WRITE}, {WRITE}),
        ({Want.READ, Want.WRITE}, {WRITE}),
        ({Want.FREE_BUSY}, {FREE_BUSY}),
        ({Want.ATTENDANCE}, {ATTENDANCE}),
    ],
)
def test_least_is_asked_for(desk: GoogleDesk, wants: set[Want], scopes: set[str]) -> None:
    asked = query_of(desk.begin(BACK, frozenset(wants), None))["scope"].split()
    assert set(asked) == {"openid", "email", *scopes}


def test_consents_are_asked_for_as_google_documents_it(desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, READ, ANA)
    asked = query_of(flow)
    assert flow.url.startswith(f"{desk.auth_root}/o/oauth2/v2/auth?")
    assert asked["state"] == flow.state
    assert asked["login_hint"] == ANA
    assert (asked["access_type"], asked["include_granted_scopes"]) == ("offline", "true")
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert asked["redirect_uri"] == BACK


def test_secrets_of_a_consent_are_its_own(desk: GoogleDesk) -> None:
    first, second = desk.begin(BACK, READ, ANA), desk.begin(BACK, READ, ANA)
    assert first.state != second.state
    assert query_of(first)["code_challenge"] != query_of(second)["code_challenge"]
    assert "secret" not in repr(desk)


def test_what_was_given_before_stays_given(google: FakeGoogle, desk: GoogleDesk) -> None:
    consent(google, desk)
    granted = consent(google, desk, frozenset({Want.FREE_BUSY}))
    assert desk.covers(granted.scopes, Want.READ)
    assert desk.covers(granted.scopes, Want.FREE_BUSY)
    assert not desk.covers(granted.scopes, Want.ATTENDANCE)


def test_who_comes_back_gets_a_refresh_token_again(google: FakeGoogle, desk: GoogleDesk) -> None:
    first, second = consent(google, desk).refresh_token, consent(google, desk).refresh_token
    assert first
    assert second


def test_account_is_google_s_word_and_not_the_hint(google: FakeGoogle, desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, READ, ANA)
    assert desk.finish(flow.memory, google.visit(flow.url, BEN), now()).account == BEN


def test_person_says_no(google: FakeGoogle, desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, READ, ANA)
    answer = google.visit(flow.url, ANA, error="access_denied")
    assert refusal(desk, flow, answer).code == "consent_denied"


def test_company_does_not_let_people_consent(google: FakeGoogle, desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, READ, ANA)
    answer = google.visit(flow.url, ANA, error="admin_policy_enforced")
    assert refusal(desk, flow, answer).code == "consent_blocked"


def test_box_that_was_not_ticked(google: FakeGoogle, desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, frozenset({Want.READ, Want.FREE_BUSY}), ANA)
    answer = google.visit(flow.url, ANA, ticks=frozenset({LEAST}))
    granted = desk.finish(flow.memory, answer, now())
    assert desk.covers(granted.scopes, Want.READ)
    assert not desk.covers(granted.scopes, Want.FREE_BUSY)


def test_state_of_another_s_consent_is_refused(google: FakeGoogle, desk: GoogleDesk) -> None:
    """Who is lured into finishing somebody else's consent would connect a stranger's calendar."""
    mine, other = desk.begin(BACK, READ, ANA), desk.begin(BACK, READ, BEN)
    assert refusal(desk, mine, google.visit(other.url, BEN)).code == "consent_failed"
    assert google.desk.requests == 0


@pytest.mark.parametrize("answer", [{}, {"state": ""}, {"code": "4/code"}])
def test_answer_that_is_none(desk: GoogleDesk, answer: dict[str, str]) -> None:
    assert refusal(desk, desk.begin(BACK, READ, ANA), answer).code == "consent_failed"


def test_memory_that_is_none(desk: GoogleDesk) -> None:
    with pytest.raises(ConnectorError) as caught:
        desk.finish("no", {"state": "x", "code": "y"}, now())
    assert caught.value.code == "consent_failed"


def test_code_without_our_verifier_is_worth_nothing(google: FakeGoogle, desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, READ, ANA)
    answer = google.visit(flow.url, ANA)
    verifier = flow.memory.split('"verifier":"')[1].split('"')[0]
    stolen = Flow(flow.url, flow.state, flow.memory.replace(verifier, "x" * 64))
    assert refusal(desk, stolen, answer).code == "consent_failed"


def test_code_is_good_for_once(google: FakeGoogle, desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, READ, ANA)
    answer = google.visit(flow.url, ANA)
    desk.finish(flow.memory, answer, now())
    assert refusal(desk, flow, answer).code == "consent_failed"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "somebody else's client"}, "consent_failed"),
        ({"iss": "https://accounts.example.com"}, "consent_failed"),
        ({"nonce": "another"}, "consent_failed"),
        ({"email": ""}, "consent_failed"),
        ({"exp": 1}, "clock_off"),
    ],
)
def test_identity_that_does_not_fit(
    google: FakeGoogle, desk: GoogleDesk, claims: dict[str, object], code: str
) -> None:
    google.desk.claims = claims
    flow = desk.begin(BACK, READ, ANA)
    assert refusal(desk, flow, google.visit(flow.url, ANA)).code == code


def test_client_that_google_refuses(google: FakeGoogle, desk: GoogleDesk) -> None:
    flow = desk.begin(BACK, READ, ANA)
    answer = google.visit(flow.url, ANA)
    google.desk.clients["client"] = "another"
    assert refusal(desk, flow, answer).code == "client_refused"


def test_refreshing_gives_another_token_and_keeps_the_consent(google: FakeGoogle, desk: GoogleDesk) -> None:
    granted = consent(google, desk)
    again = desk.refresh(granted.refresh_token or "", now())
    assert again.access_token != granted.access_token
    assert (again.refresh_token, again.account) == (None, None)
    assert desk.covers(again.scopes, Want.READ)


def test_refreshing_survives_a_short_fault(
    google: FakeGoogle, desk: GoogleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = consent(google, desk)
    google.desk.problem = (503, {})
    monkeypatch.setattr("integrations.http.time.sleep", lambda _: setattr(google.desk, "problem", None))
    assert desk.refresh(granted.refresh_token or "", now()).access_token


def test_consent_that_was_taken_back_at_google(google: FakeGoogle, desk: GoogleDesk) -> None:
    granted = consent(google, desk)
    google.desk.revoke(ANA)
    problem = refresh_problem(desk, granted.refresh_token or "")
    assert isinstance(problem, AuthRevoked)
    assert problem.code == "reconnect"


def test_account_that_was_deleted(google: FakeGoogle, desk: GoogleDesk) -> None:
    granted = consent(google, desk)
    google.office.gone.add(ANA)
    problem = refresh_problem(desk, granted.refresh_token or "")
    assert isinstance(problem, AuthRevoked)
    assert problem.code == "no_account"


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (400, {"error": "unauthorized_client"}, "client_refused"),
        (401, {"error": "deleted_client"}, "client_refused"),
        (400, {"error": "invalid_grant", "error_description": "Bad Request"}, "reconnect"),
        (400, {"error": "invalid_grant", "error_description": "reauth (invalid_rapt)"}, "reconnect"),
        (400, {"error": "invalid_request"}, "refused"),
        (429, {"error": "rate_limit_exceeded"}, "rate_limited"),
        (500, {"error": "internal_failure"}, "server_error"),
        (400, {}, "not_a_calendar"),
    ],
)  # fmt: skip
def test_refusals_of_the_token_endpoint_have_a_meaning(
    google: FakeGoogle, desk: GoogleDesk, status: int, said: dict[str, str], code: str
) -> None:
    google.desk.problem = (status, said)
    assert refresh_problem(desk, "1//refresh").code == code


def test_asked_to_wait_it_says_how_long(google: FakeGoogle, desk: GoogleDesk) -> None:
    google.desk.problem = (429, {})
    google.desk.problem_headers = {"Retry-After": "90"}
    problem = refresh_problem(desk, "1//refresh")
    assert isinstance(problem, RateLimited)
    assert problem.retry_after_s == 90


def test_sign_in_page_of_a_proxy_is_no_token(google: FakeGoogle, desk: GoogleDesk) -> None:
    google.raw = b"<html>Please sign in</html>"
    assert isinstance(refresh_problem(desk, "1//refresh"), BadPayload)


def test_nobody_answers(desk: GoogleDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.http.time.sleep", lambda _: None)
    away = GoogleDesk("client", "secret", desk.auth_root, "http://127.0.0.1:9")
    assert refresh_problem(away, "1//refresh").code == "unreachable"


def test_consent_is_given_back(google: FakeGoogle, desk: GoogleDesk) -> None:
    granted = consent(google, desk)
    desk.revoke(granted.refresh_token or "")
    assert google.desk.consents == {}
    assert refresh_problem(desk, granted.refresh_token or "").code == "reconnect"


def test_consent_that_is_over_can_be_given_back(google: FakeGoogle, desk: GoogleDesk) -> None:
    granted = consent(google, desk)
    google.desk.revoke(ANA)
    desk.revoke(granted.refresh_token or "")


@pytest.mark.parametrize("status", [200, 407])
def test_giving_back_to_a_proxy_is_no_giving_back(google: FakeGoogle, desk: GoogleDesk, status: int) -> None:
    google.raw, google.raw_status = b"<html>Please sign in</html>", status
    with pytest.raises(BadPayload):
        desk.revoke("1//refresh")


@pytest.mark.parametrize(
    ("want", "scope", "is_enough"),
    [
        (Want.READ, LEAST, True),
        (Want.READ, WRITE, True),
        (Want.READ, f"{SCOPE}calendar.readonly", True),
        (Want.READ, FREE_BUSY, False),
        (Want.WRITE, LEAST, False),
        (Want.WRITE, f"{SCOPE}calendar", True),
        (Want.FREE_BUSY, WRITE, False),
        (Want.FREE_BUSY, f"{SCOPE}calendar.readonly", True),
        (Want.ATTENDANCE, f"{SCOPE}calendar", False),
    ],
)
def test_wider_scopes_cover_narrower_ones(
    desk: GoogleDesk, want: Want, scope: str, *, is_enough: bool
) -> None:
    assert desk.covers(frozenset({scope}), want) is is_enough


def test_no_secret_gets_into_logs(
    google: FakeGoogle, desk: GoogleDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    flow = desk.begin(BACK, READ, ANA)
    answer = google.visit(flow.url, ANA)
    caplog.clear()  # what the browser and Google do is not ours
    granted = desk.finish(flow.memory, answer, now())
    again = desk.refresh(granted.refresh_token or "", now())
    desk.revoke(granted.refresh_token or "")
    secrets = [
        granted.access_token,
        again.access_token,
        granted.refresh_token or "",
        answer["code"],
        flow.state,
    ]
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_no_secret_gets_into_an_error(google: FakeGoogle, desk: GoogleDesk) -> None:
    granted = consent(google, desk)
    google.desk.revoke(ANA)
    problem = refresh_problem(desk, granted.refresh_token or "")
    said = "".join(traceback.format_exception(problem))
    assert granted.refresh_token
    assert granted.refresh_token not in said
    assert problem.__context__ is None
    assert granted.access_token not in repr(granted)
