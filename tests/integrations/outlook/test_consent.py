"""A person's own consent: asked for, given, refused, renewed and over."""

from __future__ import annotations

import json
import logging
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from integrations import outlook
from integrations.outlook.consent import OutlookDesk
from integrations.providers import SettingsConsents
from tests.fakes.graph import FakeGraph
from tests.fakes.graph.login import client_certificate
from tests.fakes.graph.mailbox import Refused
from tests.fakes.graph.people import Holder
from tests.integrations.outlook.conftest import ANA, BEN, MONDAY, WINDOW, Reading, event
from tracker.errors import AuthRevoked, BadPayload, ConnectorError
from tracker.ports import Granted, Want
from tracker.tags import TagRules

BACK = "https://cadencia.example/calendars/back"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
READ = frozenset({Want.READ})


def open_desk(graph: FakeGraph, root: str | None = None, **about: Any) -> OutlookDesk:
    """Return the desk as the registry opens it."""
    app = graph.settings(**about).microsoft
    assert app is not None
    ours = outlook.Application(
        app.tenant, app.client_id, app.client_secret, app.certificate, app.authority or ""
    )
    return outlook.open_desk(ours, outlook.Place(root or graph.root, str(graph.certificate)))


def consent(graph: FakeGraph, wants: frozenset[Want] = READ, who: str = ANA) -> Granted:
    """Let somebody consent from the first step to the last."""
    desk = open_desk(graph)
    flow = desk.begin(BACK, wants, None)
    return desk.finish(flow.memory, graph.desk.page.visit(flow.url, who), NOW)


def failure(graph: FakeGraph, wants: frozenset[Want] = READ) -> ConnectorError:
    """Return what a consent raises."""
    with pytest.raises(ConnectorError) as caught:
        consent(graph, wants)
    return caught.value


@dataclass
class Own:
    """An access that hands out one token, and another one once that was refused."""

    tokens: list[str]
    replaced: list[str] = field(default_factory=list)

    def token(self) -> str:
        return self.tokens[0]

    def replace(self, refused: str) -> str:
        self.replaced.append(refused)
        return self.tokens[-1]


def read_with(graph: FakeGraph, access: Own, who: str = ANA) -> Any:
    place = outlook.Place(graph.root, str(graph.certificate))
    return outlook.open_calendar(who, access, place).pull(None, WINDOW, TagRules())


# Asking


def test_beginning_reaches_no_network(graph: FakeGraph) -> None:
    open_desk(graph, authority="https://127.0.0.1:1").begin(BACK, READ, ANA)
    assert (graph.desk.requests, graph.asked) == (0, [])


def test_it_asks_for_no_more_than_reading(graph: FakeGraph) -> None:
    asked = parse_qs(urlsplit(open_desk(graph).begin(BACK, READ, ANA).url).query)
    wanted = {"openid", "profile", "offline_access", f"{graph.root}/Calendars.Read"}
    assert set(asked["scope"][0].split()) == wanted
    assert (asked["login_hint"], asked["redirect_uri"]) == ([ANA], [BACK])
    assert asked["code_challenge_method"] == ["S256"]
    assert "response_mode" not in asked  # the answer comes as a GET, with the session's cookie


@pytest.mark.parametrize(("wants", "scopes"), [
    ({Want.READ, Want.FREE_BUSY}, {"Calendars.Read"}),
    ({Want.READ, Want.WRITE}, {"Calendars.ReadWrite"}),
    ({Want.ATTENDANCE}, {"Calendars.Read", "OnlineMeetings.Read", "OnlineMeetingArtifact.Read.All"}),
])  # fmt: skip
def test_what_is_wanted_has_its_narrowest_names(graph: FakeGraph, wants: set[Want], scopes: set[str]) -> None:
    granted = consent(graph, frozenset(wants))
    assert granted.scopes >= scopes
    assert {s for s in granted.scopes if "." in s} == scopes
    assert all(open_desk(graph).covers(granted.scopes, want) for want in wants)


@pytest.mark.parametrize("root", ["https://graph.microsoft.us", "https://graph.microsoft.us/v1.0"])
def test_national_cloud_has_its_own_addresses(root: str) -> None:
    """What is asked for is named by that cloud's Graph, and at that cloud's login."""
    ours = outlook.Application("tenant", "client", "secret", None, "https://login.microsoftonline.us")
    desk = outlook.open_desk(ours, outlook.Place(root))
    url = desk.begin(BACK, READ, None).url
    assert url.startswith("https://login.microsoftonline.us/tenant/oauth2/v2.0/authorize?")
    assert "https://graph.microsoft.us/Calendars.Read" in parse_qs(urlsplit(url).query)["scope"][0].split()


def test_version_in_the_root_is_in_no_permission(graph: FakeGraph) -> None:
    desk = open_desk(graph, graph.root + "/v1.0")
    flow = desk.begin(BACK, READ, None)
    granted = desk.finish(flow.memory, graph.desk.page.visit(flow.url, ANA), NOW)
    assert {s for s in granted.scopes if "." in s} == {"Calendars.Read"}
    assert desk.refresh(granted.refresh_token or "", NOW).access_token


def test_reading_covers_no_writing(graph: FakeGraph) -> None:
    desk, granted = open_desk(graph), consent(graph)
    assert desk.covers(granted.scopes, Want.FREE_BUSY)
    assert not desk.covers(granted.scopes, Want.WRITE)
    assert not desk.covers(granted.scopes, Want.ATTENDANCE)


def test_memory_and_state_are_not_shown(graph: FakeGraph) -> None:
    flow = open_desk(graph).begin(BACK, READ, None)
    verifier = json.loads(flow.memory)["code_verifier"]
    assert verifier not in repr(flow)
    assert verifier not in flow.url
    assert flow.state in flow.url
    assert flow.state not in repr(flow).replace(flow.url, "")


def test_registry_opens_the_desk_of_the_application(graph: FakeGraph) -> None:
    """And the browser comes back from the page by a redirect."""
    desk = SettingsConsents(graph.settings()).open("outlook")
    assert desk is not None
    flow = desk.begin(BACK, READ, ANA)
    parts = urlsplit(flow.url)
    trust = ssl.create_default_context(cafile=graph.certificate)
    browser = HTTPSConnection(parts.netloc, context=trust, timeout=5)
    browser.request("GET", f"{parts.path}?{parts.query}")
    reply = browser.getresponse()
    browser.close()
    back = urlsplit(reply.headers["Location"])
    assert (reply.status, back.netloc) == (302, "cadencia.example")
    assert desk.finish(flow.memory, dict(parse_qsl(back.query)), NOW).account == ANA


# The answer


def test_consent_gives_tokens_and_says_whose(graph: FakeGraph) -> None:
    granted = consent(graph)
    assert granted.account == ANA
    assert granted.access_until == NOW + timedelta(hours=1)
    assert graph.desk.issued[granted.access_token] == Holder(ANA, frozenset({"Calendars.Read"}))
    assert granted.refresh_token
    assert granted.access_token not in repr(granted)


def test_certificate_consents_as_well(graph: FakeGraph) -> None:
    desk = open_desk(graph, client_secret=None, certificate=client_certificate())
    flow = desk.begin(BACK, READ, None)
    assert desk.finish(flow.memory, graph.desk.page.visit(flow.url, ANA), NOW).account == ANA


def test_person_who_says_no_is_believed(graph: FakeGraph) -> None:
    graph.desk.page.error = ("access_denied", 65004)
    assert failure(graph).code == "consent_denied"


@pytest.mark.parametrize(("error", "number", "code"), [
    ("interaction_required", 65004, "consent_denied"), ("access_denied", 90094, "consent_by_admin"),
    ("consent_required", 65001, "consent_by_admin"),
    ("access_denied", 12345, "consent_denied"), ("invalid_request", 50020, "other_account"),
    ("interaction_required", 50105, "other_account"), ("access_denied", 53003, "app_disabled"),
    ("unauthorized_client", 700016, "wrong_tenant"), ("temporarily_unavailable", 90033, "server_error"),
])  # fmt: skip
def test_refusal_on_the_page_says_who_can_mend_it(
    graph: FakeGraph, error: str, number: int, code: str
) -> None:
    graph.desk.page.error = (error, number)
    assert failure(graph).code == code


def test_attendance_waits_for_an_administrator(graph: FakeGraph) -> None:
    graph.desk.page.needs_admin = frozenset({"OnlineMeetingArtifact.Read.All"})
    assert failure(graph, frozenset({Want.ATTENDANCE})).code == "consent_by_admin"
    assert consent(graph).account == ANA


def test_answer_to_another_request_is_refused(graph: FakeGraph) -> None:
    desk = open_desk(graph)
    flow, other = desk.begin(BACK, READ, None), desk.begin(BACK, READ, None)
    with pytest.raises(ConnectorError) as caught:
        desk.finish(flow.memory, graph.desk.page.visit(other.url, ANA), NOW)
    assert (caught.value.code, graph.desk.requests) == ("consent_failed", 0)


def test_code_of_another_request_is_refused(graph: FakeGraph) -> None:
    """Whoever slips a code of their own into somebody's answer has not the verifier that goes with it."""
    desk = open_desk(graph)
    flow, other = desk.begin(BACK, READ, None), desk.begin(BACK, READ, None)
    answer = {**graph.desk.page.visit(other.url, BEN), "state": flow.state}
    with pytest.raises(ConnectorError) as caught:
        desk.finish(flow.memory, answer, NOW)
    assert caught.value.code == "consent_failed"


def test_code_is_good_for_once(graph: FakeGraph) -> None:
    desk = open_desk(graph)
    flow = desk.begin(BACK, READ, None)
    answer = graph.desk.page.visit(flow.url, ANA)
    desk.finish(flow.memory, answer, NOW)
    with pytest.raises(ConnectorError) as caught:
        desk.finish(flow.memory, answer, NOW)
    assert caught.value.code == "consent_failed"


@pytest.mark.parametrize("answer", [{}, {"state": "x"}, {"code": "x"}])
def test_answer_that_says_nothing_is_refused(graph: FakeGraph, answer: dict[str, str]) -> None:
    desk = open_desk(graph)
    with pytest.raises(ConnectorError) as caught:
        desk.finish(desk.begin(BACK, READ, None).memory, answer, NOW)
    assert caught.value.code == "consent_failed"


# Renewing


def test_refreshing_gives_another_token_for_the_same_rights(graph: FakeGraph) -> None:
    first = consent(graph, frozenset({Want.WRITE}))
    again = open_desk(graph).refresh(first.refresh_token or "", NOW)
    assert again.access_token != first.access_token
    assert again.refresh_token not in (None, first.refresh_token)
    assert again.scopes == first.scopes


def test_refreshing_later_gives_what_was_allowed_since(graph: FakeGraph) -> None:
    first = consent(graph)
    consent(graph, frozenset({Want.WRITE}))
    assert "Calendars.ReadWrite" in open_desk(graph).refresh(first.refresh_token or "", NOW).scopes


@pytest.mark.parametrize("number", [50173, 65001, 700082, 50076, 50057])
def test_consent_that_is_over_has_to_be_given_anew(graph: FakeGraph, number: int) -> None:
    granted = consent(graph)
    graph.desk.page.over[ANA] = number
    with pytest.raises(AuthRevoked) as caught:
        open_desk(graph).refresh(granted.refresh_token or "", NOW)
    assert (caught.value.code, "AADSTS" in str(caught.value)) == ("reconnect", False)


def test_interaction_that_is_required_is_the_persons(graph: FakeGraph) -> None:
    granted = consent(graph)
    graph.desk.problem = (400, "interaction_required", 50079)
    with pytest.raises(AuthRevoked):
        open_desk(graph).refresh(granted.refresh_token or "", NOW)


@pytest.mark.parametrize(("status", "error", "number", "code"), [
    (401, "invalid_client", 7000222, "secret_expired"), (401, "invalid_client", 700027, "app_refused"),
    (400, "unauthorized_client", 700016, "wrong_tenant"), (401, "invalid_client", 700024, "clock_off"),
    (503, "temporarily_unavailable", 0, "server_error"), (400, "invalid_grant", 53003, "app_disabled"),
])  # fmt: skip
def test_fault_of_the_applications_is_no_fault_of_the_consents(
    graph: FakeGraph, status: int, error: str, number: int, code: str
) -> None:
    granted = consent(graph)
    graph.desk.problem = (status, error, number)
    with pytest.raises(ConnectorError) as caught:
        open_desk(graph).refresh(granted.refresh_token or "", NOW)
    assert (caught.value.code, isinstance(caught.value, AuthRevoked)) == (code, False)


def test_sign_in_page_in_between_ends_no_consent(graph: FakeGraph) -> None:
    granted = consent(graph)
    graph.raw = b"<html>Sign in</html>"
    with pytest.raises(BadPayload):
        open_desk(graph).refresh(granted.refresh_token or "", NOW)


def test_certificate_that_is_none_is_the_administrators(graph: FakeGraph) -> None:
    broken = "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n"
    with pytest.raises(ConnectorError) as caught:
        open_desk(graph, client_secret=None, certificate=broken).begin(BACK, READ, None)
    assert caught.value.code == "app_refused"


def test_giving_back_reaches_nobody(graph: FakeGraph) -> None:
    open_desk(graph, authority="https://127.0.0.1:1").revoke("a token")
    assert graph.desk.requests == 0


def test_no_token_is_told_or_logged(graph: FakeGraph, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk = open_desk(graph)
    flow = desk.begin(BACK, READ, None)
    answer = graph.desk.page.visit(flow.url, ANA)
    granted = desk.finish(flow.memory, answer, NOW)
    graph.desk.page.over[ANA] = 50173
    with pytest.raises(AuthRevoked) as caught:
        desk.refresh(granted.refresh_token or "", NOW)
    with pytest.raises(ConnectorError) as second:
        desk.finish(flow.memory, answer, NOW)
    told = caplog.text + "".join(
        f"{e!r} {e.__cause__!r} {e.__context__!r}" for e in (caught.value, second.value)
    )
    verifier = json.loads(flow.memory)["code_verifier"]
    for word in (
        granted.access_token,
        granted.refresh_token or "",
        answer["code"],
        verifier,
        graph.desk.secret,
    ):
        assert word not in told


# Reading by it


def test_own_consent_opens_the_own_calendar(ana: Reading) -> None:
    ana.box.put(event("a"))
    token = consent(ana.graph).access_token
    assert len(read_with(ana.graph, Own([token])).events) == 1
    assert {a.target.split("/")[1] for a in ana.graph.asked} == {"me"}


def test_own_consent_needs_no_application_token(ana: Reading) -> None:
    token = consent(ana.graph).access_token
    asked = ana.graph.desk.requests
    read_with(ana.graph, Own([token]))
    assert ana.graph.desk.requests == asked


def test_own_token_that_died_is_replaced(ana: Reading) -> None:
    access = Own(["dead", ana.graph.desk.let_in(ANA, "Calendars.Read")])
    read_with(ana.graph, access)
    assert access.replaced == ["dead"]


def test_own_token_that_is_refused_twice_asks_the_person(ana: Reading) -> None:
    with pytest.raises(AuthRevoked, match="connected again"):
        read_with(ana.graph, Own(["dead", "dead too"]))


def test_own_consent_that_does_not_cover_it_says_so(ana: Reading) -> None:
    with pytest.raises(ConnectorError) as caught:
        read_with(ana.graph, Own([ana.graph.desk.let_in(ANA, "User.Read")]))
    assert caught.value.code == "no_scope"


def test_own_consent_is_refused_inside_a_batch_as_well(ana: Reading) -> None:
    ana.box.put(event("a"))
    access = Own([ana.graph.desk.let_in(ANA, "Calendars.Read")])
    ana.graph.batch_faults.append(Refused(403, "ErrorAccessDenied"))
    rules = TagRules(is_ours=lambda _: True)
    place = outlook.Place(ana.graph.root, str(ana.graph.certificate))
    with pytest.raises(ConnectorError) as caught:
        outlook.open_calendar(ANA, access, place).pull(None, WINDOW, rules)
    assert caught.value.code == "no_scope"


def test_many_people_share_connections_and_limits(ana: Reading, ben: Reading) -> None:
    place = outlook.Place(ana.graph.root, str(ana.graph.certificate))
    one = outlook.open_calendar(ANA, Own([""]), place)
    other = outlook.open_calendar(BEN, Own([""]), place)
    company = outlook.open_calendar(BEN, ana_app(ana.graph), place)
    assert one.line.api is other.line.api is company.line.api


def ana_app(graph: FakeGraph) -> outlook.Application:
    return outlook.Application(
        "contoso.onmicrosoft.com", graph.desk.client_id, graph.desk.secret, None, graph.root
    )


def test_calendar_is_the_same_by_either_way_in(ana: Reading) -> None:
    ana.box.put(event("a", MONDAY))
    place = outlook.Place(ana.graph.root, str(ana.graph.certificate))
    company = outlook.open_calendar(ANA, ana_app(ana.graph), place).pull(None, WINDOW, TagRules())
    own = read_with(ana.graph, Own([consent(ana.graph).access_token]))
    assert own.events == company.events
