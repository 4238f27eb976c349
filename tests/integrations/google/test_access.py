"""Who may act for whom, with how little, and what it means when Google says no."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from integrations.google import open_desk
from integrations.providers import NotAvailable, open_calendar
from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import LEAST, SCOPE
from tests.integrations.google.conftest import ANA, BEN, MONDAY, WINDOW, Calendar, place_of
from tracker.errors import AuthRevoked, BadPayload, BadSettings, ConnectorError
from tracker.ports import Access
from tracker.settings import Settings, load_settings
from tracker.tags import TagRules


@dataclass
class Consent:
    """A person's own consent, as our services keep it."""

    google: FakeGoogle
    person: str

    def token(self) -> str:
        return self.replace("")

    def replace(self, refused: str) -> str:
        desk = open_desk("client", "secret", place_of(self.google))
        refresh_token = self.google.desk.consent(self.person)
        return desk.refresh(refresh_token, datetime.now(UTC)).access_token


@dataclass
class Spent:
    """A consent that is over."""

    def token(self) -> str:
        return "ya29.over"

    def replace(self, refused: str) -> str:
        raise AuthRevoked("It is over.")


def read(google: FakeGoogle, key: str | Access, person: str = ANA) -> int:
    """Return how many sessions are on the calendar."""
    calendar = Calendar(google, person)
    return len(calendar.open(key).pull(None, WINDOW, TagRules()).events)


def problem(google: FakeGoogle, key: str | Access, person: str = ANA) -> ConnectorError:
    """Return what a reading raises."""
    with pytest.raises(ConnectorError) as caught:
        read(google, key, person)
    return caught.value


def test_service_account_acts_for_the_owner(google: FakeGoogle) -> None:
    read(google, google.key)
    assert {asked.subject for asked in google.asked} == {ANA}


def test_each_owner_has_a_token_of_their_own(google: FakeGoogle) -> None:
    for person in (ANA, BEN, ANA, BEN):
        read(google, google.key, person)
    assert google.desk.requests == 2


def test_least_scope_is_asked_for_first(google: FakeGoogle) -> None:
    google.desk.delegated.add(f"{SCOPE}calendar.readonly")
    read(google, google.key)
    assert {token.scopes for token in google.desk.issued.values()} == {frozenset({LEAST})}


def test_wider_scope_serves_where_it_is_all_that_was_granted(google: FakeGoogle) -> None:
    google.desk.delegated = {f"{SCOPE}calendar.readonly"}
    read(google, google.key)
    asked = google.desk.requests
    read(google, google.key, BEN)
    assert google.desk.requests == asked + 1, "what was granted is remembered"


def test_account_without_delegation(google: FakeGoogle) -> None:
    google.desk.delegated = set()
    assert problem(google, google.key).code == "not_delegated"


def test_delegation_that_came_later_is_found(google: FakeGoogle) -> None:
    google.desk.delegated = set()
    problem(google, google.key)
    google.desk.delegated = {LEAST}
    assert read(google, google.key) == 0


def test_person_whom_google_does_not_know(google: FakeGoogle) -> None:
    assert problem(google, google.key, "nobody@example.com").code == "no_account"


def test_person_who_is_suspended(google: FakeGoogle) -> None:
    google.office.gone.add(ANA)
    assert problem(google, google.key).code == "no_account"


def test_key_that_was_deleted(google: FakeGoogle) -> None:
    told = json.loads(google.key)
    told["client_email"] = "other@example.iam.gserviceaccount.com"
    assert problem(google, json.dumps(told)).code == "key_refused"


def test_key_that_is_none(google: FakeGoogle) -> None:
    told = {**json.loads(google.key), "private_key": "-----BEGIN PRIVATE KEY-----\nno\n"}
    refused = problem(google, json.dumps(told))
    assert refused.code == "key_refused"
    assert "BEGIN" not in "".join(traceback.format_exception(refused))


def test_clock_that_is_off(google: FakeGoogle) -> None:
    google.desk.clock_s = int(time.time()) + 3600
    assert problem(google, google.key).code == "clock_off"


def test_consent_reads_its_owner_s_calendar(google: FakeGoogle) -> None:
    google.office.meet(ANA, (BEN,), MONDAY)
    assert read(google, Consent(google, ANA)) == 1


def test_consent_opens_nobody_else_s_calendar(google: FakeGoogle) -> None:
    """Not even by another address: what was asked for is not there, and "mine" is the owner's."""
    google.office.meet(BEN, (), MONDAY)
    assert read(google, Consent(google, ANA), BEN) == 0


def test_consent_that_was_taken_back(google: FakeGoogle) -> None:
    refused = problem(google, Spent())
    assert isinstance(refused, AuthRevoked)
    assert refused.code == "reconnect"


def test_token_endpoint_that_is_away(google: FakeGoogle, waits: list[float]) -> None:
    google.desk.problem = (503, {"error": "temporarily_unavailable"})
    assert problem(google, google.key).code == "server_error"


def test_token_endpoint_behind_a_sign_in_page(google: FakeGoogle) -> None:
    google.raw = b"<html>Please sign in</html>"
    assert isinstance(problem(google, google.key), BadPayload)


def test_no_account_is_no_calendar(google: FakeGoogle) -> None:
    assert problem(google, google.key, "https://example.com/feed.ics").code == "bad_address"


def test_registry_opens_what_the_settings_say(google: FakeGoogle) -> None:
    google.office.meet(ANA, (BEN,), MONDAY)
    settings = Settings(google_service_account=google.key, google_api_root=google.root)
    source = open_calendar("google", ANA, "UTC", settings)
    assert len(source.pull(None, WINDOW, TagRules()).events) == 1


def test_registry_says_that_google_is_not_set_up() -> None:
    with pytest.raises(NotAvailable, match="CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE"):
        open_calendar("google", ANA, "UTC", Settings())


def test_settings_take_the_key_from_its_file(google: FakeGoogle, tmp_path: object) -> None:
    settings = load_settings({"CADENCIA_GOOGLE_SERVICE_ACCOUNT": google.key})
    assert settings.google_service_account == google.key
    assert "PRIVATE" not in repr(settings)


@pytest.mark.parametrize("key", ["no json", "[]", '{"type": "authorized_user"}'])
def test_settings_refuse_what_is_no_key(key: str) -> None:
    with pytest.raises(BadSettings, match="GOOGLE_SERVICE_ACCOUNT_FILE") as caught:
        load_settings({"CADENCIA_GOOGLE_SERVICE_ACCOUNT": key})
    assert key not in str(caught.value)


def test_settings_refuse_a_root_that_is_no_address() -> None:
    with pytest.raises(BadSettings, match="GOOGLE_API_ROOT"):
        load_settings({"CADENCIA_GOOGLE_API_ROOT": "www.googleapis.com"})
