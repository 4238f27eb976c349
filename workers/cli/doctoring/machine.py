"""What the doctor looks at on this machine: settings, database, disk and clock. Changes nothing."""

import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select

from integrations.registry import Ports
from tracker.models import AuditEntry, Calendar, Program
from tracker.services import schema
from tracker.settings import SETTINGS_FILE, Settings, unused_names
from tracker.store import sqlite_file
from tracker.wording import CATALOGUE, LANGUAGES
from workers.cli.doctoring.finding import Findings, fine, problem

LEAST_FREE_BYTES = 200 * 1024 * 1024
CLOCK_SLACK = timedelta(minutes=5)
BUILT_IN = datetime(2026, 1, 1, tzinfo=UTC)


def check_translations() -> Findings:
    """Look whether every language but the source has its compiled catalogue."""
    missing = [
        code
        for code in LANGUAGES
        if code != "en" and not (CATALOGUE / code / "LC_MESSAGES" / "messages.mo").is_file()
    ]
    if missing:
        yield problem(
            f"translations: {', '.join(missing)} is not compiled. Run `make translations`, or reinstall."
        )
    else:
        yield fine(f"translations: {', '.join(LANGUAGES)}")


def check_zones() -> Findings:
    """Look whether the machine knows time zones."""
    for name in ("Europe/Madrid", "America/Bogota"):
        ZoneInfo(name)
    yield fine("time zones")


def check_settings(settings: Settings) -> Findings:
    """Look for names that nobody reads, and for a file that others can read."""
    for name in unused_names():
        yield problem(f"settings: nothing reads {name}. Is it misspelt? See docs/settings.md.")
    file = Path(SETTINGS_FILE)
    if file.is_file() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield problem(f"settings: others can read {file}, and it holds keys. Run: chmod 600 {file}")
    else:
        count = len(settings.keys)
        yield fine(f"settings: {count} key{'' if count == 1 else 's'}, the site at {settings.base_url}")


def check_database(ports: Ports) -> Findings:
    """Look whether the tables are of this version, and really write a row and take it back."""
    schema.require_current(ports.store)
    with ports.store.engine.connect().execution_options(cadencia_writes=True) as connection:
        with connection.begin() as transaction:
            row = {
                "name": "doctor was here",
                "policy": {},
                "suggests_untagged": False,
                "created_at": BUILT_IN,
            }
            connection.execute(insert(Program), row)
            transaction.rollback()
        if ports.store.engine.dialect.name == "sqlite":
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if said != "ok":
                yield problem("database: the file is damaged. Restore a backup: `cadencia restore FILE`.")
                return
    yield fine(f"database: {ports.store.engine.dialect.name}, version {schema.newest()}, can be written")


def check_disk(settings: Settings) -> Findings:
    """Look whether there is room where we write."""
    database = sqlite_file(settings.database_url)
    folders = {(database.parent if database else Path()).resolve(), Path().resolve()}
    for folder in sorted(folders):
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE_BYTES:
            yield problem(f"disk: only {free // 2**20} MB are free in {folder}. Make room.")
        else:
            yield fine(f"disk: {free // 2**30} GB are free in {folder}")


def check_clock(ports: Ports) -> Findings:
    """Look whether the machine's clock went back, or was never set."""
    now = ports.clock.now()
    with ports.store.read() as db:
        latest = [db.scalar(select(func.max(c))) for c in (AuditEntry.at, Calendar.last_tried_at)]
    known = max((at for at in latest if at), default=BUILT_IN)
    if now < known - CLOCK_SLACK:
        yield problem(
            f"clock: it says {now:%Y-%m-%d %H:%M} UTC, but the database knows {known:%Y-%m-%d %H:%M}. Set it."
        )
    else:
        yield fine(f"clock: {now:%Y-%m-%d %H:%M} UTC")
