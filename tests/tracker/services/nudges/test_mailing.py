"""From nudges to letters: one letter, at a good moment, and never twice."""

from __future__ import annotations

import threading
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import update

from tests.tracker.services.nudges.desk import Desk, suggestion
from tests.tracker.world import World, instant, make_duo, single
from tracker.models import Absence, AuditEntry, Nudge
from tracker.ports import Vault
from tracker.services.claims import Stopping
from tracker.services.links import Purpose, read_letter_link
from tracker.services.nudges.mailing import SHARES, mail_nudges
from tracker.store import Store

SESSION = "2026-01-13 10:00"  # a Tuesday
ASKED = "2026-01-13 11:45"
TWO_THIRDS = "2026-01-14 09:00"


@pytest.fixture
def desk(store: Store, vault: Vault) -> Desk:
    return Desk(make_duo(World(store, vault)))


def text_of(raw: bytes) -> str:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def subject_of(raw: bytes) -> str:
    return str(message_from_bytes(raw, policy=policy.default)["Subject"])


def test_both_get_a_letter_after_a_session(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    assert desk.tick(ASKED).written == 2
    letters = desk.letters()
    assert [letter.recipient for letter in letters] == ["ana@example.com", "ben@example.com"]
    assert subject_of(letters[0].message) == "Did you and ben meet today?"


def test_no_letter_is_written_twice(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.tick(ASKED)
    desk.tick("2026-01-13 11:50")
    assert len(desk.letters()) == 2


def test_ten_writers_at_once_write_one_letter_each(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice(ASKED)
    threads = [threading.Thread(target=desk.mail, args=(ASKED,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.letters()) == 2


def test_a_session_that_ended_just_now_may_run_over(desk: Desk) -> None:
    desk.read("2026-01-13 11:05", single(SESSION))
    assert desk.tick("2026-01-13 11:05").written == 0


def test_whoever_is_silent_is_asked_once_more_before_the_window_closes(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.tick(ASKED)
    desk.confirm(desk.duo.mentor, "2026-01-14 09:00")
    desk.tick("2026-01-15 11:30")
    desk.tick("2026-01-16 10:30")
    assert [letter.recipient for letter in desk.letters()][2:] == ["ben@example.com"]


def test_a_late_question_and_its_last_call_are_one(desk: Desk) -> None:
    desk.read("2026-01-16 09:00", single(SESSION))
    desk.tick("2026-01-16 09:00")
    assert text_of(desk.letters()[0].message).count("Did you and ben meet") == 1


def test_the_night_is_left_alone(desk: Desk) -> None:
    desk.set_person(desk.duo.mentor, timezone="Asia/Tokyo")  # 20:45 there
    desk.read("2026-01-13 11:30", single(SESSION))
    assert desk.tick(ASKED).later == 1
    assert [letter.recipient for letter in desk.letters()] == ["ben@example.com"]
    desk.tick("2026-01-13 23:00")  # eight in the morning
    assert [letter.recipient for letter in desk.letters()] == ["ben@example.com", "ana@example.com"]


def test_leave_is_left_alone(desk: Desk) -> None:
    with desk.store.write() as db:
        day = instant(SESSION).date()
        leave = Absence(
            person_id=desk.duo.mentor, starts_on=day, ends_on=day, kind="leave", created_at=instant(SESSION)
        )
        db.add(leave)
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.tick(ASKED)
    assert [letter.recipient for letter in desk.letters()] == ["ben@example.com"]
    desk.tick("2026-01-14 08:00")
    assert len(desk.letters()) == 2


def test_whoever_wants_peace_has_it(desk: Desk) -> None:
    desk.set_person(desk.duo.mentor, nudges_off_at=instant("2026-01-01 00:00"))
    desk.set_person(desk.duo.mentee, snoozed_until=instant("2026-01-15 00:00"))
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.tick(ASKED)
    assert desk.letters() == []
    desk.tick("2026-01-15 08:00")
    assert [letter.recipient for letter in desk.letters()] == ["ben@example.com"]


def test_a_fourth_letter_waits_for_its_week(desk: Desk) -> None:
    days = ("12", "13", "14", "15")
    for day in days:
        desk.read(f"2026-01-{day} 11:30", *[single(f"2026-01-{d} 10:00", f"{d}@x") for d in days if d <= day])
        with desk.store.write() as db:
            # She is there every day, so nothing of it fades.
            db.add(
                AuditEntry(
                    at=instant(f"2026-01-{day} 11:40"),
                    actor_id=desk.duo.mentor,
                    via="site",
                    act="goal.added",
                    subject="goal:1",
                )
            )
        desk.tick(f"2026-01-{day} 11:45")
    to_ana = [letter for letter in desk.letters() if letter.recipient == "ana@example.com"]
    assert [f"{letter.created_at:%d}" for letter in to_ana] == ["12", "13", "14"]


def test_whoever_lets_letters_pass_gets_one_a_week(desk: Desk) -> None:
    for day in ("05", "06", "07", "13"):
        desk.read(f"2026-01-{day} 11:30", single(f"2026-01-{day} 10:00", f"{day}@x"))
        desk.tick(f"2026-01-{day} 11:45")
    to_ben = [letter for letter in desk.letters() if letter.recipient == "ben@example.com"]
    # The three of the first week went by unanswered: of the fourth, on the 13th, only the 14th is left.
    assert [f"{letter.created_at:%d}" for letter in to_ben] == ["05", "06", "07"]
    desk.tick("2026-01-14 11:45")
    assert len([x for x in desk.letters() if x.recipient == "ben@example.com"]) == 4


def test_all_that_is_due_goes_into_one_letter(desk: Desk) -> None:
    desk.read("2026-01-22 09:00", single("2026-01-22 07:00"))
    desk.tick("2026-01-22 09:00")
    (to_ana, _) = desk.letters()
    assert subject_of(to_ana.message) == "2 short things about your mentoring"


def test_a_pair_without_a_date_is_offered_times(desk: Desk) -> None:
    desk.times = (suggestion("2026-01-15 10:00"), suggestion("2026-01-16 14:00"))
    desk.read(TWO_THIRDS)
    desk.tick(TWO_THIRDS)
    said = text_of(desk.letters()[0].message)
    assert "Times that suit you both:" in said
    assert "Thursday 15 January, 10:00–10:45" in said
    token = next(line for line in said.splitlines() if "/letter/" in line).rpartition("/")[2]
    link = read_letter_link(desk.settings, token, instant(TWO_THIRDS))
    assert (link.purpose, link.row) == (Purpose.BOOK, desk.duo.pair)


def test_times_that_are_not_sure_are_said_to_be_so(desk: Desk) -> None:
    desk.times = (suggestion("2026-01-15 10:00", is_sure=False),)
    desk.read(TWO_THIRDS)
    desk.tick(TWO_THIRDS)
    assert "we could not see ben's whole calendar" in " ".join(text_of(desk.letters()[0].message).split())


def test_a_letter_that_was_overtaken_is_not_written(desk: Desk) -> None:
    desk.read(TWO_THIRDS)
    desk.notice(TWO_THIRDS)
    desk.read("2026-01-14 09:05", single("2026-01-16 10:00"))
    desk.notice("2026-01-14 09:05")
    desk.mail("2026-01-14 09:05")
    assert desk.letters() == []


def test_a_letter_that_is_overtaken_while_times_are_looked_for_is_not_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def book(_pair: int, person_id: int, now: datetime) -> tuple[()]:
        if person_id == desk.duo.mentor:
            with desk.store.write() as db:
                mine = update(Nudge).where(Nudge.person_id == person_id)
                db.execute(mine.values(due_at=None, closed_at=now))
        return ()

    desk.read(TWO_THIRDS)
    desk.notice(TWO_THIRDS)
    monkeypatch.setattr(desk, "_suggest", book)

    assert desk.mail(TWO_THIRDS).written == 1
    assert [letter.recipient for letter in desk.letters()] == ["ben@example.com"]


def test_whoever_is_asked_to_stop_leaves_the_rest_for_the_next_round(desk: Desk) -> None:
    def stop(_done: int, _total: int) -> None:
        raise Stopping

    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice(ASKED)
    with pytest.raises(Stopping):
        mail_nudges(desk, lambda *_: (), instant(ASKED), stop)

    assert desk.letters() == []
    assert desk.mail(ASKED).written == 2


def test_ten_days_of_standstill_bring_no_flood(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:30")
    desk.read("2026-01-23 11:30", single(SESSION))
    desk.tick("2026-01-23 11:30")
    assert len(desk.letters()) <= 2
    assert all("Did you and" not in subject_of(letter.message) for letter in desk.letters())


def test_a_letter_that_can_not_be_written_stops_no_other(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.set_person(desk.duo.mentor, timezone="Mars/Olympus")
    desk.notice(ASKED)
    assert desk.mail(ASKED).written == 1
    assert [letter.recipient for letter in desk.letters()] == ["ben@example.com"]
    assert "could not be reminded" in caplog.text
    desk.set_person(desk.duo.mentor, timezone="UTC")
    assert desk.mail("2026-01-13 11:50").written == 0  # it may fail again, and is not tried all the time
    assert desk.mail("2026-01-13 11:55").written == 1


def test_the_shares_together_are_everybody_once(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice(ASKED)
    shares = [
        mail_nudges(desk, lambda *_: (), instant(ASKED), share=share).written for share in range(SHARES)
    ]
    assert (sum(shares), max(shares)) == (2, 1)
