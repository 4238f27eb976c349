"""The doctor finds what is wrong, says how to mend it, and changes nothing."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.workers.cli.shell import Shell
from tracker.models import OutboxMail, OutboxState
from tracker.settings import load_settings
from tracker.store import Store


def _rows(folder: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(folder / "cadencia.sqlite")) as database:
        names = [r[0] for r in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(n, database.execute(f"SELECT count(*) FROM {n}").fetchone()[0]) for n in sorted(names)]


def _problems(shell: Shell, status: int = 1) -> list[str]:
    lines = shell.run("doctor", status=status).stdout.splitlines()
    return [line.removeprefix("problem").strip() for line in lines if line.startswith("problem")]


def test_a_good_set_up_is_well_and_stays_as_it_is(office: Shell) -> None:
    result = office.run("doctor")
    assert {line.split()[0] for line in result.stdout.splitlines()} == {"ok"}
    assert "2 connected, 2 tried, 2 can be read" in result.stdout


def test_nothing_is_written(shell: Shell) -> None:
    shell.run("init")
    before = _rows(shell.folder)
    shell.run("doctor")
    assert _rows(shell.folder) == before


def test_whose_calendar_can_not_be_read_is_named(office: Shell) -> None:
    (office.folder / "luis.ics").write_text("<html>Sign in</html>")
    (problem,) = _problems(office)
    assert problem.startswith("calendars: The calendar of luis@x.com: what is there is not a calendar")


def _give_up(count: int, reason: str | None) -> None:
    """Leave mails to 0@x.com, 1@x.com, ... that were given up, each a minute after the one before."""
    store, start = Store(load_settings().database_url), datetime(2026, 8, 3, tzinfo=UTC)
    with store.write() as db:
        for number in range(count):
            mail = OutboxMail(dedupe_key=f"key-{number}", kind="digest", sender="cadencia@x.com")
            mail.recipient, mail.message_id, mail.message = f"{number}@x.com", f"<{number}@x>", b""
            mail.state, mail.last_error = OutboxState.FAILED, reason
            mail.created_at = mail.due_at = start + timedelta(minutes=number)
            db.add(mail)
    store.close()


def test_mail_that_was_given_up_is_named_with_its_reason(office: Shell) -> None:
    _give_up(2, "The server refused it:\n550 no such user")
    reason = "was given up: The server refused it: 550 no such user"
    assert _problems(office) == [f"outbox: the mail to {number}@x.com {reason}" for number in (1, 0)]


def test_mail_that_was_given_up_for_no_known_reason_is_named(office: Shell) -> None:
    _give_up(1, None)
    assert _problems(office) == ["outbox: the mail to 0@x.com was given up: nobody knows why"]


def test_of_a_lot_of_mail_that_was_given_up_the_latest_is_named(office: Shell) -> None:
    _give_up(23, "No.")
    problems = _problems(office)
    assert problems[0] == "outbox: the mail to 22@x.com was given up: No."
    assert problems[20:] == ["outbox: 3 older ones were given up, too"]


def test_a_missing_set_up_is_told_what_to_run(shell: Shell) -> None:
    (problem,) = _problems(shell, status=2)
    assert "cadencia init" in problem
    shell.run("init")
    (shell.folder / "cadencia.sqlite").unlink()
    (problem,) = _problems(shell)
    assert problem.startswith("database: There is no database")
    assert not (shell.folder / "cadencia.sqlite").exists()


def test_a_setting_that_makes_no_sense_is_wrong_configuration(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CADENCIA_GRAPH_ROOT", "graph.microsoft.us")
    (problem,) = _problems(shell, status=2)
    assert problem.startswith("settings: CADENCIA_GRAPH_ROOT must be an address")


def test_a_mail_server_that_does_not_answer_is_found(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run("init")
    monkeypatch.setenv("CADENCIA_MAIL_URL", "smtp://u:s3cret@127.0.0.1:1")
    (problem,) = _problems(shell)
    assert problem.startswith("mail: The mail server 127.0.0.1:1 could not be used")
    assert "s3cret" not in problem


def test_a_mail_folder_that_is_a_file_is_found(shell: Shell) -> None:
    shell.run("init")
    shell.write("outbox", "")
    assert _problems(shell)[0].startswith("mail: The mail folder")


def test_a_misspelt_variable_and_a_file_open_to_others_are_found(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run("init")
    (shell.folder / "cadencia.env").chmod(0o644)
    monkeypatch.setenv("CADENCIA_TAG", "x")
    first, second = _problems(shell)
    assert "nothing reads CADENCIA_TAG" in first
    assert "chmod 600" in second


def test_a_clock_that_went_back_is_found(shell: Shell) -> None:
    shell.run("init")
    shell.write("people.csv", "email,name\na@x.com,Ana\n")
    shell.run("people", "import", "people.csv")
    with closing(sqlite3.connect(shell.folder / "cadencia.sqlite")) as database:
        database.execute("UPDATE audit_entries SET at = '2099-01-01 00:00:00.000000'")
        database.commit()
    (problem,) = _problems(shell)
    assert problem.startswith("clock: it says")


def test_other_keys_than_those_that_sealed_are_found(office: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_SECRET_KEYS", "A" * 43 + "=")
    (problem,) = _problems(office)
    assert problem.startswith("calendars: What is sealed in the database does not open")
