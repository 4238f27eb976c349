"""What the two are asked, and what their answers do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.tracker.world import (
    Duo,
    World,
    as_attendee,
    cancel,
    delta,
    full,
    instant,
    make_duo,
    series,
    single,
)
from tracker.errors import BadInput, NotAllowed
from tracker.events import TagRule
from tracker.ledger import Side, Status
from tracker.models import AuditEntry, Copy, Person, Session, Standing, Statement
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.questions import (
    Question,
    Suggested,
    Vanished,
    WhichPair,
    answer_suggestion,
    choose_pair,
    list_questions,
    say_called_off,
    say_moved,
    say_stands,
)
from tracker.store import Store

FIRST = "2026-02-01 08:00"
SECOND = "2026-02-02 08:00"
SOON = "2026-02-03 08:00"
LATER = "2026-02-04 09:00"  # more than 48 hours after the second reading
ACT = Act(None, "site", instant(LATER))
EVENT = single("2026-02-09 10:00")


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    return World(store, vault)


@pytest.fixture
def duo(world: World) -> Duo:
    return make_duo(world)


def asked(duo: Duo, person_id: int, at: str = LATER) -> list[Question]:
    with duo.world.store.read() as db:
        return list_questions(db, db.get_one(Person, person_id), instant(at))


def statuses(duo: Duo) -> list[list[Status]]:
    return [[o.status for o in session.observations] for session in duo.evidence.sessions]


def only_session(duo: Duo) -> int:
    with duo.world.store.read() as db:
        return db.scalars(select(Session.id)).one()


# --- which pair ---


@pytest.fixture
def second_pair(duo: Duo) -> int:
    return duo.world.pair(duo.world.program("Other"), duo.mentor, duo.world.person("cleo@example.com"))


def test_a_series_that_could_be_of_several_pairs_is_one_question(duo: Duo, second_pair: int) -> None:
    duo.sync(full(*series("2026-02-09 10:00", 3, attendees=())), FIRST)

    (question,) = asked(duo, duo.mentor)

    assert isinstance(question, WhichPair)
    assert (question.count, question.pair_ids) == (3, (duo.pair, second_pair))
    assert asked(duo, duo.mentee) == []


def test_the_pair_that_was_chosen_has_the_sessions(duo: Duo, second_pair: int) -> None:
    duo.sync(full(*series("2026-02-09 10:00", 3, attendees=())), FIRST)
    (question,) = asked(duo, duo.mentor)
    assert isinstance(question, WhichPair)

    with duo.world.store.write() as db:
        choose_pair(db, question.copy_id, second_pair, by=db.get_one(Person, duo.mentor), act=ACT)

    assert len(duo.world.evidence(second_pair).sessions) == 3
    assert duo.evidence.sessions == ()
    assert asked(duo, duo.mentor) == []


def test_an_answer_holds_for_what_comes_later_in_the_series(duo: Duo, second_pair: int) -> None:
    events = series("2026-02-09 10:00", 4, attendees=())
    duo.sync(full(*events[:3]), FIRST)
    (question,) = asked(duo, duo.mentor)
    assert isinstance(question, WhichPair)
    with duo.world.store.write() as db:
        choose_pair(db, question.copy_id, second_pair, by=db.get_one(Person, duo.mentor), act=ACT)

    duo.sync(full(*events), SECOND)

    assert len(duo.world.evidence(second_pair).sessions) == 4


def test_what_the_other_calendar_tells_needs_no_question(duo: Duo, second_pair: int) -> None:
    event = single("2026-02-09 10:00", attendees=())
    duo.sync(full(event), FIRST)
    duo.sync_other(full(as_attendee(EVENT)), FIRST)

    assert asked(duo, duo.mentor) == []
    assert len(duo.evidence.sessions) == 1


def test_nobody_chooses_for_somebody_else(duo: Duo, second_pair: int) -> None:
    duo.sync(full(single("2026-02-09 10:00", attendees=())), FIRST)
    with duo.world.store.write() as db:
        copy_id = db.scalars(select(Copy.id)).one()
        with pytest.raises(NotAllowed):
            choose_pair(db, copy_id, duo.pair, by=db.get_one(Person, duo.mentee), act=ACT)


def test_nobody_gives_a_session_to_a_pair_of_others(duo: Duo, second_pair: int) -> None:
    others = duo.world.pair(
        duo.world.program("Third"), duo.world.person("x@example.com"), duo.world.person("y@example.com")
    )
    duo.sync(full(single("2026-02-09 10:00", attendees=())), FIRST)
    with duo.world.store.write() as db:
        copy_id = db.scalars(select(Copy.id)).one()
        with pytest.raises(NotAllowed):
            choose_pair(db, copy_id, others, by=db.get_one(Person, duo.mentor), act=ACT)


# --- suggestions ---

SUGGESTED = series("2026-02-09 10:00", 3, tag_rule=TagRule.SUGGESTED)


@pytest.mark.parametrize("counts", [True, False])
def test_a_suggested_series_is_one_question_and_one_answer(duo: Duo, *, counts: bool) -> None:
    duo.sync(full(*SUGGESTED), FIRST)
    (question,) = asked(duo, duo.mentee)
    assert isinstance(question, Suggested)

    with duo.world.store.write() as db:
        by = db.get_one(Person, duo.mentee)
        answer_suggestion(db, question.session_ids, counts=counts, by=by, act=ACT)

    assert len(duo.evidence.sessions) == (3 if counts else 0)
    assert asked(duo, duo.mentor) == asked(duo, duo.mentee) == []


@pytest.mark.parametrize("counts", [True, False])
def test_an_answer_holds_for_what_is_suggested_later_in_the_series(duo: Duo, *, counts: bool) -> None:
    duo.sync(full(*SUGGESTED[:2]), FIRST)
    (question,) = asked(duo, duo.mentee)
    assert isinstance(question, Suggested)
    with duo.world.store.write() as db:
        by = db.get_one(Person, duo.mentee)
        answer_suggestion(db, question.session_ids, counts=counts, by=by, act=ACT)

    duo.sync(full(*SUGGESTED), SECOND)

    assert len(duo.evidence.sessions) == (3 if counts else 0)
    assert asked(duo, duo.mentee) == []


def test_a_dismissed_suggestion_stays_dismissed(duo: Duo) -> None:
    duo.sync(full(SUGGESTED[0]), FIRST)
    with duo.world.store.write() as db:
        by = db.get_one(Person, duo.mentor)
        answer_suggestion(db, [only_session_of(db)], counts=False, by=by, act=ACT)

    duo.sync(delta(replace(SUGGESTED[0], version="new")), SECOND)

    with duo.world.store.read() as db:
        assert db.scalars(select(Session)).one().standing is Standing.DISMISSED


def only_session_of(db: object) -> int:
    return db.scalars(select(Session.id)).one()  # type: ignore[attr-defined, no-any-return]


def test_nobody_answers_for_a_pair_of_others(duo: Duo) -> None:
    stranger = duo.world.person("x@example.com")
    duo.sync(full(SUGGESTED[0]), FIRST)
    with duo.world.store.write() as db:
        by = db.get_one(Person, stranger)
        with pytest.raises(NotAllowed):
            answer_suggestion(db, [only_session_of(db)], counts=True, by=by, act=ACT)


@pytest.mark.parametrize("becomes", [Standing.COUNTED, Standing.DISMISSED])
def test_what_is_suggested_no_longer_is_refused_and_nothing_changes(duo: Duo, becomes: Standing) -> None:
    duo.sync(full(*SUGGESTED), FIRST)
    (question,) = asked(duo, duo.mentee)
    assert isinstance(question, Suggested)
    with duo.world.store.write() as db:
        db.get_one(Session, question.session_ids[-1]).standing = becomes

    with duo.world.store.write() as db:
        by = db.get_one(Person, duo.mentee)
        with pytest.raises(BadInput):
            answer_suggestion(db, question.session_ids, counts=becomes is Standing.DISMISSED, by=by, act=ACT)

    with duo.world.store.read() as db:
        standings = db.scalars(select(Session.standing).order_by(Session.id)).all()
    assert standings == [Standing.SUGGESTED, Standing.SUGGESTED, becomes]


# --- what vanished ---


def vanish(duo: Duo) -> int:
    duo.sync(full(EVENT), FIRST)
    duo.sync(full(), SECOND)
    return only_session(duo)


def test_a_vanished_entry_is_asked_about_after_two_days(duo: Duo) -> None:
    session = vanish(duo)

    assert asked(duo, duo.mentor, SOON) == []
    for person in (duo.mentor, duo.mentee):
        (question,) = asked(duo, person)
        assert isinstance(question, Vanished)
        assert (question.session_id, question.gone_at) == (session, instant(SECOND))


def test_an_entry_that_came_back_is_not_asked_about(duo: Duo) -> None:
    vanish(duo)
    duo.sync(full(EVENT), SOON)

    assert asked(duo, duo.mentor) == []


def test_an_entry_that_is_on_another_calendar_now_is_not_asked_about(duo: Duo) -> None:
    from tracker.models import Provider

    vanish(duo)
    duo.world.sync(duo.world.calendar(duo.mentor, Provider.OUTLOOK), full(EVENT), SECOND)

    assert asked(duo, duo.mentor) == []


def test_an_invited_copy_that_is_gone_is_not_asked_about(duo: Duo) -> None:
    duo.sync(full(EVENT), FIRST)
    duo.sync_other(full(as_attendee(EVENT)), FIRST)
    duo.sync_other(full(), SECOND)

    assert asked(duo, duo.mentee) == []


def test_the_organisers_copy_that_is_gone_is_asked_about(duo: Duo) -> None:
    duo.sync(full(EVENT), FIRST)
    duo.sync_other(full(as_attendee(EVENT)), FIRST)
    duo.sync(full(), SECOND)

    assert len(asked(duo, duo.mentee)) == 1


def test_what_the_other_copy_shows_as_cancelled_is_not_asked_about(duo: Duo) -> None:
    duo.sync(full(EVENT), FIRST)
    duo.sync_other(full(as_attendee(EVENT)), FIRST)
    duo.sync(full(), SECOND)
    duo.sync_other(delta(as_attendee(cancel(EVENT, "2026-02-01 20:00"))), SECOND)

    assert asked(duo, duo.mentor) == []


def test_an_entry_that_left_after_the_session_is_not_asked_about(duo: Duo) -> None:
    duo.sync(full(EVENT), FIRST)
    duo.sync(full(), "2026-02-10 08:00")

    assert asked(duo, duo.mentor, "2026-02-20 08:00") == []


def test_a_session_that_somebody_spoke_of_is_not_asked_about(duo: Duo) -> None:
    session = vanish(duo)
    with duo.world.store.write() as db:
        db.add(Statement(session_id=session, side="mentor", at=instant(SOON), held=True, via="site"))

    assert asked(duo, duo.mentor) == []


def test_called_off_is_cancelled_since_it_vanished(duo: Duo) -> None:
    session = vanish(duo)
    with duo.world.store.write() as db:
        say_called_off(db, session, Side.MENTEE, by=db.get_one(Person, duo.mentor), act=ACT)

    last = duo.evidence.sessions[0].observations[-1]
    assert (last.at, last.status, last.cancelled_by) == (instant(SECOND), Status.CANCELLED, Side.MENTEE)
    assert asked(duo, duo.mentor) == []


def test_an_entry_that_comes_back_after_all_stands(duo: Duo) -> None:
    session = vanish(duo)
    with duo.world.store.write() as db:
        say_called_off(db, session, None, by=db.get_one(Person, duo.mentor), act=ACT)

    duo.sync(full(EVENT), "2026-02-05 08:00")

    assert statuses(duo) == [[Status.CONFIRMED, Status.CANCELLED, Status.CONFIRMED]]


def test_what_stands_is_not_asked_about_again(duo: Duo) -> None:
    session = vanish(duo)
    with duo.world.store.write() as db:
        say_stands(db, session, by=db.get_one(Person, duo.mentee), act=ACT)

    assert statuses(duo) == [[Status.CONFIRMED]]
    assert asked(duo, duo.mentor, "2026-02-08 08:00") == []


def test_what_moved_is_one_session_with_its_past(duo: Duo) -> None:
    duo.sync(full(EVENT), FIRST)
    created = instant("2026-02-02 07:00")
    elsewhere = single("2026-02-11 10:00", uid="new@x", created_at=created, updated_at=created)
    duo.sync(full(elsewhere), SECOND)
    (question,) = asked(duo, duo.mentor)
    assert isinstance(question, Vanished)

    with duo.world.store.write() as db:
        by = db.get_one(Person, duo.mentor)
        say_moved(db, question.session_id, question.moved_to[0], by=by, act=ACT)

    (session,) = duo.evidence.sessions
    assert [o.starts_at for o in session.observations] == [EVENT.start, elsewhere.start]
    assert asked(duo, duo.mentor) == []
    with duo.world.store.read() as db:
        assert db.scalars(select(Session)).one().starts_at == elsewhere.start


def test_nothing_is_answered_that_was_not_asked(duo: Duo) -> None:
    duo.sync(full(EVENT), FIRST)
    with duo.world.store.write() as db, pytest.raises(BadInput):
        say_called_off(db, only_session_of(db), None, by=db.get_one(Person, duo.mentor), act=ACT)


def test_strangers_answer_nothing(duo: Duo) -> None:
    session = vanish(duo)
    stranger = duo.world.person("x@example.com")
    with duo.world.store.write() as db, pytest.raises(NotAllowed):
        say_stands(db, session, by=db.get_one(Person, stranger), act=ACT)


def test_answers_are_on_record(duo: Duo) -> None:
    session = vanish(duo)
    with duo.world.store.write() as db:
        say_called_off(db, session, Side.MENTOR, by=db.get_one(Person, duo.mentor), act=ACT)

    with duo.world.store.read() as db:
        entry = db.scalars(select(AuditEntry)).one()
    assert (entry.act, entry.subject, entry.details) == (
        "session.called_off",
        f"session:{session}",
        {"side": "mentor"},
    )


def test_questions_come_in_order_of_their_sessions(duo: Duo) -> None:
    vanish(duo)
    early = single(EVENT.start - timedelta(days=3), uid="s@x", tag_rule=TagRule.SUGGESTED)
    duo.sync(full(early), SOON)

    assert [type(question) for question in asked(duo, duo.mentor)] == [Suggested, Vanished]
