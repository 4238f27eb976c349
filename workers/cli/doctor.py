"""`cadencia doctor`: is everything as it should be, tried for real, and how to mend what is not."""

import shutil
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from sqlalchemy import func, insert, select

from integrations.registry import Ports, check_mail, open_ports
from tracker.errors import ConnectorError, TrackerError
from tracker.events import Window
from tracker.models import AuditEntry, Calendar, CalendarStatus, Person, Program
from tracker.services import schema
from tracker.services.outbox import dead_letters, oldest_due_at
from tracker.settings import SETTINGS_FILE, Settings, load_settings, unused_names
from tracker.store import sqlite_file
from tracker.tags import TagRules
from tracker.wording import CATALOGUE, LANGUAGES
from workers.cli.failures import IN_PART, explain
from workers.cli.problems import explain_problem

LEAST_FREE_BYTES = 200 * 1024 * 1024
STALE_AFTER = timedelta(days=3)
MAIL_LATE_AFTER = timedelta(minutes=15)
CLOCK_SLACK = timedelta(minutes=5)
MOST_LETTERS = 20  # so many that were given up are named: the latest
MOST_CALENDARS = 20  # so many are read for real: those with trouble first
THREADS = 8
_BUILT_IN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `is_fine` False makes the command end with 1."""

    is_fine: bool
    text: str


Findings = Iterator[Finding]


def fine(text: str) -> Finding:
    """Return a line that says that all is well."""
    return Finding(True, text)


def problem(text: str) -> Finding:
    """Return a line that says what is wrong and what to do."""
    return Finding(False, text)


@click.command()
def doctor() -> int:
    """Check settings, database, mail, calendars, disk and clock, and say how to mend what fails.

    It writes to the database and takes that back, connects to the mail server and reads calendars.
    """
    found = [_say(finding) for finding in examine()]
    bad = sum(not finding.is_fine for finding in found)
    click.echo(f"{bad} problem{'s' * (bad > 1)}." if bad else "All is well.", err=True)
    return IN_PART if bad else 0


def _say(finding: Finding) -> Finding:
    click.echo(f"{'ok' if finding.is_fine else 'problem':8} {finding.text}")
    return finding


def examine() -> Findings:
    """Yield what is found, one after the other; what needs the settings is left out where these are wrong."""
    yield from _safely("translations", check_translations)
    yield from _safely("time zones", check_zones)
    try:
        settings = load_settings()
        yield from check_settings(settings)
        ports = open_ports(settings)
    except TrackerError as error:
        yield problem(f"settings: {error}")
        return
    try:
        yield from _safely("database", lambda: check_database(ports))
        yield from _safely("disk", lambda: check_disk(settings))
        yield from _safely("mail", lambda: check_post(ports))
        if _is_ready(ports):
            for name, check in (
                ("clock", check_clock),
                ("outbox", check_outbox),
                ("calendars", check_calendars),
            ):
                yield from _safely(name, lambda check=check: check(ports))  # type: ignore[misc]
    finally:
        ports.store.close()


def _safely(name: str, check: Callable[[], Findings]) -> Findings:
    # One check that fails must not hide what the others find.
    try:
        yield from check()
    except Exception as error:
        yield problem(f"{name}: {' '.join(explain(error)).removeprefix('cadencia: ')}")


def _is_ready(ports: Ports) -> bool:
    try:
        schema.require_current(ports.store)
    except Exception:
        return False
    return True


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
        yield fine(f"settings: {len(settings.keys)} keys, the site at {settings.base_url}")


def check_database(ports: Ports) -> Findings:
    """Look whether the tables are of this version, and really write a row and take it back."""
    schema.require_current(ports.store)
    with ports.store.engine.connect().execution_options(cadencia_writes=True) as connection:
        with connection.begin() as transaction:
            row = {
                "name": "doctor was here",
                "policy": {},
                "suggests_untagged": False,
                "created_at": _BUILT_IN,
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


def check_post(ports: Ports) -> Findings:
    """Talk to the mail server for real."""
    check_mail(ports)
    where = ports.settings.mail_url.partition(":")[0]
    yield fine("mail: to a folder of .eml files" if where == "file" else f"mail: the {where} server answers")


def check_clock(ports: Ports) -> Findings:
    """Look whether the machine's clock went back, or was never set."""
    now = ports.clock.now()
    with ports.store.read() as db:
        latest = [db.scalar(select(func.max(c))) for c in (AuditEntry.at, Calendar.last_tried_at)]
    known = max((at for at in latest if at), default=_BUILT_IN)
    if now < known - CLOCK_SLACK:
        yield problem(
            f"clock: it says {now:%Y-%m-%d %H:%M} UTC, but the database knows {known:%Y-%m-%d %H:%M}. Set it."
        )
    else:
        yield fine(f"clock: {now:%Y-%m-%d %H:%M} UTC")


def check_outbox(ports: Ports) -> Findings:
    """Name the mail that was given up, and look for mail that nobody sends."""
    now = ports.clock.now()
    with ports.store.read() as db:
        dead = [(mail.recipient, mail.last_error or "nobody knows why") for mail in dead_letters(db)]
        oldest = oldest_due_at(db)
        has_reader = db.scalar(select(func.count()).where(Person.is_hr | Person.is_admin))
    for recipient, reason in dead[:MOST_LETTERS]:
        yield problem(f"outbox: the mail to {recipient} was given up: {' '.join(reason.split())}")
    if len(dead) > MOST_LETTERS:
        yield problem(f"outbox: {len(dead) - MOST_LETTERS} older mails were given up, too")
    if oldest and now - oldest > MAIL_LATE_AFTER:
        yield problem(f"outbox: mail waits since {oldest:%Y-%m-%d %H:%M} UTC. Is `cadencia up` running?")
    elif not dead:
        yield fine("outbox: nothing is late")
    if not has_reader:
        yield fine("people: nobody has the role hr or admin yet; `cadencia people import` gives roles")


@dataclass(frozen=True, slots=True)
class _Known:
    person: str
    timezone: str
    provider: str
    address: str
    problem: str | None
    last_read_at: datetime | None


def check_calendars(ports: Ports) -> Findings:
    """Read calendars for real, those with trouble first, and name whose can not be read or is stale."""
    known = sorted(_load_calendars(ports), key=lambda c: (c.problem is None, c.last_read_at or _BUILT_IN))
    now = ports.clock.now()
    tried, failing = known[:MOST_CALENDARS], set()
    with ThreadPoolExecutor(THREADS) as pool:
        for calendar, code in zip(tried, pool.map(lambda c: _try(ports, c, now), tried), strict=True):
            if code:
                failing.add(calendar)
                yield problem(f"calendars: {explain_problem(code, calendar.person)}")
    for calendar in known:
        if calendar not in failing and calendar.problem:
            yield problem(f"calendars: {explain_problem(calendar.problem, calendar.person)}")
        elif calendar not in failing and calendar.last_read_at and now - calendar.last_read_at >= STALE_AFTER:
            when = f"{calendar.last_read_at:%Y-%m-%d}"
            yield problem(
                f"calendars: that of {calendar.person} was last read on {when}. Run `cadencia sync`."
            )
    yield fine(
        f"calendars: {len(known)} connected, {len(tried)} tried, {len(tried) - len(failing)} can be read"
    )


def _load_calendars(ports: Ports) -> list[_Known]:
    query = (
        select(Calendar, Person)
        .join(Person, Person.id == Calendar.person_id)
        .where(Calendar.status == CalendarStatus.CONNECTED)
    )
    with ports.store.read() as db:
        return [
            _Known(
                person.email,
                person.timezone,
                calendar.provider,
                ports.vault.open(calendar.address, calendar.address_binding),
                calendar.problem,
                calendar.last_read_at,
            )
            for calendar, person in db.execute(query)
        ]


def _try(ports: Ports, calendar: _Known, now: datetime) -> str | None:
    window = Window(now - timedelta(days=7), now + timedelta(days=7))
    try:
        ports.sources.open(calendar.provider, calendar.address, calendar.timezone).pull(
            None, window, TagRules()
        )
    except ConnectorError as error:
        return error.code
    except TrackerError:
        return "internal"
    return None
