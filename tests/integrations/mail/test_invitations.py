"""Invitations by mail: what calendars take in, what people read, and what our own reader makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from integrations import ical
from integrations.mail import open_writer
from integrations.mail.invitations import write_calendar
from tracker.events import EventStatus, TagRule, Window
from tracker.itip import Invitation, Method
from tracker.ports import Invitee, Letter
from tracker.references import new_reference, reader_of
from tracker.services.message import Envelope, freeze, mailbox
from tracker.tags import TagRules

STARTS = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
KEYS = ("a key",)
INVITATION = Invitation(
    method=Method.REQUEST,
    uid="c1-abc@cadencia",
    sequence=0,
    reference=new_reference(KEYS),
    title="Tutoría: Ana & Luis #mentoring",
    starts_at=STARTS,
    ends_at=STARTS + timedelta(minutes=45),
    organiser=Invitee("Cadencia", "mentoring@example.com"),
    invitees=(Invitee("Ana Ruiz", "ana@example.com"), Invitee("Luis Pérez", "luis@example.com")),
    written_at=NOW,
    sent_by="cadencia@example.com",
)
OFF = replace(INVITATION, method=Method.CANCEL, sequence=2)
BOTH = pytest.mark.parametrize("invitation", [INVITATION, OFF], ids=["request", "cancel"])


def letter(invitation: Invitation = INVITATION, language: str = "en", **more: object) -> Letter:
    facts = {
        "name": "Luis",
        "other": "Ana",
        "timezone": "America/Bogota",
        "invitation": invitation,
        "is_news": invitation.sequence == 0,
        "link": "https://cadencia.example.com/pairs/1",
        **more,
    }
    template = "invitation_off" if invitation.method is Method.CANCEL else "invitation"
    return open_writer().write(template, language, facts)


def mail(invitation: Invitation = INVITATION) -> EmailMessage:
    envelope = Envelope(
        mailbox("Cadencia", "cadencia@example.com"),
        mailbox("Luis", "luis@example.com"),
        "<a@example.com>",
        NOW,
    )
    message = message_from_bytes(freeze(letter(invitation), envelope), policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def calendar(content: Any) -> Any:
    return Calendar.from_ical(content)


def event(content: str) -> Any:
    (found,) = calendar(content).walk("VEVENT")
    return found


@BOTH
def test_the_mail_is_built_as_calendars_want_it(invitation: Invitation) -> None:
    kinds = [part.get_content_type() for part in mail(invitation).walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]


@BOTH
def test_the_method_is_the_same_outside_and_inside(invitation: Invitation) -> None:
    part = next(p for p in mail(invitation).walk() if p.get_content_type() == "text/calendar")
    inside = calendar(part.get_payload(decode=True))
    assert part.get_param("method") == inside["METHOD"] == invitation.method
    assert part.get_param("charset") == "utf-8"


def test_the_file_and_the_alternative_are_the_same() -> None:
    parts = {p.get_content_type(): p for p in mail().walk()}
    file = parts["application/ics"]
    assert file.get_filename() == "invite.ics"
    assert file.get_payload(decode=True) == parts["text/calendar"].get_payload(decode=True)


def test_equal_letters_are_equal_bytes() -> None:
    assert mail().as_bytes() == mail().as_bytes()


def test_the_entry_says_who_when_and_what() -> None:
    entry = event(write_calendar(INVITATION).content)
    assert entry.errors == []
    assert (entry.decoded("DTSTART"), entry.decoded("DTEND")) == (STARTS, INVITATION.ends_at)
    assert (str(entry["UID"]), entry["SEQUENCE"]) == (INVITATION.uid, 0)
    assert str(entry["SUMMARY"]) == INVITATION.title
    assert [str(a) for a in entry["ATTENDEE"]] == ["mailto:ana@example.com", "mailto:luis@example.com"]
    assert {a.params["RSVP"] for a in entry["ATTENDEE"]} == {"TRUE"}
    assert str(entry["ORGANIZER"]) == "mailto:mentoring@example.com"
    assert entry["ORGANIZER"].params["SENT-BY"] == "mailto:cadencia@example.com"


def test_a_new_date_is_the_same_entry_with_a_higher_number() -> None:
    moved = replace(INVITATION, sequence=1, starts_at=STARTS + timedelta(days=1))
    first, then = (event(write_calendar(each).content) for each in (INVITATION, moved))
    assert (first["UID"], first["SEQUENCE"], then["SEQUENCE"]) == (then["UID"], 0, 1)


def test_calling_off_crosses_the_entry_out() -> None:
    entry = event(write_calendar(OFF).content)
    assert (str(entry["STATUS"]), entry["SEQUENCE"]) == ("CANCELLED", 2)


@BOTH
def test_our_own_reader_knows_it_again(invitation: Invitation, tmp_path: Path) -> None:
    file = tmp_path / "invite.ics"
    file.write_text(write_calendar(invitation).content, newline="")
    rules = TagRules(owner=frozenset({"luis@example.com"}), is_ours=reader_of(KEYS))
    window = Window(STARTS - timedelta(days=30), STARTS + timedelta(days=30))
    (seen,) = ical.open_calendar(str(file), "America/Bogota").pull(None, window, rules).events
    assert (seen.tag_rule, seen.session_ref) == (TagRule.CADENCIA, invitation.reference)
    assert (seen.start, seen.end) == (invitation.starts_at, invitation.ends_at)
    assert seen.organiser == "mentoring@example.com"
    is_off = invitation.method is Method.CANCEL
    assert (seen.status is EventStatus.CANCELLED) == is_off


def test_the_marker_alone_is_enough_where_the_reference_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "invite.ics"
    bare = [line for line in write_calendar(INVITATION).content.splitlines() if "CADENCIA:" not in line]
    file.write_text("\r\n".join(bare))
    window = Window(STARTS - timedelta(days=30), STARTS + timedelta(days=30))
    (seen,) = ical.open_calendar(str(file), "UTC").pull(None, window, TagRules()).events
    assert seen.tag_rule is TagRule.MARKER


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Tuesday 24 November"), ("es", "martes 24 de noviembre")]
)
def test_the_letter_speaks_the_readers_language_and_clock(language: str, words: str) -> None:
    written = letter(language=language)
    for text in (written.text, written.html):
        assert words in text
        assert "10:00–10:45" in text
        assert "https://cadencia.example.com/pairs/1" in text
    assert "10:00–10:45" in written.subject


def test_a_new_date_and_an_end_are_told_as_such() -> None:
    assert letter(replace(INVITATION, sequence=1)).subject.startswith("New date with Ana")
    assert letter(OFF).subject.startswith("Called off")


@given(st.text(max_size=200), st.text(max_size=80))
def test_no_text_breaks_out_of_its_line(title: str, name: str) -> None:
    hostile = replace(INVITATION, title=title, invitees=(Invitee(name, "a@example.com"),))
    content = write_calendar(hostile).content
    lines = content.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    entry = event(content)
    assert len(calendar(content).walk("VEVENT")) == 1
    assert str(entry["ATTENDEE"]) == "mailto:a@example.com"
    assert str(entry["UID"]) == INVITATION.uid
