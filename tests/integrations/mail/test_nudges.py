"""The letter of a nudge: what it says, whom it names, and where its buttons lead."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.mail import open_writer
from tracker.ledger import Reason
from tracker.ports import Letter
from tracker.services.nudges.facts import Ask, Bundle, Miss, Plan, SlotLink

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # 10:00 in Bogotá
BASE = "https://cadencia.example.com"
ASK = Ask("Luis <b>Gómez</b>", NOW - timedelta(days=1), f"{BASE}/letter/ask")
SLOT = SlotLink(NOW + timedelta(days=1), NOW + timedelta(days=1, minutes=45), f"{BASE}/letter/slot", True)
PLAN = Plan("Óscar Vélez", date(2026, 11, 22), (SLOT,), f"{BASE}/pairs/2/new-date")
BLAME = [(False, False), (True, False), (False, True), (True, True)]


def miss(reason: Reason = Reason.NO_SESSION, *, by_me: bool = False, by_partner: bool = False) -> Miss:
    return Miss(
        partner="Marta Peña",
        first_on=date(2026, 11, 2),
        last_on=date(2026, 11, 15),
        reason=reason,
        by_me=by_me,
        by_partner=by_partner,
        told_from=NOW + timedelta(days=2),
        link=f"{BASE}/pairs/1/new-date",
        tell_link=f"{BASE}/pairs/1/tell",
        explain_link=f"{BASE}/letter/explain",
    )


def write(language: str = "en", **things: object) -> Letter:
    bundle = Bundle(
        "Ana Ruiz",
        "America/Bogota",
        NOW,
        snooze_link=f"{BASE}/letter/snooze",
        unsubscribe_link=f"{BASE}/unsubscribe/x",
        **things,  # type: ignore[arg-type]
    )
    return open_writer().write("nudge", language, {"bundle": bundle, "base_url": BASE})


def sentence(text: str) -> str:
    joined = " ".join(text.split())
    found = re.search(r"2–15 November: (.*?\.)", joined)
    assert found
    return found[1]


@pytest.mark.parametrize("reason", [Reason.NO_SHOW, Reason.CANCELLED])
def test_it_names_whom_the_evidence_names_and_nobody_else(reason: Reason) -> None:
    said = [sentence(write(misses=(miss(reason, by_me=a, by_partner=b),)).text) for a, b in BLAME]
    assert len(set(said)) == 4
    nobody, me, partner, _ = said
    assert "could not" not in nobody
    assert me.startswith("You called off") or "because you could not" in me
    assert partner.startswith("Marta called off") or "because Marta could not" in partner


def test_without_a_session_nobody_is_named() -> None:
    assert sentence(write(misses=(miss(),)).text) == "No session with Marta was on the calendar."


def test_it_says_when_hr_hears_of_it() -> None:
    assert "no message of it before Friday 20 November." in " ".join(write(misses=(miss(),)).text.split())


@pytest.mark.parametrize(
    ("things", "subject"),
    [
        ({"asks": (ASK,)}, "Did you and Luis meet yesterday?"),
        ({"misses": (miss(),)}, "You and Marta: shall we find a new date?"),
        ({"plans": (PLAN,)}, "A date for you and Óscar"),
        ({"asks": (ASK,), "plans": (PLAN,)}, "2 short things about your mentoring"),
    ],
)
def test_the_subject_says_the_one_thing_or_how_many(things: dict[str, object], subject: str) -> None:
    assert write("en", **things).subject == subject


@pytest.mark.parametrize("language", ["en", "es"])
def test_text_and_html_hold_the_same_links(language: str) -> None:
    letter = write(language, asks=(ASK,), misses=(miss(),), plans=(PLAN,))
    links = {link.rstrip(".") for link in re.findall(r"https://[^\s\"<]+", letter.text)}
    assert links == set(re.findall(r"href=\"([^\"]+)\"", letter.html))
    assert len(links) == 10


def test_times_are_on_the_readers_clock() -> None:
    assert "Thursday 19 November, 10:00–10:45" in write(plans=(PLAN,)).text


def test_names_are_no_markup() -> None:
    html = write(asks=(ASK, Ask("<script>", NOW, "https://x"))).html
    assert "<script>" not in html


def test_a_pair_without_times_gets_a_button() -> None:
    plan = Plan("Óscar Vélez", date(2026, 11, 22), (), f"{BASE}/pairs/2/new-date")
    assert "Find a date: https://cadencia.example.com/pairs/2/new-date" in write(plans=(plan,)).text


def test_it_promises_no_head_start_that_is_over() -> None:
    late = replace(miss(), told_from=NOW - timedelta(days=1))
    assert "We write to you first" in write(misses=(miss(),)).text
    assert "We write to you first" not in write(misses=(late,)).text
