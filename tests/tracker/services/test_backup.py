"""Backups are of one moment however much is written meanwhile, and come back with a silent outbox."""

import stat
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from tracker.errors import BadInput, TrackerError
from tracker.models import CompanyHoliday, OutboxMail, OutboxState, Person, Program
from tracker.services import schema
from tracker.services.backup.copying import back_up, restore
from tracker.store import Store, sqlite_file

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _mail(key: str, state: OutboxState) -> OutboxMail:
    return OutboxMail(
        dedupe_key=key,
        kind="digest",
        sender="a@example.com",
        recipient="b@example.com",
        message_id=f"<{key}@example.com>",
        message=b"...",
        state=state,
        due_at=NOW,
        created_at=NOW,
    )


def _add_program(store: Store, name: str) -> None:
    with store.write() as db:
        db.add(Program(name=name, created_at=NOW))


def _names(store: Store) -> list[str]:
    with store.read() as db:
        return sorted(db.scalars(select(Program.name)))


@pytest.fixture
def other(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A second, empty database of the same kind."""
    if store.engine.dialect.name == "sqlite":
        url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.create_database())
    second = Store(url)
    yield second
    second.close()


def test_what_was_backed_up_comes_back(store: Store, other: Store, tmp_path: Path) -> None:
    _add_program(store, "Líderes")
    back_up(store, tmp_path / "copy")
    done = restore(other, tmp_path / "copy", NOW)
    assert _names(other) == ["Líderes"]
    assert done.aside is None
    schema.require_current(other)
    _add_program(other, "And new rows get new numbers")


def test_a_backup_is_its_owners_alone_and_leaves_nothing_else(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(store, folder / "copy")
    assert stat.S_IMODE((folder / "copy").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["copy"]


def test_a_backup_replaces_no_file_unless_told_to(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_text("dear to somebody")
    with pytest.raises(BadInput, match="--force"):
        back_up(store, target)
    assert target.read_text() == "dear to somebody"
    back_up(store, target, force=True)
    assert target.read_bytes()[:5] in (b"SQLit", b"PGDMP")


def test_a_backup_that_fails_leaves_the_old_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy"
    target.write_text("the good old one")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tracker.services.backup.copying._settle", fails)
    with pytest.raises(OSError, match="No space"):
        back_up(store, target, force=True)
    assert target.read_text() == "the good old one"
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def test_mail_that_waited_is_held_and_other_mail_is_left(store: Store, other: Store, tmp_path: Path) -> None:
    with store.write() as db:
        db.add_all([_mail(state.value, state) for state in OutboxState])
    back_up(store, tmp_path / "copy")
    assert restore(other, tmp_path / "copy", NOW).held == 3
    with other.read() as db:
        states = {m.dedupe_key: (m.state, m.last_error) for m in db.scalars(select(OutboxMail))}
    assert states["sent"] == (OutboxState.SENT, None)
    assert states["failed"] == (OutboxState.FAILED, None)
    for waited in ("queued", "inflight", "retry"):
        assert states[waited][0] is OutboxState.FAILED
        assert "restore" in str(states[waited][1])


def test_a_database_in_use_is_replaced_only_when_told_to_and_kept(store: Store, tmp_path: Path) -> None:
    _add_program(store, "then")
    back_up(store, tmp_path / "copy")
    _add_program(store, "now")
    store.close()
    with pytest.raises(BadInput, match="--force"):
        restore(store, tmp_path / "copy", NOW)
    assert _names(store) == ["now", "then"]
    store.close()
    done = restore(store, tmp_path / "copy", NOW, force=True)
    assert _names(store) == ["then"]
    assert _kept_names(store, str(done.aside)) == ["now", "then"]


def _kept_names(store: Store, aside: str) -> list[str]:
    if not aside.startswith("schema "):
        kept = Store(f"sqlite:///{aside}")
        names = _names(kept)
        kept.close()
        return names
    with store.engine.connect() as connection:
        query = text(f"SELECT name FROM {aside.removeprefix('schema ')}.programs ORDER BY name")
        return list(connection.scalars(query))


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0 but not really", b"PGDMP nonsense"])
def test_what_is_no_backup_is_refused_and_nothing_changes(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    _add_program(store, "now")
    store.close()
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(BadInput):
        restore(store, tmp_path / "copy", NOW, force=True)
    assert _names(store) == ["now"]


def test_a_backup_of_a_newer_version_is_refused(store: Store, other: Store, tmp_path: Path) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    # The check is the service's; a newer version would write such a backup.
    back_up(store, tmp_path / "copy")
    with pytest.raises(BadInput, match="newer"):
        restore(other, tmp_path / "copy", NOW)


def test_a_database_of_something_else_is_no_backup(tmp_path: Path) -> None:
    cats, store = Store(f"sqlite:///{tmp_path / 'cats.sqlite'}"), Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with cats.engine.begin() as connection:
        connection.execute(text("CREATE TABLE cats (id INTEGER)"))
    back_up(cats, tmp_path / "copy")
    with pytest.raises(BadInput, match="no data of Cadencia"):
        restore(store, tmp_path / "copy", NOW)
    for each in (cats, store):
        each.close()


def test_a_sqlite_backup_does_not_go_into_postgresql(fresh_database: str, tmp_path: Path) -> None:
    small = Store(f"sqlite:///{tmp_path / 'small.sqlite'}")
    schema.upgrade(small)
    back_up(small, tmp_path / "copy")
    small.close()
    big = Store(fresh_database)
    with pytest.raises(BadInput, match="sqlite"):
        restore(big, tmp_path / "copy", NOW)
    big.close()


def test_a_damaged_sqlite_database_can_be_replaced(tmp_path: Path) -> None:
    good = Store(f"sqlite:///{tmp_path / 'good.sqlite'}")
    schema.upgrade(good)
    _add_program(good, "then")
    back_up(good, tmp_path / "copy")
    good.close()
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000)
    store = Store(f"sqlite:///{broken}")
    with pytest.raises(BadInput, match="--force"):
        restore(store, tmp_path / "copy", NOW)
    done = restore(store, tmp_path / "copy", NOW, force=True)
    assert _names(store) == ["then"]
    assert Path(str(done.aside)).read_bytes().endswith(b"\xff")
    store.close()


def test_programs_that_have_a_sqlite_database_open_see_what_came_back(tmp_path: Path) -> None:
    store, watching = (Store(f"sqlite:///{tmp_path / 'x.sqlite'}") for _ in range(2))
    schema.upgrade(store)
    _add_program(store, "then")
    back_up(store, tmp_path / "copy")
    _add_program(store, "now")
    assert _names(watching) == ["now", "then"]
    restore(store, tmp_path / "copy", NOW, force=True)
    assert _names(watching) == ["then"]
    for each in (store, watching):
        each.close()


def test_postgresql_is_not_restored_under_other_programs(fresh_database: str, tmp_path: Path) -> None:
    store, watching = Store(fresh_database), Store(fresh_database)
    schema.upgrade(store)
    back_up(store, tmp_path / "copy")
    store.close()
    with watching.engine.connect(), pytest.raises(BadInput, match="other connections"):
        restore(store, tmp_path / "copy", NOW, force=True)
    for each in (store, watching):
        each.close()


def test_a_restore_that_fails_on_the_way_leaves_everything_as_it_was(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(fresh_database)
    schema.upgrade(store)
    _add_program(store, "then")
    back_up(store, tmp_path / "copy")
    _add_program(store, "now")
    store.close()
    broken = update(OutboxMail).values(last_error=text("1 / 0"))
    monkeypatch.setattr("tracker.services.backup.copying._HOLD", broken)
    with pytest.raises(TrackerError, match="nothing was changed"):
        restore(store, tmp_path / "copy", NOW, force=True)
    assert _names(store) == ["now", "then"]
    with store.engine.connect() as connection:
        schemas = connection.scalars(text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before%'"))
        assert schemas.all() == []
    schema.require_current(store)
    store.close()


def test_the_password_is_on_no_command_line(
    monkeypatch: pytest.MonkeyPatch, fresh_database: str, tmp_path: Path
) -> None:
    seen: list[list[str]] = []
    real = subprocess.run

    def watch(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        seen.append([str(part) for part in command])
        return real(command, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(subprocess, "run", watch)
    store = Store(fresh_database.replace("@", ":s3cret-word@"))
    schema.upgrade(store)
    back_up(store, tmp_path / "copy")
    assert seen
    assert not any("s3cret-word" in part for command in seen for part in command)
    store.close()


@pytest.mark.parametrize("round_", range(3))
def test_a_backup_under_load_is_of_one_moment(
    store: Store, other: Store, tmp_path: Path, round_: int
) -> None:
    """Each transaction adds a person and a day; a copy of two moments would have more of one of them."""
    stop = threading.Event()
    failures: list[Exception] = []

    def write() -> None:
        number = 0
        try:
            while not stop.is_set():
                with store.write() as db:
                    db.add(Person(email=f"p{number}@example.com", name="P" * 150, created_at=NOW))
                    db.flush()
                    db.add(
                        CompanyHoliday(day=NOW.date(), name="D" * 150, country="", subdivision=str(number))
                    )
                number += 1
        except Exception as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    known = []
    try:
        for copy in range(3):
            known.append(_count_people(store))
            back_up(store, tmp_path / f"copy{copy}")
    finally:
        stop.set()
        writer.join()
    assert failures == []
    restore(other, tmp_path / f"copy{round_}", NOW)
    with other.read() as db:
        days = db.scalar(select(func.count()).select_from(CompanyHoliday))
    assert _count_people(other) == days
    assert _count_people(other) >= known[round_]


def _count_people(store: Store) -> int:
    with store.read() as db:
        return db.scalar(select(func.count()).select_from(Person)) or 0


def test_the_database_file_stays_its_owners_alone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    schema.upgrade(store)
    back_up(store, tmp_path / "copy")
    restore(store, tmp_path / "copy", NOW)
    file = sqlite_file(store.url)
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    store.close()
