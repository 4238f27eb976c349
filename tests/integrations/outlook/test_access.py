"""How the application gets in, and what whoever can mend it is told when it does not."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from integrations.outlook import Application, Place
from integrations.outlook.access import AppAccess
from integrations.providers import NotAvailable, open_calendar
from tests.fakes.graph import FakeGraph
from tests.fakes.graph.login import client_certificate
from tests.fakes.graph.people import Holder
from tests.integrations.outlook.conftest import ANA, WINDOW, Reading, event
from tracker.errors import BadPayload, BadSettings, ConnectorError
from tracker.settings import Settings, load_settings
from tracker.tags import TagRules


def refusal(reading: Reading, settings: Settings | None = None) -> ConnectorError:
    """Return what a reading raises."""
    with pytest.raises(ConnectorError) as caught:
        reading.open(settings).pull(None, WINDOW, TagRules())
    return caught.value


def test_secret_opens_the_calendar(ana: Reading) -> None:
    assert ana.pull().looked_at == 0
    assert ana.graph.desk.scopes == [f"{ana.graph.root}/.default"]


@pytest.mark.parametrize("written", ["", "/", "/v1.0", "/v1.0/"])
def test_version_may_stand_in_the_root_or_not(ana: Reading, written: str) -> None:
    """Microsoft's pages write the address with the version, and permissions without it."""
    settings = replace(ana.graph.settings(), graph_root=ana.graph.root + written)
    assert ana.open(settings).pull(None, WINDOW, TagRules()).looked_at == 0
    assert ana.graph.desk.scopes == [f"{ana.graph.root}/.default"]


def test_root_is_worldwide_unless_it_is_set() -> None:
    place = Place()
    assert (place.graph_root, place.resource) == (
        "https://graph.microsoft.com/v1.0",
        "https://graph.microsoft.com",
    )


def test_certificate_opens_the_calendar(ana: Reading) -> None:
    settings = ana.graph.settings(client_secret=None, certificate=client_certificate())
    assert ana.open(settings).pull(None, WINDOW, TagRules()).looked_at == 0


def test_certificate_goes_before_the_secret(ana: Reading) -> None:
    settings = ana.graph.settings(client_secret="wrong", certificate=client_certificate())
    assert ana.open(settings).pull(None, WINDOW, TagRules()).looked_at == 0


def test_opening_reaches_no_network(ana: Reading) -> None:
    ana.open()
    assert (ana.graph.desk.requests, ana.graph.asked) == (0, [])


def test_token_is_asked_for_once_however_many_want_it(ana: Reading) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ana.open().pull(None, WINDOW, TagRules()), range(16)))
    assert ana.graph.desk.requests == 1


def test_token_that_died_early_is_replaced(ana: Reading) -> None:
    ana.pull()
    ana.graph.desk.kill_tokens()
    ana.pull()
    assert ana.graph.desk.requests == 2


def test_token_is_replaced_before_it_runs_out(ana: Reading) -> None:
    ana.graph.desk.lifetime_s = 200
    ana.pull()
    ana.pull()
    assert ana.graph.desk.requests == 2


def test_fresh_token_that_is_refused_is_the_administrators_to_mend(ana: Reading) -> None:
    """It is no reason to ask the person to connect the calendar again."""
    ana.graph.desk.issued = _Nothing()
    problem = refusal(ana)
    assert (problem.code, type(problem)) == ("token_refused", ConnectorError)


class _Nothing(dict[str, Holder]):
    def __setitem__(self, name: str, holder: Holder) -> None:
        """Forget it at once."""


@pytest.mark.parametrize(("status", "error", "number", "code"), [
    (401, "invalid_client", 7000215, "app_refused"),
    (401, "invalid_client", 7000222, "secret_expired"),
    (401, "invalid_client", 700027, "app_refused"),
    (400, "invalid_client", 1000502, "certificate_expired"),
    (401, "invalid_client", 700024, "clock_off"),
    (400, "unauthorized_client", 700016, "wrong_tenant"),
    (401, "invalid_client", 7000112, "app_disabled"),
    (400, "something_new", 999999, "app_refused"),
])  # fmt: skip
def test_refused_grant_says_who_can_mend_it(
    ana: Reading, status: int, error: str, number: int, code: str
) -> None:
    ana.graph.desk.problem = (status, error, number)
    assert refusal(ana).code == code


def test_wrong_secret_is_refused(ana: Reading) -> None:
    assert refusal(ana, ana.graph.settings(client_secret="wrong")).code == "app_refused"


def test_unknown_tenant_is_named(ana: Reading) -> None:
    problem = refusal(ana, ana.graph.settings(tenant="fabrikam.onmicrosoft.com"))
    assert problem.code == "wrong_tenant"
    assert "CADENCIA_MICROSOFT_TENANT" in str(problem)


def test_application_of_another_tenant_is_named(ana: Reading) -> None:
    assert refusal(ana, ana.graph.settings(client_id="99999999-0000")).code == "wrong_tenant"


def test_certificate_that_is_none_is_named(ana: Reading) -> None:
    kinds = ("PRIVATE KEY", "CERTIFICATE")
    broken = "".join(f"-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n" for kind in kinds)
    assert refusal(ana, ana.graph.settings(client_secret=None, certificate=broken)).code == "app_refused"


def test_login_service_with_a_fault_is_tried_again_later(ana: Reading) -> None:
    ana.graph.desk.problem = (503, "temporarily_unavailable", 0)
    assert refusal(ana).code == "server_error"


def test_sign_in_page_instead_of_the_login_service(ana: Reading) -> None:
    ana.graph.raw = b"<html>Please sign in</html>"
    assert isinstance(refusal(ana), BadPayload)


def test_login_service_that_nobody_answers_for(ana: Reading) -> None:
    assert refusal(ana, ana.graph.settings(authority="https://127.0.0.1:1")).code == "unreachable"


def test_certificate_of_a_proxy_that_nobody_vouches_for(ana: Reading) -> None:
    settings = ana.graph.settings()
    problem = refusal(ana, Settings(microsoft=settings.microsoft, graph_root=settings.graph_root))
    assert problem.code == "untrusted"
    assert "private browser" not in str(problem)


def test_no_secret_is_told_or_logged(ana: Reading, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ana.box.put(event("a", subject="#mentoring about my salary"))
    ana.pull()
    (token,) = ana.graph.desk.issued
    ana.graph.desk.kill_tokens()
    ana.graph.desk.problem = (401, "invalid_client", 7000215)
    problem = refusal(ana)
    told = f"{problem!r} {problem.__cause__!r} {problem.__context__!r} {caplog.text} {ana.graph.settings()!r}"
    for word in (ana.graph.desk.secret, token, ANA, "salary", "AADSTS"):
        assert word not in told


def test_access_shows_no_secret() -> None:
    application = Application("tenant", "client", secret="s3cret", certificate=client_certificate())
    assert "s3cret" not in repr(application)
    assert "PRIVATE" not in repr(application)
    assert "s3cret" not in repr(AppAccess(application, Place("https://graph.example")))


# Settings


def test_outlook_that_is_not_set_up_is_not_available() -> None:
    with pytest.raises(NotAvailable, match="CADENCIA_MICROSOFT_TENANT"):
        open_calendar("outlook", ANA, "UTC", Settings())


@pytest.mark.parametrize("address", ["", "ana", "@example.com", "ana@", "a b@example.com", "a@b@c"])
def test_what_is_no_address_names_no_calendar(graph: FakeGraph, address: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        open_calendar("outlook", address, "UTC", graph.settings())
    assert caught.value.code == "bad_address"


APP = {
    "CADENCIA_MICROSOFT_TENANT": "contoso.onmicrosoft.com",
    "CADENCIA_MICROSOFT_CLIENT_ID": "1111",
    "CADENCIA_MICROSOFT_CLIENT_SECRET": "s3cret",
}


def test_settings_name_the_application() -> None:
    app = load_settings(APP).microsoft
    assert app is not None
    assert (app.tenant, app.client_id, app.client_secret) == ("contoso.onmicrosoft.com", "1111", "s3cret")


@pytest.mark.parametrize("missing", list(APP))
def test_half_an_application_is_refused(missing: str) -> None:
    with pytest.raises(BadSettings, match=missing):
        load_settings({name: value for name, value in APP.items() if name != missing})


@pytest.mark.parametrize(("name", "value"), [
    ("CADENCIA_MICROSOFT_TENANT", "contoso/../common"),
    ("CADENCIA_MICROSOFT_AUTHORITY", "http://login.example.com"),
    ("CADENCIA_MICROSOFT_CLIENT_CERTIFICATE", "no certificate"),
    ("CADENCIA_GRAPH_ROOT", "graph.microsoft.us"),
])  # fmt: skip
def test_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        load_settings({**APP, name: value})
