"""The same hour, noted down twice."""

from __future__ import annotations

import pytest

from tests.tracker.world import Duo, World, cancel, full, instant, make_duo, series, single
from tracker.errors import NotAllowed
from tracker.models import Person
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.twins import Twins, answer_twins, list_twins
from tracker.store import Store

FIRST = "2026-02-01 08:00"
ACT = Act(None, "site", instant("2026-02-04 09:00"))
EVENT = single("2026-02-09 10:00")


@pytest.fixture
def duo(store: Store, vault: Vault) -> Duo:
    return make_duo(World(store, vault))


def asked(duo: Duo) -> list[Twins]:
    with duo.world.store.read() as db:
        return list_twins(db, db.get_one(Person, duo.mentee))


def note_down_twice(duo: Duo, count: int = 1) -> Twins:
    duo.sync(full(*series("2026-02-09 10:00", count, uid="mine@a", attendees=())), FIRST)
    duo.sync_other(full(*series("2026-02-09 10:00", count, uid="mine@b", attendees=())), FIRST)
    (question,) = asked(duo)
    return question


def test_two_series_at_the_same_hours_are_one_question(duo: Duo) -> None:
    assert len(note_down_twice(duo, 3).session_ids) == 3


def test_twins_that_are_the_same_become_one(duo: Duo) -> None:
    question = note_down_twice(duo, 3)
    with duo.world.store.write() as db:
        by = db.get_one(Person, duo.mentor)
        answer_twins(db, question.session_ids, same=True, by=by, act=ACT)

    assert len(duo.evidence.sessions) == 3
    assert asked(duo) == []


def test_twins_that_are_not_the_same_are_not_asked_about_again(duo: Duo) -> None:
    question = note_down_twice(duo)
    with duo.world.store.write() as db:
        by = db.get_one(Person, duo.mentor)
        answer_twins(db, question.session_ids, same=False, by=by, act=ACT)

    assert len(duo.evidence.sessions) == 2
    assert asked(duo) == []


def test_a_cancelled_session_is_nobodys_twin(duo: Duo) -> None:
    again = single("2026-02-09 10:00", uid="again@x")
    duo.sync(full(cancel(EVENT, "2026-01-20 10:00"), again), FIRST)

    assert asked(duo) == []


def test_nobody_answers_for_twins_of_others(duo: Duo) -> None:
    question = note_down_twice(duo)
    stranger = duo.world.person("x@example.com")
    with duo.world.store.write() as db:
        by = db.get_one(Person, stranger)
        with pytest.raises(NotAllowed):
            answer_twins(db, question.session_ids, same=True, by=by, act=ACT)
