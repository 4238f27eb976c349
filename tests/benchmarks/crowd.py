"""Many pairs for benchmarks: one pair goes the real way, then SQL multiplies its rows.

For measuring alone: the pairs are all alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Table, Text, cast, column, func, insert, literal, select, table, text, true
from sqlalchemy.sql import ColumnElement

from integrations.vault import FernetVault, fresh_key
from tests.servers import running_postgres
from tests.tracker.world import Duo, World, agreement, as_attendee, full, instant, make_duo, move, occurrence
from tracker.models import Base, Session, Statement
from tracker.services import schema
from tracker.services.review import review
from tracker.store import Store

NOW = instant("2026-03-10 12:00")
READ_AT = "2026-03-10 11:30"
SHARED = ("programs",)  # all pairs are in one
MADE_UNIQUE = ("email", "slot")
# What a review reads of the pairs that it judges, and of no other.
EVIDENCE = ("sessions", "session_keys", "copies", "observations", "statements", "evidence_memos")


@contextmanager
def empty_store(kind: str, folder: Path) -> Iterator[Store]:
    """Open an empty database with tables: `sqlite` or `postgresql`."""
    if kind == "sqlite":
        yield _prepared(f"sqlite:///{folder / 'crowd.sqlite'}")
        return
    with running_postgres() as server:
        store = _prepared(server.url(server.create_database()))
        yield store
        store.close()


def _prepared(url: str) -> Store:
    store = Store(url)
    schema.upgrade(store)
    return store


def fill(store: Store, pairs: int, *, evidence_of_each: int = 1) -> None:
    """Make so many pairs, each with six sessions on two calendars, half of them over, and a fresh ledger.

    With `evidence_of_each` 100, only pairs 1, 101, 201 and so on have their sessions, which saves hours.
    """
    _make_template(World(store, FernetVault([fresh_key()])))
    review(store, NOW)
    with store.write() as db:
        _multiply(db.connection(), pairs, evidence_of_each)
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))


def _make_template(world: World) -> Duo:
    duo = make_duo(world, agreement(ends="2026-03-29"))
    start = instant("2026-01-12 10:00")
    events = [occurrence(start + timedelta(weeks=2 * i)) for i in range(6)]
    events[1] = move(events[1], "2026-01-28 15:00", "2026-01-20 10:00")
    duo.sync(full(*events), READ_AT)
    duo.sync_other(full(*map(as_attendee, events)), READ_AT)
    with world.store.write() as db:
        for session in db.scalars(select(Session).where(Session.ends_at < NOW)):
            for side in ("mentor", "mentee"):
                db.add(
                    Statement(
                        session_id=session.id,
                        side=side,
                        at=session.ends_at + timedelta(hours=3),
                        held=True,
                        via="site",
                    )
                )
    return duo


def _multiply(connection: Connection, times: int, evidence_of_each: int) -> None:
    if connection.dialect.name == "postgresql":
        # All keys are made right; to have each one looked up takes most of the time.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("CREATE TEMPORARY TABLE numbers (n INTEGER)"))
    numbers = table("numbers", column("n"))
    connection.execute(insert(numbers), [{"n": n} for n in range(1, times)])
    counts = {
        each.name: connection.scalar(select(func.count()).select_from(each)) or 0
        for each in Base.metadata.sorted_tables
    }
    for each in Base.metadata.sorted_tables:
        if counts[each.name] and each.name not in SHARED:
            values = [_value(column, counts, each, connection) for column in each.columns]
            rows = select(*values).select_from(each.join(numbers, true()))
            if each.name in EVIDENCE:
                rows = rows.where(column("n") % evidence_of_each == 0)
            connection.execute(insert(each).from_select([c.name for c in each.columns], rows))
            _move_sequence(connection, each)


def _value(
    origin: ColumnElement[object], counts: dict[str, int], owner: Table, connection: Connection
) -> ColumnElement[object]:
    n: ColumnElement[int] = column("n")
    name = origin.name
    targets = [key.column.table.name for key in origin.foreign_keys]
    if targets:
        return origin if targets[0] in SHARED else origin + n * counts[targets[0]]
    if name == "id":
        return origin + n * counts[owner.name]
    if name in MADE_UNIQUE:
        return origin + literal("-") + cast(n, Text)
    if name == "responses":
        return _renamed(origin, n, connection)
    return origin


def _renamed(
    origin: ColumnElement[object], n: ColumnElement[int], connection: Connection
) -> ColumnElement[object]:
    """Return the answers under the names of the two people of the n-th pair."""
    renamed: ColumnElement[str] = cast(origin, Text)
    for person in (1, 2):
        renamed = func.replace(
            renamed, f'"{person}"', literal('"#') + cast(n * 2 + person, Text) + literal('"')
        )
    renamed = func.replace(renamed, "#", "")
    return cast(renamed, origin.type) if connection.dialect.name == "postgresql" else renamed


def _move_sequence(connection: Connection, owner: Table) -> None:
    if connection.dialect.name == "postgresql" and "id" in owner.columns:
        sequence = func.pg_get_serial_sequence(owner.name, "id")
        connection.execute(select(func.setval(sequence, func.max(owner.c.id))).select_from(owner))
