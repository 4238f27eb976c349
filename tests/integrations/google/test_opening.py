"""Everything of Google's opens through the registry, at the addresses that the settings name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.providers import (
    NotAvailable,
    SettingsConsents,
    SettingsDiaries,
    SettingsRecorders,
    SettingsSources,
    SettingsWatchers,
)
from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import ALL_THAT_WE_USE
from tests.integrations.google.conftest import ANA, BEN, MONDAY, WINDOW
from tracker.events import Conference, Window
from tracker.ports import Access, Invitee, Meeting, Want
from tracker.settings import GoogleClient, Settings
from tracker.tags import TagRules

HOUR = timedelta(hours=1)
MEETING = Meeting(
    reference="c1-reference",
    title="#mentoring",
    notes="",
    starts_at=MONDAY,
    ends_at=MONDAY + HOUR,
    timezone="Europe/Madrid",
    invitees=(Invitee("Ana", ANA), Invitee("Ben", BEN)),
    online=True,
)


class Consent:
    """What our services make of a consent: the access token that the desk gave."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        """Return the token."""
        return self._token

    def replace(self, refused: str) -> str:
        """Return the same."""
        return self._token


def settings_of(google: FakeGoogle, **further: Any) -> Settings:
    """Return settings for that Google."""
    roots: dict[str, Any] = {f"google_{name}": root for name, root in google.place.items()}
    return Settings(**roots, **further)


def consent_of(google: FakeGoogle, settings: Settings, wants: frozenset[Want]) -> Access:
    """Return Ana's consent, given at the desk that the settings open."""
    google.desk.clients["client"] = "secret"
    desk = SettingsConsents(settings).open("google")
    assert desk is not None
    flow = desk.begin("https://cadencia.example.com/calendars/google/back", wants, ANA)
    granted = desk.finish(flow.memory, google.visit(flow.url, ANA), datetime.now(UTC))
    return Consent(granted.access_token)


@pytest.fixture
def company(google: FakeGoogle) -> Settings:
    """The settings of a company with a service account."""
    google.desk.delegated = set(ALL_THAT_WE_USE)
    return settings_of(google, google_service_account=google.key)


def use_everything(settings: Settings, access: Access | None) -> None:
    """Write a session, read it, ask for free time, notices and records."""
    diary = SettingsDiaries(settings).open("google", ANA, access)
    entry = diary.create(MEETING)
    assert diary.free_busy([ANA], WINDOW) == {ANA: (Window(MONDAY, MONDAY + HOUR),)}
    source = SettingsSources(settings).open("google", ANA, "UTC", access)
    assert [e.provider_event_id for e in source.pull(None, WINDOW, TagRules()).events] == [
        entry.provider_event_id
    ]
    watcher = SettingsWatchers(settings).open("google", ANA, access)
    assert watcher is not None
    watcher.stop("one", watcher.start("one", "secret", "https://cadencia.example.com/hooks", WINDOW.end))
    recorder = SettingsRecorders(settings).open("google", ANA, access)
    assert recorder is not None
    assert recorder.stays(Conference("meet", "abc-defg-hij"), WINDOW, frozenset({ANA})) is None


def test_company_s_account_does_everything(company: Settings) -> None:
    use_everything(company, None)


def test_one_consent_does_everything_that_was_consented_to(google: FakeGoogle) -> None:
    settings = settings_of(google, google_client=GoogleClient("client", "secret"))
    use_everything(settings, consent_of(google, settings, frozenset(Want)))
    assert {asked.subject for asked in google.asked} == {ANA}


def test_own_consent_goes_before_the_company_s_account(google: FakeGoogle, company: Settings) -> None:
    client = GoogleClient("client", "secret")
    settings = settings_of(google, google_client=client, google_service_account=google.key)
    access = consent_of(google, settings, frozenset({Want.READ}))
    asked = google.desk.requests
    SettingsSources(settings).open("google", ANA, "UTC", access).pull(None, WINDOW, TagRules())
    assert google.desk.requests == asked, "no token of the service account's"


def test_nobody_consents_where_there_is_no_client(google: FakeGoogle) -> None:
    assert SettingsConsents(settings_of(google)).open("google") is None


def test_nothing_opens_without_a_key(google: FakeGoogle) -> None:
    settings = settings_of(google)
    for opener in (SettingsDiaries(settings), SettingsWatchers(settings), SettingsRecorders(settings)):
        with pytest.raises(NotAvailable, match="CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE"):
            opener.open("google", ANA)
