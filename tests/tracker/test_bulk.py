"""Many rows at once arrive as the ORM would have written them, or not at all."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, LargeBinary, Text, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tracker.bulk import change_rows, draw_ids, put_rows, write_rows
from tracker.models.base import UtcDateTime, word
from tracker.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Mood(StrEnum):
    """A word of several."""

    GOOD = "good"
    SO_SO = "so-so"


class Scratch(DeclarativeBase):
    """Tables of this file alone."""


class Thing(Scratch):
    """A column of every kind that the product has, each once with and once without an empty place."""

    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    mood: Mapped[Mood | None] = mapped_column(word(Mood))
    is_on: Mapped[bool | None]
    count: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    on: Mapped[date | None]
    document: Mapped[bytes | None] = mapped_column(LargeBinary)
    listed: Mapped[Any] = mapped_column(JSON)


PLAIN: dict[str, Any] = {
    "name": "plain",
    "note": None,
    "mood": Mood.GOOD,
    "is_on": True,
    "count": 7,
    "at": NOON,
    "until": None,
    "on": date(2026, 3, 1),
    "document": b"x",
    "listed": {"1": "accepted"},
}
ODD: list[dict[str, Any]] = [
    {"name": "a\tb\nc\rd\\e\\N\\.\"f',{}"},
    {"name": "\\N", "note": ""},
    {"name": "\\.", "note": "ñandú 🦙 \u2028 \x7f"},
    {"mood": None, "is_on": None, "count": None, "on": None, "document": None},
    {"mood": Mood.SO_SO, "is_on": False, "count": -(2**31)},
    {"document": b""},
    {"document": bytes(range(256)) + b"\\x41\\N\n"},
    {"at": datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC), "until": NOON},
    {"at": datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))), "on": date.min},
    {"listed": ["a\tb", "\\n\n", "ñ", 'say "no"', None, 1.5, True]},
    {"listed": []},
    {"listed": {"tú\\": {"deep": ["\u2028"]}}},
    {"listed": None},
]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A database with one table."""
    store = Store(database_url)
    Scratch.metadata.create_all(store.engine)
    yield store
    store.close()


def kept(store: Store) -> list[tuple[Any, ...]]:
    """Return what the table holds, as the database keeps it, but for the spaces in JSON."""
    with store.read() as db:
        rows = db.execute(text("SELECT * FROM things ORDER BY id")).all()
        documents = [thing.listed for thing in db.query(Thing).order_by(Thing.id)]
    return [(*row[1:-1], document) for row, document in zip(rows, documents, strict=True)]


def empty(store: Store) -> None:
    """Take all rows away."""
    with store.write() as db:
        db.execute(text("DELETE FROM things"))


def in_bulk(store: Store, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Write the rows in bulk, and return what is kept of them."""
    empty(store)
    with store.write() as db:
        write_rows(db, Thing, rows)
    return kept(store)


def by_orm(store: Store, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Write the rows as objects, and return what is kept of them."""
    empty(store)
    with store.write() as db:
        db.add_all([Thing(**row) for row in rows])
    return kept(store)


@pytest.mark.parametrize("odd", ODD, ids="-".join)
def test_it_keeps_what_the_orm_would(store: Store, odd: dict[str, Any]) -> None:
    rows = [PLAIN, PLAIN | odd, PLAIN]
    assert in_bulk(store, rows) == by_orm(store, rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    at=st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001 - the zones come apart
        max_value=datetime(9998, 12, 31),  # noqa: DTZ001
        timezones=st.timezones() | st.just(UTC),
    ),
    name=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    document=st.binary(),
)
def test_it_keeps_any_instant_text_and_bytes(store: Store, at: datetime, name: str, document: bytes) -> None:
    rows = [PLAIN | {"at": at, "name": name, "document": document}]
    assert in_bulk(store, rows) == by_orm(store, rows)


@pytest.mark.parametrize("odd", ODD, ids="-".join)
def test_it_puts_what_the_orm_would(store: Store, odd: dict[str, Any]) -> None:
    rows = [{"id": 1} | PLAIN, {"id": 2} | PLAIN | odd]
    by_objects = by_orm(store, rows)
    with store.write() as db:
        put_rows(db, Thing, [rows[1] | {"id": 1}, rows[0] | {"id": 2}, rows[1] | {"id": 3}])
    assert kept(store) == [by_objects[1], by_objects[0], by_objects[1]]


@pytest.mark.parametrize("odd", ODD, ids="-".join)
def test_it_changes_what_is_named_and_no_more(store: Store, odd: dict[str, Any]) -> None:
    changed = by_orm(store, [PLAIN, PLAIN | odd])
    by_orm(store, [{"id": number} | PLAIN for number in (1, 2)])
    with store.write() as db:
        change_rows(db, Thing, [{**odd, "id": 2}, {**odd, "id": 99}])
    assert kept(store) == changed


def test_it_keeps_the_order_of_rows(store: Store) -> None:
    rows = [PLAIN | {"name": str(number)} for number in range(3_000)]
    assert [row[0] for row in in_bulk(store, rows)] == [str(number) for number in range(3_000)]


def test_it_writes_nothing_of_no_rows(store: Store) -> None:
    with store.write() as db:
        for write in (write_rows, put_rows, change_rows):
            write(db, Thing, [])
    assert kept(store) == []


@pytest.mark.parametrize("column", ["at", "until"])
def test_it_refuses_an_instant_without_its_zone(store: Store, column: str) -> None:
    with pytest.raises(ValueError, match="offset"):
        in_bulk(store, [PLAIN, PLAIN | {column: datetime(2026, 3, 1, 12)}])  # noqa: DTZ001
    assert kept(store) == []


def test_it_refuses_rows_that_do_not_name_the_same_columns(store: Store) -> None:
    short = {name: value for name, value in PLAIN.items() if name != "count"}
    with pytest.raises(KeyError):
        in_bulk(store, [PLAIN, short])


def test_it_says_what_other_statements_say_where_the_database_refuses(store: Store) -> None:
    with pytest.raises(IntegrityError):
        in_bulk(store, [PLAIN, PLAIN | {"name": None}])
    assert kept(store) == []


def test_a_death_in_the_middle_leaves_nothing(store: Store) -> None:
    with store.read() as db:  # whatever ends without a commit
        write_rows(db, Thing, [PLAIN] * 100)
    assert kept(store) == []


def test_rows_written_before_are_seen_in_the_same_transaction(store: Store) -> None:
    with store.write() as db:
        write_rows(db, Thing, [PLAIN] * 3)
        assert db.query(Thing).count() == 3


def test_ids_are_drawn_that_nobody_else_gets(store: Store) -> None:
    with store.write() as db:
        db.add(Thing(**PLAIN))
        db.flush()
        drawn = draw_ids(db, Thing, 3)
        write_rows(db, Thing, [PLAIN | {"id": number} for number in drawn])
        later = Thing(**PLAIN)
        db.add(later)
        db.flush()
        known = set(db.scalars(text("SELECT id FROM things")))
    assert sorted(drawn) == list(drawn)
    assert len(known) == 5
    assert later.id not in drawn


def test_no_ids_are_drawn_for_nothing(store: Store) -> None:
    with store.write() as db:
        assert list(draw_ids(db, Thing, 0)) == []
