"""A person at the command line: in an empty folder, or in one where everything is set up."""

from pathlib import Path

import pytest

from tests.workers.cli.shell import Shell, calendar


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A person in an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Shell(folder)


@pytest.fixture
def office(shell: Shell, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A person whose database (SQLite, PostgreSQL) has a pair with three sessions."""
    monkeypatch.setenv("CADENCIA_DATABASE_URL", database_url)
    shell.run("init")
    shell.write("ana.ics", calendar(3, 17, 31))
    shell.write("luis.ics", calendar(3, 17, 31))
    people = "email,name,calendar,roles\nana@x.com,Ana,ana.ics,hr\nluis@x.com,Luis,luis.ics,\n"
    shell.run("people", "import", shell.write("people.csv", people))
    pairs = (
        "program,mentor,mentee,timezone,starts_on,ends_on,cadence\n"
        "Líderes,ana@x.com,luis@x.com,Europe/Madrid,2026-08-03,2026-09-13,biweekly\n"
    )
    shell.run("pairs", "import", shell.write("pairs.csv", pairs))
    return shell
