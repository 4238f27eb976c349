"""The letters: whole in both languages, safe to open, and readable anywhere."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import UndefinedError

from integrations.mail import open_writer
from tests.integrations.mail.samples import BASE_URL, EVERYTHING, NAMES, NOBODY, QUIET, listed, unread
from tracker.ports import Letter
from tracker.problems import FOR_ADMIN, problem_of
from tracker.services.digest.building import MOST
from tracker.services.digest.facts import Digest, Listed, UnreadKind

SIGN_IN = {
    "name": "Marta",
    "link": f"{BASE_URL}/sign-in/eyJ0eXAi.x_-",
    "minutes": 30,
    "asked_from": "203.0.113.9",
    "base_url": BASE_URL,
}
RECONNECT = {
    "name": "Marta",
    "provider": "google",
    "account": "marta@example.com",
    "link": f"{BASE_URL}/calendars",
    "base_url": BASE_URL,
}
TROUBLE = {"name": "Marta", "what": problem_of("secret_expired").admin, "count": 3, "base_url": BASE_URL}
RUNNING = replace(EVERYTHING, is_whole=False)
LETTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sign_in": ("sign_in", SIGN_IN),
    "reconnect": ("reconnect", RECONNECT),
    "trouble": ("trouble", TROUBLE),
    "full": ("digest", {"digest": EVERYTHING, "base_url": BASE_URL, "name": "Marta"}),
    "without a name": ("digest", {"digest": EVERYTHING, "base_url": BASE_URL}),
    "running": ("digest", {"digest": RUNNING, "base_url": BASE_URL, "name": "Marta"}),
    "quiet": ("digest", {"digest": QUIET, "base_url": BASE_URL, "name": "Marta"}),
    "nobody": ("digest", {"digest": NOBODY, "base_url": BASE_URL, "name": "Marta"}),
}
EVERY_LETTER = pytest.mark.parametrize("name", LETTERS)
BOTH_LANGUAGES = pytest.mark.parametrize("language", ["en", "es"])


def _write(name: str, language: str = "en") -> Letter:
    template, facts = LETTERS[name]
    return open_writer().write(template, language, facts)


class Page(HTMLParser):
    """What an HTML page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._silent = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def links(self) -> set[str | None]:
        return {attributes["href"] for tag, attributes in self.tags if tag == "a"}


# --- languages ---


def _phrases(letter: Letter) -> Iterator[str]:
    names = {part for pair in NAMES for part in pair} | {"Cadencia", EVERYTHING.program, "Marta"}
    names |= {calendar.name for calendar in EVERYTHING.unread.items}
    paragraphs = re.split(r"\n\s*\n|\n\s*[-*] ", letter.text)
    for text in [letter.subject, *Page(letter.html).texts, *(" ".join(p.split()) for p in paragraphs)]:
        # What is left without names, numbers and addresses are our words.
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, "")
        bare = re.sub(r"https?://\S+|[^\w\s]|\d", "", text).strip()
        if len(bare) > 2:
            yield bare


@EVERY_LETTER
def test_no_english_is_left_in_a_spanish_letter(name: str) -> None:
    english, spanish = set(_phrases(_write(name, "en"))), set(_phrases(_write(name, "es")))
    assert len(english) > 5
    assert english & spanish == set()


@BOTH_LANGUAGES
def test_it_says_which_language_it_is_in(language: str) -> None:
    (html,) = [attributes for tag, attributes in Page(_write("full", language).html).tags if tag == "html"]
    assert html["lang"] == language


@pytest.mark.parametrize("language", ["es-CO", "es_MX", "ES"])
def test_it_speaks_the_language_of_a_country(language: str) -> None:
    assert _write("sign_in", language) == _write("sign_in", "es")


def test_a_language_that_we_do_not_speak_gets_english() -> None:
    assert _write("sign_in", "pt") == _write("sign_in", "en")


# --- safe to open ---


@EVERY_LETTER
@BOTH_LANGUAGES
def test_it_loads_nothing_from_anywhere(name: str, language: str) -> None:
    letter = _write(name, language)
    page = Page(letter.html)
    loading = {"img", "link", "script", "iframe", "form", "object", "video", "base"}
    assert loading.isdisjoint(tag for tag, _ in page.tags)
    assert not re.search(r"url\(|@import|src=|background=|http-equiv", letter.html)


@EVERY_LETTER
def test_every_link_leads_to_a_page_of_ours_and_counts_nothing(name: str) -> None:
    ours = r"(/hr\?program=3|/calendars|/pairs/\d+|/sign-in/[\w.-]+)?"
    page = re.compile(re.escape(BASE_URL) + ours, flags=re.ASCII)
    for link in Page(_write(name).html).links:
        assert link
        assert page.fullmatch(link)


@EVERY_LETTER
def test_the_text_has_the_same_links(name: str) -> None:
    letter = _write(name)
    assert set(re.findall(r"https?://\S+", letter.text)) == Page(letter.html).links


@BOTH_LANGUAGES
def test_names_are_text_and_nothing_else(language: str) -> None:
    letter = _write("full", language)
    assert "Marta <b>Peña</b>" in letter.text
    assert "Marta &lt;b&gt;Peña&lt;/b&gt;" in letter.html
    assert "b" not in {tag for tag, _ in Page(letter.html).tags}


def test_a_fact_that_is_missing_is_an_error_and_not_a_gap() -> None:
    facts = {key: value for key, value in SIGN_IN.items() if key != "link"}
    with pytest.raises(UndefinedError):
        open_writer().write("sign_in", "en", facts)


# --- readable anywhere ---


@EVERY_LETTER
@BOTH_LANGUAGES
def test_lines_of_text_are_short_and_paragraphs_apart(name: str, language: str) -> None:
    lines = _write(name, language).text.splitlines()
    assert all(len(line) <= 72 or "https://" in line for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n" not in "\n".join(lines)


def _widest() -> Digest:
    lists: dict[str, Any] = {}
    for field, most in MOST.items():
        items = getattr(EVERYTHING, field).items
        lists[field] = Listed(tuple(items[i % len(items)] for i in range(most)), 100_000)
    return replace(EVERYTHING, **lists)


@BOTH_LANGUAGES
def test_the_longest_digest_is_small_enough_to_be_shown_whole(language: str) -> None:
    letter = open_writer().write("digest", language, {"digest": _widest(), "base_url": BASE_URL})
    assert len(letter.html.encode()) < 50_000


def test_html_is_well_nested() -> None:
    html = _write("full").html
    for tag in ("table", "tr", "td", "p", "div", "h1", "h2", "a", "span", "strong"):
        assert len(re.findall(rf"<{tag}[\s>]", html)) == html.count(f"</{tag}>"), tag


def test_no_line_ends_between_a_number_and_its_sign() -> None:
    assert "(89\N{NO-BREAK SPACE}%, 2 puntos menos" in " ".join(_write("full", "es").text.split("\n  "))


# --- what the digest says ---


def test_the_subject_says_how_many_need_a_hand() -> None:
    assert _write("full").subject == "Mentoría Andina, 16–22 November: 45 pairs could use a hand"
    assert _write("quiet").subject == "Mentoría Andina, 16–22 November: all is well"
    assert (
        _write("full", "es").subject
        == "Mentoría Andina, 16–22 de noviembre: a 45 parejas les vendría bien una mano"
    )


def test_the_summary_comes_first_and_says_it_all() -> None:
    head = " ".join(_write("full").text.partition("MISSED")[0].split())
    assert "43 pairs missed a session and did not reschedule it. 2 more have not made up" in head
    assert "4 pairs owe an answer, 3 pairs have nothing planned, 6 calendars could not be read." in head
    assert "421 of 474 sessions that were due took place (89%, 2 points less than a week ago)." in head


@pytest.mark.parametrize(
    "line",
    [
        "9–22 November: Luis Gómez called the session off.",
        "12–25 October: the session did not take place.",
        "9–22 November: no session was on the calendar.",
        "26 October – 8 November: the session did not take place: neither of the two was there.",
        "That makes 3 in a row. Nothing is planned yet.",
        "What is planned can not be seen: a calendar is not readable.",
        "Thursday 19 November: Inés Ibarra says that they did not meet, Óscar Vélez has not answered yet.",
        "The calendar was last read on Thursday 12 November. 3 pairs are not judged because of it.",
        "and 37 more",
    ],
)
def test_both_forms_say_each_thing(line: str) -> None:
    letter = _write("full")
    assert line in " ".join(letter.text.split())
    assert line in " ".join(Page(letter.html).texts)


def test_nobody_is_named_without_evidence() -> None:
    # The only miss of Inés Ibarra and Óscar Vélez is a period without a session: it names neither.
    (entry,) = [
        p for p in re.split(r"\n- ", _write("full").text.partition("MISSED EARLIER")[0]) if "Inés" in p
    ]
    assert entry.count("Inés Ibarra") == entry.count("Óscar Vélez") == 1


def test_a_week_that_runs_is_told_as_such() -> None:
    assert "The week so far, up to Monday 23 November, 00:00." in _write("running").text
    assert "so far, up to" not in _write("full").text


def test_a_quiet_week_says_so_kindly() -> None:
    assert "Nothing needs you this week." in _write("quiet").text


def test_a_program_without_pairs_says_so() -> None:
    assert "No pair is running in this program at the moment." in _write("nobody").text


@pytest.mark.parametrize("problem", sorted(FOR_ADMIN))
@BOTH_LANGUAGES
def test_the_administrator_is_told_each_of_their_problems(problem: str, language: str) -> None:
    text = open_writer().write("trouble", language, {**TROUBLE, "what": problem_of(problem).admin}).text
    assert "cadencia doctor" in text
    assert "%(" not in text


@pytest.mark.parametrize("problem", ["secret_expired", "certificate_expired", "wrong_tenant", "clock_off"])
@BOTH_LANGUAGES
def test_what_only_an_administrator_mends_is_asked_of_nobody_else(problem: str, language: str) -> None:
    calendar = unread(UnreadKind.FAILING, problem, 5)
    digest = replace(EVERYTHING, unread=listed(calendar))
    text = open_writer().write("digest", language, {"digest": digest, "base_url": BASE_URL}).text
    assert "cadencia doctor" in text
    assert "link is still the right one" not in text
