"""A database of the first version, with data in it, becomes one of this version and back; nothing is lost."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    inspect,
    select,
)
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Base
from tracker.models.base import UtcDateTime
from tracker.services import schema
from tracker.store import Store

FIRST = "0001"
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# What a value of its type alone would not do for.
FITTING: dict[str, Any] = {
    "absences.pair_id": None,
    "ledgers.document": b'{"periods":[]}',
    "evidence_memos.sessions": b"[]",
}


def value_of(column: Column[Any], number: int) -> Any:
    """Something that the column takes; rows of one number belong together."""
    name = f"{column.table.name}.{column.name}"
    if name in FITTING:
        return FITTING[name]
    if name == "pairs.mentee_id":
        return 3 - number
    if column.primary_key or Base.metadata.tables[column.table.name].columns[column.name].foreign_keys:
        return number
    return _of_type(column, number)


def _of_type(column: Column[Any], number: int) -> Any:
    kind = column.type
    if isinstance(kind, Enum):
        words: list[StrEnum] = list(kind.enum_class)  # type: ignore[arg-type]
        return words[0]
    if isinstance(kind, JSON):
        return {} if column.name in ("policy", "details", "responses") else []
    by_type: list[tuple[type, Any]] = [
        (Boolean, True),
        (Integer, number),
        (UtcDateTime, AT),
        (Date, date(2026, 3, number)),
        (LargeBinary, b"\x00\xff"),
    ]
    return next((value for known, value in by_type if isinstance(kind, known)), f"ñ{number}")


def as_it_was(store: Store) -> list[Table]:
    """The tables of the first version, with this version's types for their columns."""
    seen, metadata = inspect(store.engine), MetaData()
    tables = []
    for model in Base.metadata.sorted_tables:
        if seen.has_table(model.name):
            had = {column["name"] for column in seen.get_columns(model.name)}
            columns = [column._copy() for column in model.columns if column.name in had]
            tables.append(Table(model.name, metadata, *columns))
    return tables


def fill(store: Store, tables: list[Table]) -> None:
    """Put two rows into each table."""
    with store.write() as db:
        for table in tables:
            rows = [{c.name: value_of(c, number) for c in table.columns} for number in (1, 2)]
            db.execute(table.insert(), rows)


def content(store: Store, tables: list[Table]) -> dict[str, list[Any]]:
    with store.read() as db:
        return {t.name: db.execute(select(t).order_by(*t.primary_key.columns)).all() for t in tables}  # type: ignore[misc]


def load_everything(db: OrmSession) -> int:
    """Read every row of every table as the program does."""
    return sum(len(db.scalars(select(mapper.class_)).all()) for mapper in Base.registry.mappers)


def test_data_of_the_first_version_survives_the_way_up_and_down(empty_store: Store) -> None:
    schema.upgrade(empty_store, FIRST)
    tables = as_it_was(empty_store)
    fill(empty_store, tables)
    before = content(empty_store, tables)
    rows = sum(len(found) for found in before.values())
    assert rows == 2 * len(tables) > 40
    schema.upgrade(empty_store)
    schema.require_current(empty_store)
    assert content(empty_store, tables) == before
    with empty_store.read() as db:
        assert load_everything(db) == rows
    schema.downgrade(empty_store, FIRST)
    assert content(empty_store, tables) == before


def test_what_an_old_row_did_not_have_is_there_as_for_a_new_one(empty_store: Store) -> None:
    schema.upgrade(empty_store, FIRST)
    tables = as_it_was(empty_store)
    fill(empty_store, tables)
    schema.upgrade(empty_store)
    missing = []
    with empty_store.read() as db:
        for table in tables:
            model = Base.metadata.tables[table.name]
            new = [c for c in model.columns if c.name not in table.columns and not c.nullable]
            for row in db.execute(select(*new)).all() if new else []:
                wanted = [_default(column) for column in new]
                if list(row) != wanted:
                    missing.append((table.name, list(row), wanted))
    assert missing == []


def _default(column: Column[Any]) -> Any:
    default: Any = column.default
    assert default is not None, f"{column} is new, required and has no default: old rows need one"
    return default.arg(None) if default.is_callable else default.arg
