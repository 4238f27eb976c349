"""Consistent copies of the database while it is in use, and bringing one back.

Never overwrites anything unless told to, and even then keeps what it replaces. After a restore the outbox is
held: what it wanted to send may have been sent long ago. Keys are not in a backup.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import update

from tracker.errors import BadInput
from tracker.models import OutboxMail, OutboxState
from tracker.services.backup import postgres, sqlite
from tracker.services.backup.kinds import Restored
from tracker.store import Store

_MAGIC = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}
# What was waiting in the backup becomes a dead letter. It goes with the restore itself, all or nothing: were
# it a step of its own, a process that died before it would leave an outbox that sends the past once more.
_HOLD = (
    update(OutboxMail)
    .where(OutboxMail.state.in_((OutboxState.QUEUED, OutboxState.INFLIGHT, OutboxState.RETRY)))
    .values(
        state=OutboxState.FAILED,
        leased_until=None,
        last_error="held back after a restore: it may have been sent before",
    )
)


def back_up(store: Store, target: Path, *, force: bool = False) -> None:
    """Write a consistent copy to `target`, readable by its owner alone; it is there whole, or not at all.

    Raises BadInput where `target` exists, unless `force`.
    """
    kind = _kind(store)
    with _new_file(target, force=force) as partial:
        kind.back_up(store, partial)


def restore(store: Store, source: Path, now: datetime, *, force: bool = False) -> Restored:
    """Put the copy in `source` in the place of the database, bring it up to date and hold its outbox.

    Raises BadInput where `source` is no backup of ours or of a newer version, and where the database is not
    empty, unless `force`: then the old one is kept aside.
    """
    found = _kind_of_file(source)
    if found != store.engine.dialect.name:
        raise BadInput(
            f"{source} is a backup of {found}, but CADENCIA_DATABASE_URL names {store.engine.dialect.name}."
        )
    return _kind(store).restore(store, source, now, _HOLD, force=force)


def _kind(store: Store) -> sqlite.Sqlite | postgres.Postgres:
    return sqlite.Sqlite() if store.engine.dialect.name == "sqlite" else postgres.Postgres()


def _kind_of_file(source: Path) -> str:
    with source.open("rb") as file:
        start = file.read(16)
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    raise BadInput(f"{source} is not a backup that `cadencia backup` wrote.")


@contextmanager
def _new_file(target: Path, *, force: bool) -> Iterator[Path]:
    """Give a file beside `target` to write to; it becomes `target` at the end, if nothing failed."""
    if target.is_dir():
        raise BadInput(f"{target} is a folder. Name a file.")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent} is no folder. Make it first.")
    if target.exists() and not force:
        raise BadInput(f"{target} is there already. Choose another name, or add --force to replace it.")
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield partial
        _settle(partial)
        _put(partial, target, force=force)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _settle(path: Path) -> None:
    # A backup that is only in the machine's memory is none when the power fails.
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _put(partial: Path, target: Path, *, force: bool) -> None:
    if force:
        partial.replace(target)
        return
    try:
        os.link(partial, target)  # unlike a rename, never replaces what came there in between
    except FileExistsError:
        raise BadInput(f"{target} is there already. Choose another name, or add --force.") from None
    except OSError:
        partial.rename(target)  # the file system knows no links
