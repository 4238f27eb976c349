"""Backups of SQLite: `VACUUM INTO`, and SQLite's own backup interface for the way back.

Never copies files byte by byte while they are written to: such a copy may be of two moments.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import CursorResult, Update

from tracker.errors import BadInput, BadSettings
from tracker.services import schema
from tracker.services.backup.kinds import Restored, require_known
from tracker.store import BUSY_TIMEOUT_S, Store, sqlite_file


class Sqlite:
    """How SQLite databases are backed up and restored."""

    def back_up(self, store: Store, partial: Path) -> None:
        """Write a consistent copy into `partial`, an empty file. Writers go on meanwhile."""
        with closing(sqlite3.connect(_file(store), timeout=BUSY_TIMEOUT_S, isolation_level=None)) as database:
            database.execute("VACUUM INTO ?", (str(partial),))

    def restore(self, store: Store, source: Path, now: datetime, hold: Update, *, force: bool) -> Restored:
        """Make `source` the database, all at once; programs that use it go on with the new content."""
        revision = require_known(_revision(source), source)
        target = _file(store)
        store.close()
        state = _state(target)
        if state != "empty" and not force:
            raise BadInput(
                f"The database {target} is not empty. Add --force to replace it; it is then kept beside it."
            )
        with tempfile.TemporaryDirectory(prefix=".cadencia-restore-", dir=target.parent) as folder:
            fresh, held = _prepare(source, Path(folder) / "fresh.sqlite", hold)
            aside = None if state == "empty" else _keep_aside(target, state, now)
            # If the process dies in here, SQLite takes the half-written copy back at the next opening.
            with closing(_connect(fresh)) as new, closing(_connect(target)) as live:
                new.backup(live)
        target.chmod(0o600)
        return Restored(revision, held, str(aside) if aside else None)


def _file(store: Store) -> Path:
    file = sqlite_file(store.url)
    assert file is not None  # noqa: S101 - the caller chose by the database's kind
    if not file.parent.is_dir():
        raise BadSettings(f"CADENCIA_DATABASE_URL names the folder {file.parent}, which is not there.")
    return file


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def _revision(source: Path) -> str | None:
    """Return the revision of a backup, having made sure that it is whole. Raises BadInput."""
    # Read as it is: a backup may lie where nothing can be written.
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?immutable=1", uri=True)) as backup:
        try:
            sound = backup.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
            row = backup.execute("SELECT version_num FROM alembic_version").fetchone() if sound else None
        except sqlite3.DatabaseError as error:
            if "no such table" in str(error):
                return None
            sound = False
    if not sound:
        raise BadInput(f"{source} is damaged. Use another backup.")
    return str(row[0]) if row else None


def _state(target: Path) -> str:
    """Return `empty` (nothing that anybody would miss), `used` or `damaged`."""
    if not target.exists() or target.stat().st_size == 0:
        return "empty"
    with closing(_connect(target)) as live:
        try:
            tables = [r[0] for r in live.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            others = [t for t in tables if t not in ("alembic_version", "sqlite_sequence")]
            used = any(live.execute(f'SELECT 1 FROM "{t}" LIMIT 1').fetchone() for t in others)  # noqa: S608
        except sqlite3.DatabaseError:
            return "damaged"
    return "used" if used else "empty"


def _prepare(source: Path, fresh: Path, hold: Update) -> tuple[Path, int]:
    # Brought up to date and held before it takes the place of the old one: whoever sends mail at that
    # moment finds nothing to send.
    shutil.copyfile(source, fresh)
    fresh.chmod(0o600)
    store = Store(f"sqlite:///{fresh}")
    try:
        schema.upgrade(store)
        return fresh, _run(store, hold)
    finally:
        store.close()


def _run(store: Store, hold: Update) -> int:
    with store.engine.connect().execution_options(cadencia_writes=True) as connection, connection.begin():
        result = connection.execute(hold)
        assert isinstance(result, CursorResult)  # noqa: S101 - what an UPDATE gives
        return result.rowcount


def _keep_aside(target: Path, state: str, now: datetime) -> Path:
    aside = target.with_name(f"{target.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise BadInput(f"{aside} is there already: a restore of this very second. Try again.")
    if state == "damaged":
        target.rename(aside)
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        return aside
    with closing(_connect(target)) as live:
        live.execute("VACUUM INTO ?", (str(aside),))
    aside.chmod(0o600)
    return aside
