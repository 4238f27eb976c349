"""Whatever fails is said in words, with a status, and never as a traceback."""

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workers.cli.shell import Shell
from tracker.errors import BadInput, BadSettings, NotAllowed
from workers.cli import COMMANDS
from workers.cli.failures import explain, tell

CADENCIA = (sys.executable, "-c", "from workers.cli import main; main(prog_name='cadencia')")
ROOT = Path(__file__).parents[3]


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def _process(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CADENCIA, *arguments],
        cwd=folder,
        env=_environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    assert "Usage:" in shell.run(command, "--help").stdout


def _loaded(code: str) -> set[str]:
    code = f"import sys\n{code}\nprint()\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=_environment(), capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_list_of_commands_imports_none_of_them() -> None:
    loaded = _loaded("from workers.cli import main; main(['--help'], standalone_mode=False)")
    assert not {"sqlalchemy", "flask", "cryptography", "rich"} & loaded


def test_replay_starts_without_a_database() -> None:
    loaded = _loaded("import workers.cli, workers.cli.replay")
    assert not {"sqlalchemy", "flask", "cryptography", "requests"} & loaded


def test_a_command_that_is_not_there_is_told_the_near_one(shell: Shell) -> None:
    assert "Did you mean 'people'?" in shell.run("peple", status=2).stderr
    shell.run(status=2)


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (BadInput(["one", "two"]), 1, ["one", "two"]),
        (BadSettings("set it"), 2, ["cadencia: set it"]),
        (NotAllowed("no"), 1, ["cadencia: no"]),
        (
            OSError(28, "No space left on device", "x"),
            1,
            ["cadencia: The disk is full. Make room, then run it again."],
        ),
        (PermissionError(13, "Permission denied", "x"), 1, ["cadencia: x: permission denied."]),
    ],
)
def test_known_failures_are_said(error: Exception, status: int, lines: list[str]) -> None:
    assert explain(error) == lines
    assert tell(error) == status


def test_an_unknown_failure_says_where_its_details_are(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        raise ZeroDivisionError("a secret")
    except ZeroDivisionError as error:
        (line,) = explain(error)
    assert "ZeroDivisionError" in line
    assert "secret" not in line
    (kept,) = tmp_path.glob("cadencia-error-*.log")
    assert str(kept) in line
    assert "Traceback" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_a_locked_database_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.store.BUSY_TIMEOUT_S", 0.05)
    shell.run("init")
    shell.write("p.csv", "email,name\na@x.com,Ana\n")
    blocking = sqlite3.connect(shell.folder / "cadencia.sqlite", isolation_level=None)
    blocking.execute("BEGIN IMMEDIATE")
    assert "busy" in shell.run("people", "import", "p.csv", status=1).stderr
    blocking.close()
    shell.run("people", "import", "p.csv")


def test_a_server_that_is_not_there_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_DATABASE_URL", "postgresql://u:s3cret@127.0.0.1:1/x")
    for command in ("init", "sync"):
        said = shell.run(command, status=2).stderr
        assert "does not answer" in said
        assert "s3cret" not in said


def test_a_file_that_is_no_database_is_said(shell: Shell) -> None:
    shell.run("init")
    (shell.folder / "cadencia.sqlite").write_text("not a database" * 1000)
    assert "not SQLite's" in shell.run("sync", status=2).stderr


def test_a_bad_settings_file_is_said(shell: Shell) -> None:
    shell.write("cadencia.env", "CADENCIA_DATABSE_URL=x\n")
    for command in ("init", "sync", "doctor"):
        assert "CADENCIA_DATABSE_URL" in shell.run(command, status=2).output


@pytest.fixture
def stocked(shell: Shell) -> Shell:
    """A folder with more ledgers than a pipe holds."""
    shell.run("init")
    shell.write("people.csv", "email,name\n" + "".join(f"p{i}@x.com,P\n" for i in range(200)))
    shell.run("people", "import", "people.csv")
    rows = "".join(
        f"P,p{i}@x.com,p{i + 100}@x.com,Europe/Madrid,2024-01-01,2026-12-31,weekly\n" for i in range(100)
    )
    shell.write("pairs.csv", "program,mentor,mentee,timezone,starts_on,ends_on,cadence\n" + rows)
    shell.run("pairs", "import", "pairs.csv")
    shell.run("review")
    return shell


def test_a_reader_who_leaves_early_is_no_failure_to_speak_of(stocked: Shell) -> None:
    command = subprocess.Popen(
        [*CADENCIA, "ledger", "--format", "json"],
        cwd=stocked.folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout
    assert command.stderr
    command.stdout.readline()
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait(60) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_said(stocked: Shell) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*CADENCIA, "ledger", "--format", "json"],
            cwd=stocked.folder,
            env=_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.strip() == "cadencia: The disk is full. Make room, then run it again."


def test_ctrl_c_is_quiet(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workers.cli.init.load_settings", interrupted)
    assert shell.run("init", status=130).stderr.splitlines()[1:] in ([], [""])


def test_debugging_shows_the_traceback(shell: Shell) -> None:
    done = _process(shell.folder, "sync", CADENCIA_DEBUG="1")
    assert "Traceback" in done.stderr
    assert "Traceback" not in _process(shell.folder, "sync").stderr


def test_up_serves_the_site_and_leaves_on_request(shell: Shell) -> None:
    shell.run("init")
    shell.write("people.csv", "email,name,roles\nana@x.com,Ana,hr\n")
    shell.run("people", "import", "people.csv")
    port = _free_port()
    site = subprocess.Popen(
        [*CADENCIA, "up", "--port", str(port)],
        cwd=shell.folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert site.stdout
        assert site.stdout.readline() == f"Cadencia is at http://127.0.0.1:{port}\n"
        assert "cadencia people link" in (hint := site.stdout.readline())
        assert "/sign-in/" not in hint  # standard output is a log here
        assert _status(port) == 302
        second = _process(shell.folder, "up", "--port", str(port))
        assert second.returncode == 2
        assert f"Port {port} is taken" in second.stderr
    finally:
        asked = time.monotonic()
        site.send_signal(signal.SIGTERM)
        _, said = site.communicate(timeout=60)
    assert site.returncode == 0
    assert time.monotonic() - asked < 15
    assert "Traceback" not in said


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    status = connection.getresponse().status
    connection.close()
    return status
