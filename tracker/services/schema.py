"""The database's tables: made, brought up to date and compared with what this version needs.

Never touches data of its own accord, and never does half a step: a migration is one transaction, and of two
processes that migrate at once the second waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from tracker.errors import BadSettings
from tracker.models import Base
from tracker.store import Store, sqlite_file

LOCATION = Path(__file__).parents[1] / "migrations"
_LOCK = 0x0CADE1  # PostgreSQL's advisory locks are numbers; this one is ours


def upgrade(store: Store, revision: str = "head") -> None:
    """Bring the tables up to `revision`; does nothing where they are there already."""
    with _migrating(store) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(store: Store, revision: str) -> None:
    """Take the tables back to `revision` (`base`: none)."""
    with _migrating(store) as connection:
        command.downgrade(_config(connection), revision)


def write_migration(store: Store, message: str) -> Path:
    """Write the migration that takes an empty `store`, brought up to date here, to what the models say.

    For developers: `python -m tracker.migrations MESSAGE`.
    """
    upgrade(store)
    number = f"{len(_known()) + 1:04}"
    with _migrating(store) as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    return next((LOCATION / "versions").glob(f"{number}_*.py"))


def create_in_memory(store: Store) -> None:
    """Make the tables of a database that nobody will ever migrate."""
    Base.metadata.create_all(store.engine)


def newest() -> str:
    """Return the revision that this version of Cadencia needs."""
    return max(_known())


def present(store: Store) -> str | None:
    """Return the revision that the database is at, None where it has no tables of ours or is not there."""
    file = sqlite_file(store.url)
    if file is not None and not file.exists():
        return None  # looking would make it
    with store.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def require_current(store: Store) -> None:
    """Raise BadSettings, saying what to run, unless the database is at the revision that we need."""
    have = present(store)
    if have == newest():
        return
    if have is None:
        file = sqlite_file(store.url)
        what = f"There is no database {file}" if file and not file.exists() else "The database is empty"
        raise BadSettings(f"{what}. Run `cadencia init` first: it creates the database and its tables.")
    if have in _known():
        raise BadSettings("The database is of an older version. Back it up, then run `cadencia init`.")
    raise BadSettings("The database is of a newer version than this program. Install the newer Cadencia.")


def is_older(store: Store) -> bool:
    """Tell whether the database is of a version before this one, so that `upgrade` has something to do."""
    have = present(store)
    return have is not None and have in _known() and have != newest()


def is_known(revision: str) -> bool:
    """Tell whether this version of Cadencia can read a database of that revision."""
    return revision in _known()


def _known() -> frozenset[str]:
    # Alembic would import every migration to tell; the files' names begin with it.
    return frozenset(path.name.partition("_")[0] for path in (LOCATION / "versions").glob("[0-9]*_*.py"))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(LOCATION).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(store: Store) -> Iterator[Connection]:
    with store.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            # A table that SQLite rebuilds is dropped first, which would take along what points to it. The
            # switch works only outside of a transaction, and so does not go through SQLAlchemy.
            _set_foreign_keys(connection, "OFF")
            connection = connection.execution_options(cadencia_writes=True)
        try:
            with connection.begin():
                if not is_sqlite:
                    # However large a table is that is copied, and however long another process migrates.
                    connection.execute(text("SET LOCAL statement_timeout = 0"))
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
                if is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise BadSettings("The migration would leave rows that point nowhere; nothing changed.")
        finally:
            if is_sqlite:
                _set_foreign_keys(connection, "ON")


def _set_foreign_keys(connection: Connection, state: str) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    driver.execute(f"PRAGMA foreign_keys={state}")
