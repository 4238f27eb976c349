"""What Alembic runs: always on the connection that `tracker.services.schema` hands over, never on its own."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Enum

from tracker.models import Base
from tracker.models.base import UtcDateTime


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write our column types as what they are in the database: migrations do not follow our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


def migrate() -> None:
    """Run the migrations in the transaction that is open, on SQLite as on PostgreSQL."""
    connection: Any = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        render_as_batch=True,  # SQLite can not alter a table: it is copied
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


migrate()
