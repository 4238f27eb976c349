"""Readings of a portion of calendars: noted together where nothing changed, and no one at another's cost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy import event as events
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as OrmSession

from tests.tracker.conftest import POSTGRESQL
from tests.tracker.world import JANUARY, World, delta, full, instant, series, single, unchanged
from tracker.errors import ConnectorError
from tracker.events import Pull
from tracker.models import Calendar, CalendarStatus, Copy, Pair, Provider
from tracker.ports import Vault
from tracker.services import sync
from tracker.services.audit import Act
from tracker.services.claims import CALENDARS, Stopping, claim_due, give_back
from tracker.services.connections import read_soon
from tracker.services.pulls import INTERNAL, MOST_RUNNING, Pulls, Reading
from tracker.services.review import note_readings, touch_pairs
from tracker.services.rhythm import GATHERING, hasten
from tracker.services.sync import Outcome, SyncResult, sync_all, sync_calendar, sync_due, sync_many
from tracker.store import Store

FIRST = instant("2026-02-01 08:00")
SECOND = instant("2026-02-02 08:00")


@dataclass
class Crowd:
    """Several who each have a calendar and are in a pair of their own; all calendars were read once."""

    world: World
    people: list[int]
    pairs: list[int]
    calendars: list[int]

    def script(self, *answers: Pull | Exception) -> None:
        """Let the calendars answer so, each with its own."""
        for calendar, answer in zip(self.calendars, answers, strict=False):
            self.world.source(calendar).script.append(answer)

    def sync(self, *answers: Pull | Exception) -> list[Outcome]:
        """Read all once more; tell how that went, in the order of the calendars."""
        self.script(*answers)
        return [result.outcome for result in sync_many(self.world, self.calendars, SECOND)]

    def row(self, number: int) -> Calendar:
        """Return the calendar of that number."""
        with self.world.store.read() as db:
            return db.get_one(Calendar, self.calendars[number])

    def change(self, number: int, **columns: object) -> None:
        """Change the calendar of that number."""
        with self.world.store.write() as db:
            db.execute(update(Calendar).where(Calendar.id == self.calendars[number]).values(columns))

    def while_read(self, number: int, deed: Callable[[], object]) -> None:
        """Have something done while that calendar is being read."""
        source = self.world.source(self.calendars[number])
        real = source.pull

        def slow(*asked: Any) -> Pull:
            deed()
            return real(*asked)

        source.pull = slow  # type: ignore[method-assign, assignment]


def make_crowd(world: World, count: int) -> Crowd:
    """Make so many."""
    program, crowd = world.program(), Crowd(world, [], [], [])
    for number in range(count):
        person, other = world.person(f"p{number}@example.com"), world.person(f"other{number}@example.com")
        crowd.people.append(person)
        crowd.pairs.append(world.pair(program, person, other))
        crowd.calendars.append(world.calendar(person))
    crowd.script(*[full(*series("2026-02-09 10:00", 2))] * count)
    sync_many(world, crowd.calendars, FIRST)
    return crowd


@pytest.fixture
def crowd(store: Store, vault: Vault) -> Crowd:
    """Four of them."""
    return make_crowd(World(store, vault), 4)


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Give the list of all that is said to the database meanwhile."""
    said: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    events.listen(engine, "before_cursor_execute", note)
    yield said
    events.remove(engine, "before_cursor_execute", note)


# --- together ---


def test_what_has_no_news_is_noted_of_all_at_once(crowd: Crowd) -> None:
    with statements(crowd.world.store.engine) as said:
        outcomes = crowd.sync(*[unchanged()] * 4)
    assert outcomes == [Outcome.UNCHANGED] * 4
    assert sum(statement.startswith("UPDATE calendars") for statement in said) in (1, 4)  # SQLite: a row each
    assert sum("FROM calendars JOIN people" in statement for statement in said) == 1
    assert {crowd.row(number).last_read_at for number in range(4)} == {SECOND}


@pytest.mark.parametrize(
    "answer", [unchanged(), full(*series("2026-02-09 10:00", 2))], ids=["told", "listed"]
)
def test_a_portion_asks_no_more_of_the_database_than_one_calendar(
    store: Store, vault: Vault, answer: Pull
) -> None:
    crowd = make_crowd(World(store, vault), 6)
    counts = []
    for calendars in (crowd.calendars[:1], crowd.calendars[1:]):
        crowd.script(*[answer] * 6)
        with statements(store.engine) as said:
            sync_many(crowd.world, calendars, SECOND)
        counts.append(sum(not each.startswith(("BEGIN", "SELECT copies.")) for each in said))
    assert counts[0] == counts[1]


def test_a_listing_that_says_the_same_is_noted_with_the_others(crowd: Crowd) -> None:
    listing = full(*series("2026-02-09 10:00", 2))
    assert crowd.sync(listing, unchanged(), listing, unchanged()) == [
        Outcome.READ,
        Outcome.UNCHANGED,
        Outcome.READ,
        Outcome.UNCHANGED,
    ]
    assert [crowd.row(number).kept for number in range(4)] == [2] * 4


def test_each_is_read_next_at_its_own_time(crowd: Crowd) -> None:
    crowd.sync(*[unchanged()] * 4)
    assert len({crowd.row(number).next_read_at for number in range(4)}) == 4


def test_a_cursor_that_changed_without_news_is_kept(crowd: Crowd) -> None:
    crowd.sync(unchanged(), unchanged("newer"), unchanged(), unchanged("newest"))
    crowd.sync(*[unchanged()] * 4)
    asked = [crowd.world.source(calendar).cursors[-1] for calendar in crowd.calendars]
    assert asked == ["after full", "newer", "after full", "newest"]


def test_all_pairs_that_wait_for_a_reading_are_due(crowd: Crowd) -> None:
    with crowd.world.store.write() as db:
        db.execute(update(Pair).values(review_due_at=None, awaits_reading=False))
        db.execute(update(Pair).where(Pair.id.in_(crowd.pairs[1:])).values(awaits_reading=True))
    crowd.sync(unchanged(), unchanged(), unchanged(), ConnectorError("no answer"))
    with crowd.world.store.read() as db:
        due = db.scalars(select(Pair.review_due_at).order_by(Pair.id)).all()
    assert due == [None, SECOND, SECOND, None]


# --- each for itself ---


def test_all_that_can_happen_happens_side_by_side(crowd: Crowd) -> None:
    world = crowd.world
    crowd.change(2, scope="another")
    crowd.while_read(0, lambda: crowd.change(0, status=CalendarStatus.DISCONNECTED))
    outcomes = crowd.sync(
        unchanged(), ConnectorError("no answer"), full(single("2026-02-09 10:00")), delta(cursor="on")
    )
    assert outcomes == [Outcome.NOT_NEEDED, Outcome.FAILED, Outcome.READ, Outcome.READ]
    assert (crowd.row(0).last_read_at, crowd.row(0).status) == (FIRST, CalendarStatus.DISCONNECTED)
    assert (crowd.row(1).last_read_at, crowd.row(1).failures) == (FIRST, 1)
    assert [crowd.row(number).last_read_at for number in (2, 3)] == [SECOND] * 2
    assert [len(world.source(calendar).cursors) for calendar in crowd.calendars] == [2] * 4


def test_one_that_holds_back_removals_holds_no_other(store: Store, vault: Vault) -> None:
    crowd = make_crowd(World(store, vault), 2)
    crowd.script(full(*series("2026-02-09 10:00", 12)))
    sync_many(crowd.world, crowd.calendars[:1], FIRST + timedelta(hours=1))
    assert crowd.sync(full(), unchanged()) == [Outcome.HELD, Outcome.UNCHANGED]
    assert crowd.row(0).removals_held > 0
    assert [crowd.row(number).last_read_at for number in (0, 1)] == [FIRST + timedelta(hours=1), SECOND]


def test_one_that_is_wished_for_while_it_is_read_is_read_again_soon(crowd: Crowd) -> None:
    def hear() -> None:
        with crowd.world.store.write() as db:
            hasten(db, [crowd.calendars[1]], SECOND)

    crowd.change(1, next_read_at=SECOND + timedelta(days=1))
    crowd.while_read(1, hear)
    crowd.sync(*[unchanged()] * 4)
    due = [crowd.row(number).next_read_at or JANUARY for number in range(4)]
    assert due[1] == SECOND + GATHERING
    assert min(due[0], *due[2:]) > SECOND + GATHERING


def test_one_that_was_read_by_another_meanwhile_is_left_alone(crowd: Crowd) -> None:
    later = SECOND + timedelta(minutes=1)
    crowd.while_read(2, lambda: crowd.change(2, last_read_at=later))
    outcomes = crowd.sync(*[unchanged()] * 4)
    assert outcomes == [Outcome.UNCHANGED, Outcome.UNCHANGED, Outcome.NOT_NEEDED, Outcome.UNCHANGED]
    assert crowd.row(2).last_read_at == later


def test_one_that_is_gone_is_left_out(crowd: Crowd) -> None:
    crowd.script(*[unchanged()] * 4)
    with crowd.world.store.write() as db:
        db.delete(db.get_one(Calendar, crowd.calendars[0]))
    results = sync_many(crowd.world, crowd.calendars, SECOND)
    assert [result.calendar_id for result in results] == crowd.calendars[1:]


def test_one_that_goes_while_it_is_read_stops_no_other(crowd: Crowd) -> None:
    def take_away() -> None:
        with crowd.world.store.write() as db:
            db.delete(db.get_one(Calendar, crowd.calendars[0]))

    crowd.while_read(0, take_away)
    assert crowd.sync(*[unchanged()] * 4) == [Outcome.NOT_NEEDED, *[Outcome.UNCHANGED] * 3]


def test_those_without_a_pair_are_put_off_together(store: Store, vault: Vault) -> None:
    world = World(store, vault)
    calendars = [world.calendar(world.person(f"{i}@example.com")) for i in range(3)]
    results = sync_due(world, FIRST)
    assert [result.outcome for result in results] == [Outcome.NOT_NEEDED] * 3
    with store.read() as db:
        rows = [db.get_one(Calendar, calendar) for calendar in calendars]
    assert {(row.next_read_at, row.claims) for row in rows} == {(FIRST + timedelta(days=1), 0)}


def test_two_calendars_of_one_person_are_read_by_what_each_allows(crowd: Crowd) -> None:
    second = crowd.world.calendar(crowd.people[0], Provider.OUTLOOK)
    crowd.change(0, reads_absences=True)
    crowd.script(unchanged())
    crowd.world.source(second).script.append(full())
    sync_many(crowd.world, [crowd.calendars[0], second], SECOND)
    sources = [crowd.world.source(calendar) for calendar in (crowd.calendars[0], second)]
    assert [source.rules[-1].keeps_absences for source in sources] == [True, False]


def test_everybody_is_known_by_all_their_addresses_and_nobody_elses(crowd: Crowd) -> None:
    crowd.sync(*[unchanged()] * 4)
    owners = [crowd.world.source(calendar).rules[-1].owner for calendar in crowd.calendars]
    assert owners == [{f"p{number}@example.com"} for number in range(4)]


# --- what goes wrong ---


def test_a_write_that_fails_leaves_all_of_them_to_be_read_again(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [crowd.row(number) for number in range(4)]

    def refuse(*_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("the disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(sync, "note_readings", refuse)
        with pytest.raises(OperationalError):
            crowd.sync(*[unchanged("lost")] * 4)
    for number, row in enumerate(before):
        now = crowd.row(number)
        assert (now.cursor, now.last_read_at, now.next_read_at) == (
            row.cursor,
            row.last_read_at,
            row.next_read_at,
        )
    assert crowd.sync(*[unchanged()] * 4) == [Outcome.UNCHANGED] * 4


def test_one_that_can_not_be_noted_fails_alone(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    real = crowd.world.vault.seal

    def seal(plain: str, bound_to: str) -> str:
        if plain == "bad":
            raise ValueError
        return real(plain, bound_to)

    monkeypatch.setattr(crowd.world.vault, "seal", seal)
    outcomes = crowd.sync(unchanged("new"), unchanged("bad"), unchanged(), unchanged("new"))
    assert outcomes == [Outcome.UNCHANGED, Outcome.FAILED, Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert (crowd.row(1).problem, crowd.row(1).last_read_at) == (INTERNAL, FIRST)


def test_a_slow_calendar_does_not_keep_the_others_from_being_noted(crowd: Crowd) -> None:
    seen: list[object] = []
    released = threading.Event()

    def wait_for_the_others() -> None:
        seen.append(released.wait(10))

    def progress(done: int, _of: int) -> None:
        if done == 3:
            seen.append([crowd.row(number).last_read_at for number in range(1, 4)])
            released.set()

    crowd.while_read(0, wait_for_the_others)
    crowd.script(*[unchanged()] * 4)
    sync_many(crowd.world, crowd.calendars, SECOND, progress)
    assert seen == [[SECOND] * 3, True]


def test_who_stops_in_the_middle_leaves_the_rest_due(store: Store, vault: Vault) -> None:
    crowd = make_crowd(World(store, vault), 3)
    due_at = FIRST + timedelta(days=1)
    crowd.script(delta(single("2026-02-11 10:00")), unchanged(), unchanged())

    def stop(_done: int, _of: int) -> None:
        raise Stopping

    with pytest.raises(Stopping):
        sync_due(crowd.world, due_at, stop)
    rows = [crowd.row(number) for number in range(3)]
    left = [row for row in rows if row.last_read_at == FIRST]
    assert left
    assert set(claim_due(store, CALENDARS, due_at, 9).ids) == {row.id for row in left}


def test_progress_counts_up_one_by_one(crowd: Crowd) -> None:
    seen: list[tuple[int, int]] = []
    crowd.script(unchanged(), full(), ConnectorError("no answer"), unchanged())
    sync_all(crowd.world, SECOND, on_progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_one_person_is_read_the_same_way(crowd: Crowd) -> None:
    crowd.script(unchanged())
    result = sync_calendar(crowd.world, crowd.calendars[0], SECOND)
    assert (result.outcome, crowd.row(0).last_read_at) == (Outcome.UNCHANGED, SECOND)


def test_few_calendars_are_in_memory_at_once(
    store: Store, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = make_crowd(World(store, vault), MOST_RUNNING + 4)
    running: list[int] = []
    real = Pulls.next

    def watched(pulls: Pulls, patience_s: float | None) -> Reading | None:
        running.append(pulls.running)
        return real(pulls, patience_s)

    monkeypatch.setattr(Pulls, "next", watched)
    crowd.sync(*[delta(single("2026-02-11 10:00"))] * len(crowd.calendars))
    assert max(running) == MOST_RUNNING
    assert crowd.row(-1).last_read_at == SECOND


def test_entries_that_are_known_are_let_go_at_once(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    real = sync._finish

    def watched(ports: Any, readings: Sequence[Reading], now: datetime) -> list[SyncResult]:
        held.extend(len(each.answer.events) for each in readings if isinstance(each.answer, Pull))
        return real(ports, readings, now)

    monkeypatch.setattr(sync, "_finish", watched)
    crowd.sync(*[full(*series("2026-02-09 10:00", 2))] * 4)
    assert held == [0] * 4
    with crowd.world.store.read() as db:
        assert len(db.scalars(select(Copy).where(Copy.gone_at.is_(None))).all()) == 8


# --- several processes ---


def test_two_processes_with_the_same_portion_read_each_calendar(store: Store, vault: Vault) -> None:
    crowd = make_crowd(World(store, vault), 12)
    with store.write() as db:
        db.execute(update(Pair).values(awaits_reading=True, review_due_at=None))
    crowd.script(*[unchanged()] * 12)
    crowd.script(*[unchanged()] * 12)
    other = replace(crowd.world, store=Store(store.url))
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(sync_many, crowd.world, crowd.calendars, SECOND),
            pool.submit(sync_many, other, crowd.calendars[::-1], SECOND),
        ]
        outcomes = [[result.outcome for result in run.result()] for run in runs]
    other.store.close()
    assert {Outcome.UNCHANGED} <= {*outcomes[0], *outcomes[1]} <= {Outcome.UNCHANGED, Outcome.NOT_NEEDED}
    assert {crowd.row(number).last_read_at for number in range(12)} == {SECOND}
    with store.read() as db:
        assert set(db.scalars(select(Pair.review_due_at))) == {SECOND}


def _sync(crowd: Crowd, _db: OrmSession) -> None:
    crowd.sync(*[unchanged()] * 4)


def _claim_back(crowd: Crowd, _db: OrmSession) -> None:
    give_back(crowd.world.store, CALENDARS, crowd.calendars, SECOND)


CHANGES: dict[str, tuple[str, Callable[[Crowd, OrmSession], None]]] = {
    "readings are noted": ("calendars", _sync),
    "claims are given back": ("calendars", _claim_back),
    "a notice is heard": ("calendars", lambda crowd, db: hasten(db, crowd.calendars, SECOND)),
    "members are read soon": (
        "calendars",
        lambda crowd, db: read_soon(db, crowd.people, Act(None, "schedule", SECOND)),
    ),
    "pairs wait for readings": ("pairs", lambda crowd, db: note_readings(db, crowd.people, SECOND)),
    "pairs change": ("pairs", lambda crowd, db: touch_pairs(db, crowd.pairs, SECOND)),
}


@pytest.mark.parametrize("store", [POSTGRESQL], indirect=True)  # SQLite has one writer at a time
@pytest.mark.parametrize("change", CHANGES)
def test_whoever_changes_many_rows_locks_them_by_their_ids(crowd: Crowd, change: str) -> None:
    """Two who lock the same rows in another order wait for each other for ever."""
    store = crowd.world.store
    table, deed = CHANGES[change]
    with store.write() as db:
        db.execute(update(Calendar).values(next_read_at=SECOND + timedelta(days=1), claims=1))
        db.execute(update(Pair).values(awaits_reading=True, review_due_at=None))
    ids = {"calendars": crowd.calendars, "pairs": crowd.pairs}[table]
    with store.write() as db:
        _put_last(db, table, ids[0])
    with ThreadPoolExecutor(1) as pool:
        with store.write() as db:
            _lock(db, table, ids[0])
            done = pool.submit(_do, crowd, deed)
            _wait_for_a_waiter(db)
            _lock(db, table, ids[-1])
        done.result(20)


def _put_last(db: OrmSession, table: str, row_id: int) -> None:
    """Have the row lie behind all others; so few rows are looked at as they lie."""
    lie = text(f"SELECT id FROM {table} ORDER BY ctid")
    while db.scalars(lie).all()[-1] != row_id:
        db.execute(text(f"UPDATE {table} SET claims = claims WHERE id = {row_id}"))
    db.execute(text("ANALYZE"))


def _do(crowd: Crowd, deed: Callable[[Crowd, OrmSession], None]) -> None:
    with crowd.world.store.write() as db:
        deed(crowd, db)


def _lock(db: OrmSession, table: str, row_id: int) -> None:
    db.execute(text(f"SELECT 1 FROM {table} WHERE id = {row_id} FOR UPDATE NOWAIT"))


def _wait_for_a_waiter(db: OrmSession) -> None:
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(1_000):
        if db.scalar(waits):
            return
        db.execute(text("SELECT pg_sleep(0.01)"))
    raise AssertionError("nobody waits")
