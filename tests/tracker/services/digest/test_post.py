"""Digests on their way to HR: everybody of HR, once, on Monday morning, in their language."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.tracker.world import World, agreement, instant
from tracker.models import OutboxMail, Person, Program
from tracker.ports import Letter, Vault
from tracker.services.digest.building import build_digest, span_of
from tracker.services.digest.facts import Digest, Listed
from tracker.services.digest.post import Post, digest_readers, enqueue_digest, enqueue_weekly_digests
from tracker.services.weeks import parse_week
from tracker.store import Store

MONDAY = "2026-03-23 "  # the day after W12


class PlainWriter:
    """Writes down what it was asked to write."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, str]] = []

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        digest: Digest = facts["digest"]
        assert facts["base_url"] == "https://cadencia.example.com"
        self.written.append((digest.week.name, language, facts["name"]))
        return Letter(template, "text\n", "<p>html</p>\n")


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    world = World(store, vault)
    mentor, mentee = world.person("ana@example.com"), world.person("ben@example.com")
    world.pair(world.program(), mentor, mentee, agreement("2026-02-23"))
    return world


@pytest.fixture
def writer() -> PlainWriter:
    return PlainWriter()


@pytest.fixture
def post(writer: PlainWriter) -> Post:
    return Post(writer, "Cadencia <cadencia@example.com>", "https://cadencia.example.com")


def _hr(world: World, name: str, timezone: str = "UTC", language: str = "en") -> None:
    person_id = world.person(f"{name}@example.com", timezone)
    with world.store.write() as db:
        db.execute(update(Person).where(Person.id == person_id).values(is_hr=True, language=language))


def _recipients(world: World) -> list[str]:
    with world.store.read() as db:
        return list(db.scalars(select(OutboxMail.recipient).order_by(OutboxMail.id)))


def _digest(world: World, now: str = MONDAY + "12:00", week: str = "2026-W12") -> Digest:
    with world.store.read() as db:
        program = db.scalars(select(Program)).one()
        return build_digest(db, program, span_of(db, program, parse_week(week), instant(now)))


def _enqueue(world: World, post: Post, digest: Digest) -> list[str]:
    with world.store.write() as db:
        told = enqueue_digest(db, post, digest, digest_readers(db), instant(MONDAY + "12:00"))
        return [person.name for person in told]


# --- by hand ---


def test_everybody_of_hr_gets_it_in_their_language(world: World, post: Post, writer: PlainWriter) -> None:
    _hr(world, "olga", language="es")
    _hr(world, "paul")
    assert _enqueue(world, post, _digest(world)) == ["olga", "paul"]
    assert writer.written == [("2026-W12", "es", "olga"), ("2026-W12", "en", "paul")]
    assert _recipients(world) == ["olga@example.com", "paul@example.com"]


def test_a_second_time_nobody_gets_it_again(world: World, post: Post) -> None:
    _hr(world, "olga")
    assert _enqueue(world, post, _digest(world)) == ["olga"]
    _hr(world, "paul")
    assert _enqueue(world, post, _digest(world)) == ["paul"]
    assert _enqueue(world, post, _digest(world)) == []


def test_the_week_so_far_does_not_take_the_place_of_the_whole_week(world: World, post: Post) -> None:
    _hr(world, "olga")
    assert _enqueue(world, post, _digest(world, "2026-03-20 12:00")) == ["olga"]
    assert _enqueue(world, post, _digest(world, "2026-03-21 12:00")) == []
    assert _enqueue(world, post, _digest(world)) == ["olga"]


def test_nobody_is_written_to_about_an_empty_program(world: World, post: Post) -> None:
    _hr(world, "olga")
    digest = _digest(world)
    empty = replace(digest, numbers=replace(digest.numbers, pairs=0), unread=Listed((), 0))
    assert _enqueue(world, post, empty) == []


def test_an_address_that_can_be_none_keeps_no_letter_from_the_others(world: World, post: Post) -> None:
    _hr(world, "not an address")
    _hr(world, "paul")
    assert _enqueue(world, post, _digest(world)) == ["paul"]


# --- on Monday morning ---


def _tick(world: World, post: Post, now: str) -> int:
    return enqueue_weekly_digests(world.store, post, instant(now))


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (MONDAY + "06:59", 0),
        (MONDAY + "07:00", 1),
        ("2026-03-24 23:59", 1),
        ("2026-03-25 00:00", 0),
        ("2026-03-22 12:00", 0),
    ],
)
def test_it_goes_out_on_monday_at_seven_or_soon_after(world: World, post: Post, now: str, count: int) -> None:
    _hr(world, "olga")
    assert _tick(world, post, now) == count


def test_it_tells_of_the_week_that_is_over(world: World, post: Post, writer: PlainWriter) -> None:
    _hr(world, "olga")
    _tick(world, post, MONDAY + "07:00")
    assert [week for week, _, _ in writer.written] == ["2026-W12"]


def test_seven_is_where_the_reader_is(world: World, post: Post) -> None:
    _hr(world, "olga", "America/Bogota")
    _hr(world, "paul", "Europe/Rome")
    assert (_tick(world, post, MONDAY + "06:00"), _recipients(world)) == (1, ["paul@example.com"])
    assert _tick(world, post, MONDAY + "11:59") == 0
    assert _tick(world, post, MONDAY + "12:00") == 1


def test_it_waits_until_the_week_is_over_in_the_program(world: World, post: Post) -> None:
    mentor, mentee = world.person("cleo@example.com"), world.person("dan@example.com")
    west = world.program("West")
    world.pair(west, mentor, mentee, agreement("2026-02-23", timezone="America/Los_Angeles"))
    _hr(world, "kim", "Asia/Tokyo")
    assert _tick(world, post, "2026-03-22 22:00") == 0, "it is Sunday for both programs"
    assert _tick(world, post, MONDAY + "01:00") == 1, "Monday in UTC, Sunday in Los Angeles"
    assert _tick(world, post, MONDAY + "07:00") == 1


def test_ticks_add_nothing_to_what_is_there(
    world: World, post: Post, writer: PlainWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hr(world, "olga")
    _tick(world, post, MONDAY + "07:00")

    def fail(*_: object) -> None:
        raise AssertionError("nothing is due, so nothing may be judged")

    monkeypatch.setattr("tracker.services.digest.post.build_digest", fail)
    for minutes in range(1, 4):
        later = instant(MONDAY + "07:00") + timedelta(minutes=minutes)
        assert enqueue_weekly_digests(world.store, post, later) == 0
    assert len(writer.written) == 1


def test_a_week_that_was_sent_by_hand_is_not_sent_again(world: World, post: Post) -> None:
    _hr(world, "olga")
    _enqueue(world, post, _digest(world))
    assert _tick(world, post, MONDAY + "07:00") == 0


def test_letters_that_a_standstill_left_out_come_with_the_next(
    world: World, post: Post, writer: PlainWriter
) -> None:
    _hr(world, "olga")
    _tick(world, post, "2026-03-02 07:00")
    assert _tick(world, post, MONDAY + "07:00") == 3
    assert [week for week, _, _ in writer.written] == ["2026-W09", "2026-W10", "2026-W11", "2026-W12"]
    assert _tick(world, post, MONDAY + "07:05") == 0


def test_whoever_is_new_gets_no_letters_of_the_past(world: World, post: Post, writer: PlainWriter) -> None:
    _hr(world, "olga")
    _tick(world, post, "2026-03-09 07:00")
    _hr(world, "paul")
    _tick(world, post, MONDAY + "07:00")
    assert [(week, name) for week, _, name in writer.written] == [
        ("2026-W10", "olga"), ("2026-W11", "olga"), ("2026-W12", "olga"), ("2026-W12", "paul"),
    ]  # fmt: skip
