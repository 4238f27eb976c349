"""The whole path by hand: init, imports, sync, review, ledger, evidence, replay, confirm."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.workers.cli.shell import Shell, calendar


def _ledgers(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _last_period(shell: Shell) -> dict[str, Any]:
    (ledger,) = _ledgers(shell.run("ledger").stdout)
    period: dict[str, Any] = ledger["periods"][-1]
    return period


def test_init_makes_settings_and_database_for_their_owner_alone(shell: Shell) -> None:
    shell.run("init")
    for name in ("cadencia.env", "cadencia.sqlite"):
        assert stat.S_IMODE((shell.folder / name).stat().st_mode) == 0o600
    shell.run("doctor")


def test_init_again_changes_nothing(shell: Shell) -> None:
    shell.run("init")
    before = (shell.folder / "cadencia.env").read_bytes()
    said = shell.run("init").stderr
    assert (shell.folder / "cadencia.env").read_bytes() == before
    assert said.count("is there already") == 2


def test_two_inits_make_different_keys(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run("init")
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    shell.run("init")
    assert (other / "cadencia.env").read_text() != (shell.folder / "cadencia.env").read_text()


def test_init_overwrites_no_file_and_follows_no_link(shell: Shell) -> None:
    target = shell.folder / "precious"
    (shell.folder / "cadencia.env").symlink_to(target)
    shell.run("init", status=2)
    assert not target.exists()


def test_init_writes_no_keys_where_the_environment_has_them(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CADENCIA_SECRET_KEYS", "A" * 43 + "=")
    shell.run("init")
    assert not (shell.folder / "cadencia.env").exists()
    assert (shell.folder / "cadencia.sqlite").exists()


@pytest.mark.parametrize(
    "command",
    [
        "sync",
        "review",
        "ledger",
        "evidence export",
        "digest",
        "backup x",
        "people import p.csv",
        "up",
        "confirm 1 --by a@x.com --held",
    ],
)
def test_without_a_set_up_a_command_says_what_to_run(shell: Shell, command: str) -> None:
    shell.write("p.csv", "email,name\n")
    result = shell.run(*command.split(), status=2)
    assert "cadencia init" in result.stderr
    assert sorted(p.name for p in shell.folder.iterdir()) == ["p.csv"]


def test_without_a_database_a_command_says_what_to_run_and_makes_none(shell: Shell) -> None:
    shell.run("init")
    (shell.folder / "cadencia.sqlite").unlink()
    assert "cadencia init" in shell.run("sync", status=2).stderr
    assert not (shell.folder / "cadencia.sqlite").exists()


def test_the_path_from_files_to_ledgers(office: Shell) -> None:
    assert "2 read, 0 failed" in office.run("sync").stderr
    assert "Reviewed 1 pairs" in office.run("review").stderr
    (ledger,) = _ledgers(office.run("ledger").stdout)
    assert ledger["pair"] == "p-1"
    assert [p["verdict"] for p in ledger["periods"]] == ["unconfirmed"] * 3


def test_a_second_sync_and_review_find_nothing_new(office: Shell) -> None:
    for _ in range(2):
        synced, reviewed = office.run("sync").stderr, office.run("review").stderr
    assert "0 entries new" in synced
    assert "Reviewed 0 pairs" in reviewed
    assert "Reviewed 1 pairs" in office.run("review", "--all").stderr


def test_no_title_is_stored_or_said(office: Shell) -> None:
    said = "".join(office.run(c).output for c in ("sync", "review", "ledger"))
    stored = b"".join(path.read_bytes() for path in office.folder.parent.glob("*.sqlite*"))
    assert "Private words" not in said
    assert b"Private words" not in stored


def test_evidence_replays_to_the_ledger(office: Shell) -> None:
    office.run("sync")
    office.run("review")
    (stored,) = _ledgers(office.run("ledger").stdout)
    exported = office.run("evidence", "export", "--program", "lideres").stdout
    office.write("evidence.ndjson", exported)
    (replayed,) = _ledgers(office.run("replay", "evidence.ndjson", "--now", str(stored["now"])).stdout)
    assert replayed == stored


def test_ledgers_have_three_forms(office: Shell) -> None:
    office.run("review")
    assert office.run("ledger", "--format", "csv").stdout.startswith("pair,starts_on,")
    assert "p-1" in office.run("ledger", "--format", "table").stdout
    assert json.loads(office.run("ledger", "--format", "json", "--pair", "1").stdout)


def test_ledgers_that_are_not_there_are_told_of(office: Shell) -> None:
    result = office.run("ledger")
    assert result.stdout == ""
    assert "run `cadencia review`" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--pair", "p-99"], "no pair p-99"),
        (["--pair", "x"], "not the name of a pair"),
        (["--program", "Foo"], "Known: Líderes"),
    ],
)
@pytest.mark.parametrize("command", [["ledger"], ["evidence", "export"]])
def test_a_pair_or_program_that_is_not_there_is_named(
    office: Shell, command: list[str], options: list[str], said: str
) -> None:
    assert said in office.run(*command, *options, status=1).stderr


def test_a_calendar_that_can_not_be_read_is_named_and_the_rest_goes_on(office: Shell) -> None:
    (office.folder / "luis.ics").unlink()
    result = office.run("sync", status=1)
    assert "The calendar of luis@x.com: there is no file" in result.stderr
    assert "1 read, 1 failed" in result.stderr
    office.run("sync", "--person", "ANA@x.com")
    office.run("sync", "--person", "luis@x.com", status=1)


def test_many_removals_wait_until_they_are_accepted(office: Shell) -> None:
    office.write("ana.ics", calendar(*range(3, 20)))
    office.run("sync")
    office.write("ana.ics", calendar(3))
    assert "--accept-removals" in office.run("sync", status=1).stderr
    office.run("sync", "--person", "ana@x.com", "--accept-removals")
    assert "No calendar was held back" in office.run("sync", "--accept-removals").stderr


def test_what_a_participant_said_is_recorded(office: Shell) -> None:
    office.run("sync")
    office.run("review")
    (session,) = _last_period(office)["sessions"]
    office.run("confirm", session, "--by", "luis@x.com", "--not-held", "--absent", "mentor")
    office.run("confirm", session.upper(), "--by", "ana@x.com", "--not-held", "--absent", "mentor")
    office.run("review")
    assert _last_period(office)["verdict"] == "missed"
    assert _last_period(office)["missed_by"] == ["mentor"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["s-1", "--by", "ana@x.com"], 2, "--held or --not-held"),
        (["s-1", "--by", "ana@x.com", "--held", "--absent", "mentor"], 2, "--not-held"),
        (["s-1", "--by", "ana@x.com", "--not-held", "--absent", "boss"], 2, "boss"),
        (["s-1", "--held"], 2, "--by"),
        (["s-99", "--by", "ana@x.com", "--held"], 1, "has no session s-99"),
        (["s-1", "--by", "eve@x.com", "--held"], 1, "Nobody is known by eve@x.com"),
        (["soon", "--by", "ana@x.com", "--held"], 1, "not the name of a session"),
    ],
)
def test_a_confirmation_that_makes_no_sense_is_refused(
    office: Shell, arguments: list[str], status: int, said: str
) -> None:
    office.run("sync")
    assert said in office.run("confirm", *arguments, status=status).stderr


def test_days_off_are_imported(office: Shell) -> None:
    office.write("days.csv", "date,name,country\n2026-08-15,Feast,\n")
    assert "1 added" in office.run("holidays", "import", "days.csv").stderr
    assert "1 as they were" in office.run("holidays", "import", "days.csv").stderr


def test_a_bad_file_is_refused_with_every_line_named(office: Shell) -> None:
    office.write("bad.csv", "email,name,timezone\nx,X,Nowhere\n")
    said = office.run("people", "import", "bad.csv", status=1).stderr.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "bad.csv, line 2, email",
        "bad.csv, line 2, timezone",
    ]
    assert "no such file" in office.run("pairs", "import", "nope.csv", status=1).stderr
    office.run("people", "import", str(office.folder), status=1)


def test_a_file_without_end_is_no_list(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.cli.setup.LARGEST_FILE", 1000)
    shell.write("people.csv", "email,name\n" + "a@x.com,Ana\n" * 200)
    assert "Is it a list" in shell.run("people", "import", "people.csv", status=1).stderr


def test_a_backup_comes_back(office: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    office.run("sync")
    office.run("backup", "copy")
    assert "--force" in office.run("backup", "copy", status=1).stderr
    assert "--force" in office.run("restore", "copy", status=1).stderr
    assert "is kept" in office.run("restore", "copy", "--force").stderr
    office.run("review")
    assert _ledgers(office.run("ledger").stdout)
    assert "not a backup" in office.run("restore", "people.csv", status=1).stderr
    office.run("restore", "nope", status=1)
    monkeypatch.setenv("CADENCIA_SECRET_KEYS", "A" * 43 + "=")
    assert "CADENCIA_SECRET_KEYS" in office.run("sync", status=2).stderr
