"""From ledgers to nudges."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.tracker.services.nudges.desk import Desk
from tests.tracker.world import World, cancel, full, instant, make_duo, single
from tracker.models import Nudge, Person, Session
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.settle import absorb_session
from tracker.services.twins import answer_twins
from tracker.store import Store

# The pair meets every two weeks from Monday 5 January 2026; the first period closes on the 22nd.
SESSION = "2026-01-13 10:00"
TWO_THIRDS = "2026-01-14 08:00"


@pytest.fixture
def desk(store: Store, vault: Vault) -> Desk:
    return Desk(make_duo(World(store, vault)))


def about(desk: Desk, kind: str) -> set[tuple[int, str]]:
    return {(person, name) for person, of, name in desk.nudges() if of == kind}


def count(desk: Desk) -> int:
    with desk.store.read() as db:
        return db.scalar(select(func.count()).select_from(Nudge)) or 0


def test_both_are_asked_after_a_session(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:30")
    first = {(desk.duo.mentor, "session:1"), (desk.duo.mentee, "session:1")}
    assert first <= about(desk, "confirm")


def test_nobody_is_asked_before_the_session_ended(desk: Desk) -> None:
    desk.read("2026-01-13 10:30", single(SESSION))
    desk.notice("2026-01-13 10:30")
    assert about(desk, "confirm") == set()


def test_whoever_has_spoken_is_not_asked(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.confirm(desk.duo.mentor, "2026-01-13 11:40")
    desk.notice("2026-01-13 11:41")
    assert {person for person, _ in about(desk, "confirm")} == {desk.duo.mentee}


def test_a_question_comes_to_nothing_once_it_is_answered(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:31")
    for person in (desk.duo.mentor, desk.duo.mentee):
        desk.confirm(person, "2026-01-13 11:40")
    report = desk.notice("2026-01-13 11:41")
    assert report.closed == 4
    assert desk.nudges() == []


def test_a_question_comes_back_where_the_answer_is_taken_back(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:31")
    before = desk.nudges()
    desk.read("2026-01-13 11:40", cancel(single(SESSION), "2026-01-13 09:00"))
    desk.notice("2026-01-13 11:40")
    assert about(desk, "confirm") == set()
    desk.read("2026-01-13 11:50", single(SESSION))
    desk.notice("2026-01-13 11:50")
    assert desk.nudges() == before


def test_a_pair_without_a_date_is_reminded_when_two_thirds_have_passed(desk: Desk) -> None:
    desk.read("2026-01-13 08:00")
    desk.notice("2026-01-13 08:00")
    assert desk.nudges() == []
    desk.read(TWO_THIRDS)
    desk.notice(TWO_THIRDS)
    assert about(desk, "plan") == {
        (desk.duo.mentor, "period:1/2026-01-05"),
        (desk.duo.mentee, "period:1/2026-01-05"),
    }


def test_a_pair_with_a_date_is_left_alone(desk: Desk) -> None:
    desk.read(TWO_THIRDS, single("2026-01-16 10:00"))
    desk.notice(TWO_THIRDS)
    assert desk.nudges() == []


def test_nobody_is_told_that_nothing_is_planned_where_the_calendar_could_not_be_read(desk: Desk) -> None:
    desk.read("2026-01-06 08:00")
    desk.notice("2026-01-14 08:00")
    assert desk.nudges() == []


def test_a_miss_is_told_to_both(desk: Desk) -> None:
    desk.read("2026-01-22 06:00")
    desk.notice("2026-01-22 06:00")
    assert about(desk, "missed") == {
        (desk.duo.mentor, "period:1/2026-01-05"),
        (desk.duo.mentee, "period:1/2026-01-05"),
    }


def test_a_miss_of_long_ago_is_not_told(desk: Desk) -> None:
    # The first review finds two periods in the past; only the second ended a moment ago.
    desk.read("2026-02-05 06:00")
    desk.notice("2026-02-05 06:00")
    assert {name for _, name in about(desk, "missed")} == {"period:1/2026-01-19"}


def test_unknown_is_no_miss(desk: Desk) -> None:
    desk.notice("2026-01-22 06:00")
    assert desk.nudges() == []


def test_looking_twice_adds_nothing(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:31")
    before = count(desk)
    again = desk.notice("2026-01-13 11:32")
    assert (again.pairs, count(desk)) == (0, before)


def test_a_pair_is_looked_at_after_each_review_and_not_else(desk: Desk) -> None:
    desk.read("2026-01-06 08:00")
    assert desk.notice("2026-01-06 08:01").pairs == 1
    assert desk.notice("2026-01-06 08:02").pairs == 0


def test_a_session_that_takes_the_place_of_an_absorbed_one_is_asked_about(desk: Desk) -> None:
    mine, theirs = (single(SESSION, uid, attendees=()) for uid in ("mine@a", "mine@b"))
    desk.duo.sync(full(mine), "2026-01-05 10:00")
    desk.duo.sync_other(full(theirs), "2026-01-05 10:00")
    desk.tick("2026-01-13 11:45")
    assert len(desk.letters()) == 2
    with desk.store.write() as db:
        act = Act(desk.duo.mentor, "site", instant("2026-01-13 12:00"))
        by = db.get_one(Person, desk.duo.mentor)
        answer_twins(db, [(1, 2)], same=True, by=by, act=act)
    later = single("2026-01-14 10:00", "new@a", attendees=())
    desk.duo.sync(full(mine, later), "2026-01-13 13:00")
    desk.notice("2026-01-14 11:45")
    # Both are asked about the new session, which on SQLite has the id of the one that is no more; what was
    # asked about that one is known of the one that it became, so that nobody is asked of it again.
    with desk.store.read() as db:
        newest = db.scalar(select(func.max(Session.id)))
    asked = {name for _, name in about(desk, "confirm")}
    assert {f"session:{newest}", f"session:{newest}/again"} <= asked
    assert "session:1" not in asked


def test_no_question_is_lost_or_doubled_when_two_sessions_become_one(desk: Desk) -> None:
    desk.read("2026-01-13 11:30", single(SESSION))
    desk.notice("2026-01-13 11:45")
    other = Session(
        pair_id=desk.duo.pair,
        starts_at=instant("2026-01-14 10:00"),
        ends_at=instant("2026-01-14 11:00"),
        created_at=instant(SESSION),
    )
    with desk.store.write() as db:
        one = db.scalars(select(Session)).one()
        one.distinct_from = [77]
        db.add(other)
        db.flush()
        known = Session(
            pair_id=one.pair_id,
            starts_at=other.starts_at,
            ends_at=other.ends_at,
            created_at=other.created_at,
            distinct_from=[other.id],
        )
        db.add(known)
        rows = db.scalars(select(Nudge).where(Nudge.about == f"session:{one.id}")).all()
        fields = {"pair_id": one.pair_id, "kind": rows[0].kind, "created_at": rows[0].created_at}
        for person_id, name in ((desk.duo.mentor, f"session:{other.id}"), (desk.duo.mentee, "session:9")):
            db.add(Nudge(person_id=person_id, about=name, expires_at=rows[0].expires_at, **fields))
        db.flush()
        absorb_session(db, one, other)
        db.expire_all()
        assert known.distinct_from == [one.id]
        assert one.distinct_from == [77]
        names = db.scalars(select(Nudge.about).where(Nudge.kind == rows[0].kind)).all()
    assert sorted(names) == ["session:1", "session:1", "session:1/again", "session:1/again", "session:9"]
