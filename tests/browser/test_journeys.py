"""What people do, in a real browser: sign in, answer in two presses, keep goals, read the board."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from tests.web.company import Company, Duo, utc
from tracker.models import Person, Session, Statement
from tracker.services.signin import sign_in_link


class Site:
    """The site, served on loopback, and a browser in front of it that notes every complaint."""

    def __init__(self, company: Company, base: str, browser: Browser) -> None:
        self.company, self.base, self._browser = company, base, browser
        self.complaints: list[str] = []

    def open(self, person: Person | None = None, *, width: int = 1280, **options: object) -> Page:
        """A page of its own; with `person` signed in by pressing the button that a link shows."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 844},
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        if person:
            link = sign_in_link(self.company.ports.settings, person, self.company.now, once=False)
            page.goto(link.replace(self.company.ports.settings.base_url, self.base))
            page.locator("main button").click()
            page.wait_for_url(lambda address: "/sign-in/" not in address)
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


@pytest.fixture
def site(company: Company, browser: Browser) -> Iterator[Site]:
    """The site; no page may have made the browser complain (scripts, styles, policies) at the end."""
    server = make_server("127.0.0.1", 0, company.app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Site(company, f"http://127.0.0.1:{server.port}", browser)
    yield made
    for context in browser.contexts:
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert made.complaints == []


@pytest.fixture
def session(company: Company, duo: Duo) -> Session:
    """Yesterday's session, some history, and one to come."""
    for day in ("08-18", "09-01", "10-27"):
        company.held(duo.pair, duo.calendars, utc(day))
    company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-24"), "confirmed"))
    made = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    company.review()
    return made


def said(company: Company) -> list[tuple[str, bool, list[str]]]:
    with company.ports.store.read() as db:
        rows = db.scalars(select(Statement).where(Statement.at == company.now))
        return [(row.side, row.held, row.absent) for row in rows]


def test_a_person_comes_to_the_own_pair_and_leaves(duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentee)
    expect(page).to_have_url(f"{site.base}/pairs/{duo.pair.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("You and Ana Ruiz")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")


def test_yes_is_one_press(company: Company, duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentee)
    page.get_by_role("button", name="Yes, we met").first.click()
    expect(page.get_by_role("status")).to_contain_text("Thank you, noted.")
    assert said(company) == [("mentee", True, [])]


def test_no_is_two_presses(company: Company, duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentee)
    asked = page.get_by_role("region", name="What is asked of you")
    asked.locator("summary", has_text="No").click()
    asked.get_by_role("button", name="Ana could not").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you, noted.")
    assert said(company) == [("mentee", False, ["mentor"])]


def test_it_works_with_the_keyboard_alone(company: Company, duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentee)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the page"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Yes, we met"
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Thank you, noted.")
    assert said(company) == [("mentee", True, [])]


FOCUSED = "document.activeElement.textContent.trim()"


def test_a_mark_leads_to_what_it_rests_on(duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentor)
    page.get_by_role("link", name="7–20 September: Missed, not rescheduled").click()
    told = page.locator("#p-2026-09-07")
    expect(told).to_be_visible()
    expect(told).to_contain_text("No session was on a calendar for these days")


def test_goals_are_written_ticked_and_deleted(duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentor)
    page.get_by_role("link", name="Write down a goal").click()
    page.get_by_label("What do you want to reach?").fill("Lead a retrospective")
    page.get_by_role("button", name="Save").click()
    page.locator("summary", has_text="Add a step").click()
    page.get_by_label("Next step").fill("Read the book")
    page.get_by_label("By when").fill("2026-12-01")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Done: Read the book").click()
    expect(page.get_by_role("button", name="Done: Read the book")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Nothing written down yet.")).to_be_visible()


def test_a_session_without_an_entry_is_told(company: Company, duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentor)
    page.get_by_role("link", name="We met without a calendar entry").click()
    page.get_by_label("Day").fill("2026-11-12")
    page.get_by_label("It began at").fill("08:30")
    page.get_by_role("button", name="Note the session").click()
    expect(page.get_by_role("status")).to_contain_text("the session is noted")
    assert said(company) == [("mentor", True, [])]


def test_hr_finds_a_pair_and_writes_down_a_call(
    company: Company, duo: Duo, session: Session, site: Site
) -> None:
    company.duo("Eva Sol", "Leo Mar")
    page = site.open(company.person("Marta Gil", is_hr=True))
    page.get_by_label("Name or e-mail").fill("perez")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".board-row")).to_have_count(1)
    page.get_by_role("link", name="Ana Ruiz and Luis Pérez").click()
    page.locator("summary", has_text="2–15 November").click()
    chapter = page.locator("details", has=page.locator("#p-2026-11-02"))
    chapter.locator("summary", has_text="Write down what one of them told you").click()
    chapter.get_by_label("Luis Pérez").check()
    chapter.get_by_label("It took place").check()
    chapter.get_by_role("button", name="Write it down").click()
    expect(page.get_by_role("status")).to_contain_text("in the name of Luis Pérez")
    assert said(company) == [("mentee", True, [])]


def test_the_language_is_a_press_away(duo: Duo, session: Session, site: Site) -> None:
    page = site.open(duo.mentor)
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tú y Luis Pérez")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.get_by_text("¿Te reuniste con Luis ayer?")).to_be_visible()


Scene = Callable[[Company, Duo], tuple[Person | None, str]]


def hr_of(company: Company) -> Person:
    return company.person("Marta Gil", is_hr=True)


SCENES: dict[str, Scene] = {
    "door": lambda _, __: (None, "/sign-in"),
    "pair": lambda _, duo: (duo.mentor, f"/pairs/{duo.pair.id}"),
    "tell": lambda _, duo: (duo.mentor, f"/pairs/{duo.pair.id}/tell"),
    "goal": lambda _, duo: (duo.mentor, f"/pairs/{duo.pair.id}/goals/new"),
    "mine": lambda _, duo: (duo.mentor, "/pairs"),
    "board": lambda company, _: (hr_of(company), "/hr"),
    "hr's pair": lambda company, duo: (hr_of(company), f"/pairs/{duo.pair.id}"),
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_page_fits_the_phone_and_can_be_read_aloud(
    company: Company, site: Site, scene: str, language: str
) -> None:
    name = "Guadalupe Hernández-Wojciechowska de Villaseñor"
    duo = company.duo("Maximiliano Alejandro Rodríguez Larrañaga", name)
    company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    company.review()
    person, path = SCENES[scene](company, duo)
    page = site.open(person, width=390, locale=language)
    if person:
        with company.ports.store.write() as db:
            db.get_one(Person, person.id).language = language
    page.goto(site.base + path)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(UNREADABLE) == []


# What a screen reader would stumble over: things to press without a name, fields without a label, headings
# that skip a level, several or no main headings, ids that stand twice, a page without language or landmarks.
UNREADABLE = """() => {
  const found = [];
  const name = e => (e.getAttribute('aria-label') || e.textContent || '').trim()
    || [...e.querySelectorAll('[aria-label]')].map(i => i.getAttribute('aria-label')).join('');
  for (const e of document.querySelectorAll('a, button, summary')) if (!name(e)) found.push(e.outerHTML);
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea, progress'))
    if (!e.labels?.length && !e.getAttribute('aria-label')) found.push(e.outerHTML);
  let level = 0;
  for (const e of document.querySelectorAll('main h1, main h2, main h3, main h4')) {
    const here = Number(e.tagName[1]);
    if (here > level + 1) found.push(`${e.tagName} after h${level}: ${e.textContent}`);
    level = here;
  }
  if (document.querySelectorAll('h1').length !== 1) found.push('not one h1');
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  found.push(...ids.filter((id, i) => ids.indexOf(id) !== i));
  for (const place of ['html[lang]', 'header', 'main', 'footer', 'title'])
    if (!document.querySelector(place)) found.push('no ' + place);
  for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
    for (const id of (e.getAttribute('aria-labelledby') || e.getAttribute('aria-describedby')).split(' '))
      if (!document.getElementById(id)) found.push('nothing has the id ' + id);
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scene", ["door", "pair", "board", "hr's pair"])
def test_words_stand_out_from_their_ground(company: Company, site: Site, scene: str, scheme: str) -> None:
    duo = company.duo()
    for day in ("08-18", "09-01"):
        company.held(duo.pair, duo.calendars, utc(day))
    company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    company.review()
    person, path = SCENES[scene](company, duo)
    page = site.open(person, color_scheme=scheme)
    page.goto(site.base + path)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(FAINT) == []


# Contrast of every piece of text with what lies behind it (WCAG 2.2, 1.4.3: 4.5, or 3 for large text).
FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const paint = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const [x, y, z] = [r, g, b].map(c => linear(c / 255));
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = paint(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || !e.checkVisibility() || e.closest('.skip')) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), bold = style.fontWeight >= 600;
    const [a, b] = [light(paint(style.color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05), wanted = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (ratio < wanted) found.add(`${text}: ${ratio.toFixed(2)}`);
  }
  return [...found];
}"""
