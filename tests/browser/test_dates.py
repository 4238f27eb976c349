"""A date in two presses, in a real browser: on a desk and on a phone, in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_journeys import Site, site
from tests.tracker.services.diaries import FakeDiaries
from tests.web.bookable import carry, make_bookable
from tests.web.company import Company, Duo, utc
from tracker.models import Person

__all__ = ["site"]

EVERYWHERE = pytest.mark.parametrize(
    ("width", "language"), [(1280, "en"), (390, "en"), (1280, "es"), (390, "es")]
)
WORDS = {
    "en": ("Find a new date", "On its way to your calendars.", "In your calendars.", "Call it off"),
    "es": ("Buscar nueva fecha", "En camino a sus calendarios.", "En sus calendarios.", "Cancelarla"),
}


@pytest.fixture(autouse=True)
def diaries(company: Company, duo: Duo) -> FakeDiaries:
    """Calendars that can be written to, and a partner in another place."""
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentee.id).timezone = "Europe/Madrid"
    for day in ("09-01", "09-15", "09-29"):
        company.held(duo.pair, duo.calendars, utc(day))
    made = make_bookable(company, duo)
    company.review()
    return made


def fits(page: Page) -> bool:
    """Tell whether nothing hangs over the edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@EVERYWHERE
def test_two_presses_and_the_date_is_there(
    company: Company, duo: Duo, diaries: FakeDiaries, site: Site, width: int, language: str
) -> None:
    find, on_way, written, off = WORDS[language]
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentor.id).language = language
    page = site.open(duo.mentor, width=width)
    page.get_by_role("link", name=find, exact=True).click()
    expect(page.locator(".slot")).to_have_count(3)
    expect(page.locator(".slot small").first).to_contain_text("Madrid")
    assert fits(page)
    page.locator(".slot.btn-primary").click()
    expect(page.get_by_text(on_way, exact=True)).to_be_visible()
    carry(company)
    page.reload()
    expect(page.get_by_text(written, exact=True)).to_be_visible()
    assert fits(page)
    assert len(diaries.standing) == 1
    page.get_by_role("link", name=off, exact=True).click()
    expect(page.get_by_role("button", name=off, exact=True)).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name=off, exact=True).click()
    expect(page.get_by_role("status")).to_be_visible()
    carry(company)
    assert diaries.standing == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_pause_takes_two_presses(duo: Duo, site: Site, width: int) -> None:
    page = site.open(duo.mentor, width=width)
    page.get_by_role("link", name="We pause, or I am away").click()
    page.get_by_label("We pause, both of us").check()
    page.get_by_label("First day").fill("2026-12-21")
    page.get_by_label("Last day").fill("2027-01-06")
    page.get_by_role("button", name="Note these days").click()
    expect(page.locator(".away-days b")).to_have_text("21 December – 6 January")
    assert fits(page)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".away-days b")).to_have_count(0)
