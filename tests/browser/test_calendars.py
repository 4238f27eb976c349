"""Connecting Google from the first press to the last, in a real browser, against a Google of our own.

Everything is real but the provider: the pages, the policy, the connector, the reading, the letter.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from integrations import google as connector
from tests.browser.test_journeys import Site
from tests.fakes.google import FakeGoogle, running_google
from tests.web.company import Company, Duo, open_company, utc
from tracker.models import Calendar, Credential, CredentialStatus, OutboxMail, Session
from tracker.services.sync import sync_all
from tracker.settings import GoogleClient

ANA, LUIS = "ana.ruiz@example.com", "luis.prez@example.com"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running_google(FakeGoogle()) as running:
        running.office.hire(ANA)
        running.desk.clients["our-client"] = "our-secret"
        yield running
    connector.close_connections()
    assert running.defects == []


@pytest.fixture
def company(tmp_path: Path, google: FakeGoogle) -> Iterator[Company]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    made = open_company(
        tmp_path,
        base_url=f"http://127.0.0.1:{port}",
        google_client=GoogleClient("our-client", "our-secret"),
        google_api_root=google.root,
        google_auth_root=google.root,
        google_token_root=google.root,
    )
    yield made
    made.ports.store.close()


@pytest.fixture
def site(company: Company, browser: Browser) -> Iterator[Site]:
    base = company.ports.settings.base_url
    server = make_server("127.0.0.1", int(base.rpartition(":")[2]), company.app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Site(company, base, browser)
    yield made
    for context in browser.contexts:
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert made.complaints == []


@pytest.fixture
def pair(company: Company) -> Duo:
    """Ana and Luis, who have no calendar connected yet."""
    ana, luis = company.person("Ana Ruiz"), company.person("Luis Pérez")
    return Duo(company.pair(company.program(), ana, luis), ana, luis, [])


def connect(page: Page, site: Site) -> None:
    page.goto(f"{site.base}/calendars")
    page.get_by_role("button", name="Connect Google calendar").click()
    page.get_by_role("link", name="Continue at Google").click()
    page.wait_for_url(f"{site.base}/calendars")


def credential(company: Company) -> Credential:
    with company.ports.store.read() as db:
        return db.scalars(select(Credential)).one()


def letters(company: Company) -> list[OutboxMail]:
    with company.ports.store.read() as db:
        return list(db.scalars(select(OutboxMail).where(OutboxMail.kind == "reconnect")))


def test_from_connecting_over_a_refusal_to_connecting_again(
    company: Company, pair: Duo, site: Site, google: FakeGoogle
) -> None:
    google.office.now = utc("11-01")
    google.office.meet(ANA, (LUIS,), utc("11-24"))
    google.office.meet(ANA, ("boss@example.com",), utc("11-25"), summary="canary: my salary")
    page = site.open(pair.mentor)

    # She connects, and is back on her own page.
    connect(page, site)
    expect(page.get_by_role("status")).to_contain_text("Connected")
    expect(page.locator(".cal")).to_contain_text(ANA)

    # It is read with her own consent: one session is kept, and nothing else.
    (result,) = sync_all(company.ports, company.now)
    assert result.problem is None
    page.reload()
    expect(page.locator(".cal")).to_contain_text("1 session")
    expect(page.locator(".cal")).to_contain_text("Today at 10:00")
    page.get_by_text("Which sessions were kept").click()
    expect(page.locator(".cal-kept")).to_contain_text("Tuesday 24 November, 10:00 with Luis Pérez")
    assert "canary" not in page.content()

    # She takes the access back at Google. The next reading says so, and she gets one letter.
    google.desk.revoke(ANA)
    company.clock.instant += timedelta(hours=2)
    for _ in range(3):
        assert [r.problem for r in sync_all(company.ports, company.now)] == ["reconnect"]
    assert credential(company).status is CredentialStatus.REFUSED
    assert len(letters(company)) == 1
    with company.ports.store.read() as db:
        assert len(db.scalars(select(Session)).all()) == 1  # stale, never empty
    page.reload()
    expect(page.locator(".cal-problem")).to_contain_text("no longer lets us read it")
    expect(page.locator(".cal")).to_contain_text("1 session")

    # One press, and it works again.
    page.get_by_role("button", name="Connect it again").click()
    page.get_by_role("link", name="Continue at Google").click()
    page.wait_for_url(f"{site.base}/calendars")
    assert [r.problem for r in sync_all(company.ports, company.now)] == [None]
    page.reload()
    expect(page.locator(".cal-problem")).to_have_count(0)
    with company.ports.store.read() as db:
        assert len(db.scalars(select(Calendar)).all()) == 1
    assert len(letters(company)) == 1


def test_somebody_who_says_no_is_taken_at_their_word(
    company: Company, pair: Duo, site: Site, google: FakeGoogle
) -> None:
    page = site.open(pair.mentor)
    page.goto(f"{site.base}/calendars")
    page.get_by_role("button", name="Connect Google calendar").click()
    address = page.get_by_role("link", name="Continue at Google").get_attribute("href") or ""
    back = google.visit(address, ANA, error="access_denied")
    page.goto(f"{site.base}/calendars/google/back?" + "&".join(f"{k}={v}" for k, v in back.items()))
    expect(page.get_by_role("status")).to_contain_text("You chose not to allow it")
    assert page.url == f"{site.base}/calendars"
    expect(page.locator(".cal")).to_have_count(0)


def test_disconnecting_says_first_what_it_does(
    company: Company, pair: Duo, site: Site, google: FakeGoogle
) -> None:
    page = site.open(pair.mentor, width=390)
    connect(page, site)
    page.get_by_role("link", name="Disconnect Google calendar").click()
    expect(page.locator("main")).to_contain_text("None of them counts as missed because of this")
    assert credential(company).status is CredentialStatus.ACTIVE
    page.get_by_role("button", name="Disconnect it").click()
    expect(page.get_by_role("status")).to_contain_text("It is disconnected")
    assert credential(company).status is CredentialStatus.REVOKED
    assert google.desk.consents == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_letter_leads_to_the_page_after_signing_in(
    company: Company, pair: Duo, site: Site, google: FakeGoogle
) -> None:
    page = site.open(pair.mentor)
    connect(page, site)
    google.desk.revoke(ANA)
    company.clock.instant += timedelta(hours=2)
    sync_all(company.ports, company.now)
    (letter,) = letters(company)
    assert f"{site.base}/calendars".encode() in letter.message.replace(b"=\r\n", b"").replace(b"=\n", b"")
    assert letter.recipient == ANA
