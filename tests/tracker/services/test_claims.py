"""Claims: each row goes to one, comes back if its owner died, and does not kill for ever."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from tests.tracker.world import Duo, World, full, instant, make_duo
from tracker.ledger import Evidence, Ledger, judge
from tracker.models import Calendar, Pair
from tracker.ports import Vault
from tracker.services.claims import (
    CALENDARS,
    MOST_CLAIMS,
    PAIRS,
    REST,
    Kind,
    Stopping,
    claim_due,
    claim_one,
    give_back,
)
from tracker.services.review import review_claimed, touch_pairs
from tracker.services.sync import sync_due
from tracker.store import Store

NOW = instant("2026-03-02 09:00")


@pytest.fixture
def duo(store: Store, vault: Vault) -> Duo:
    return make_duo(World(store, vault))


def _crowd(world: World, calendars: int) -> list[int]:
    return [world.calendar(world.person(f"p{number}@example.com")) for number in range(calendars)]


def _claims(store: Store, calendar_id: int) -> int:
    with store.read() as db:
        return db.get_one(Calendar, calendar_id).claims


def test_ten_who_claim_at_once_share_what_is_due(store: Store, vault: Vault) -> None:
    ids = _crowd(World(store, vault), 60)
    with ThreadPoolExecutor(10) as pool:
        claims = list(pool.map(lambda _: claim_due(store, CALENDARS, NOW, 6), range(10)))
    got = Counter(calendar for claim in claims for calendar in claim.ids)
    assert set(got) <= set(ids)
    assert set(got.values()) == {1}
    rest = claim_due(store, CALENDARS, NOW, 60)
    assert len(got) + len(rest.ids) == 60


def test_it_says_whether_more_is_due(store: Store, vault: Vault) -> None:
    _crowd(World(store, vault), 3)
    assert not claim_due(store, CALENDARS, NOW, 2).is_last
    assert claim_due(store, CALENDARS, NOW, 2).is_last
    assert claim_due(store, CALENDARS, NOW, 2).ids == []


def test_what_a_dead_process_had_claimed_is_due_again_and_then_goes_alone(duo: Duo) -> None:
    store = duo.world.store
    assert claim_due(store, CALENDARS, NOW, 9).ids == [duo.calendar, duo.other]
    assert claim_due(store, CALENDARS, NOW + CALENDARS.lease / 2, 9).ids == []
    after = NOW + CALENDARS.lease
    assert claim_due(store, CALENDARS, after, 9).ids == [duo.calendar]
    assert claim_due(store, CALENDARS, after, 9).ids == [duo.other]


@pytest.mark.parametrize("kind", [CALENDARS, PAIRS], ids=lambda kind: kind.name)
def test_what_kills_its_process_is_left_for_hours(
    duo: Duo, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    store, now, begun = duo.world.store, NOW, 0
    with caplog.at_level(logging.ERROR):
        while now < NOW + REST:
            begun += duo.pair in claim_due(store, kind, now, 1).ids
            now += kind.lease
    assert begun <= MOST_CLAIMS + 1
    assert "never ended" in caplog.text
    with store.read() as db:
        due_at = db.scalar(select(kind.due_at).where(kind.id == duo.pair))
    assert due_at is not None
    assert due_at > now


def test_a_reading_that_ends_clears_what_was_thought_of_the_calendar(duo: Duo) -> None:
    world = duo.world
    for calendar in (duo.calendar, duo.other):
        world.source(calendar).script.append(full())
    sync_due(world, NOW)
    assert (_claims(world.store, duo.calendar), _claims(world.store, duo.other)) == (0, 0)


def test_a_reading_that_fails_ends_too(duo: Duo) -> None:
    duo.world.source(duo.calendar).script.append(RuntimeError())
    duo.world.source(duo.other).script.append(full())
    sync_due(duo.world, NOW)
    assert _claims(duo.world.store, duo.calendar) == 0


def test_a_process_that_is_asked_to_end_gives_back_what_it_did_not_read(duo: Duo) -> None:
    for calendar in (duo.calendar, duo.other):
        duo.world.source(calendar).script.append(full())

    def stop(_done: int, _of: int) -> None:
        raise Stopping

    with pytest.raises(Stopping):
        sync_due(duo.world, NOW, stop)
    (left,) = claim_due(duo.world.store, CALENDARS, NOW, 9).ids
    assert left in (duo.calendar, duo.other)
    assert _claims(duo.world.store, left) == 1


def test_one_calendar_is_claimed_by_its_number_once(duo: Duo) -> None:
    store = duo.world.store
    assert claim_one(store, CALENDARS, duo.other, NOW)
    assert not claim_one(store, CALENDARS, duo.other, NOW)
    give_back(store, CALENDARS, [duo.other], NOW)
    assert claim_one(store, CALENDARS, duo.other, NOW)


def test_a_pair_that_changes_while_it_is_judged_is_not_suspected(duo: Duo) -> None:
    store = duo.world.store
    claim = claim_due(store, PAIRS, NOW, 9)
    with store.write() as db:
        touch_pairs(db, [duo.pair], NOW + timedelta(seconds=1))
    review_claimed(store, claim.ids, NOW + timedelta(seconds=1))
    with store.read() as db:
        assert db.get_one(Pair, duo.pair).claims == 0


def test_a_pair_that_can_not_be_judged_stops_no_other(
    duo: Duo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = duo.world
    other = world.pair(world.program("Other"), duo.mentor, duo.mentee)

    def fails(evidence: Evidence, *, now: datetime) -> Ledger:
        if evidence.pair == f"p-{duo.pair}":
            raise ValueError("Private words")
        return judge(evidence, now=now)

    monkeypatch.setattr("tracker.services.review.judge", fails)
    claim = claim_due(world.store, PAIRS, NOW, 9)
    report = review_claimed(world.store, claim.ids, NOW)
    assert (sorted(claim.ids), report.pairs) == (sorted([duo.pair, other]), 1)
    assert f"pair {duo.pair}: could not be judged: ValueError" in caplog.text
    assert "Private" not in caplog.text
    with world.store.read() as db:
        claims = dict(db.execute(select(Pair.id, Pair.claims)).all())
        assert claims == {duo.pair: 1, other: 0}
