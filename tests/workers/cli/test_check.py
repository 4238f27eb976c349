"""`cadencia check`: pairs and calendar files in, ledgers out, and nothing left behind."""

import json
from typing import Any

import pytest

from tests.workers.cli.shell import Shell, calendar

HEAD = "program,mentor,mentee,timezone,starts_on,ends_on,cadence,mentor_calendar,mentee_calendar\n"
ROW = "L,ana@x.com,luis@x.com,Europe/Madrid,2026-08-03,2026-09-13,biweekly,cal/ana.ics,\n"
NOW = ("--now", "2026-09-20T10:00:00Z")


@pytest.fixture
def folder(shell: Shell) -> Shell:
    shell.write("lists/cal/ana.ics", calendar(3, 17, 31))
    return shell


def _check(shell: Shell, rows: str, *options: str, status: int = 0) -> list[dict[str, Any]]:
    shell.write("lists/pairs.csv", HEAD + rows)
    result = shell.run("check", "--pairs", "lists/pairs.csv", *NOW, *options, status=status)
    return [json.loads(line) for line in result.stdout.splitlines()]


def _verdicts(ledger: dict[str, Any]) -> list[str]:
    return [period["verdict"] for period in ledger["periods"]]


def test_calendars_are_trusted(folder: Shell) -> None:
    (ledger,) = _check(folder, ROW)
    assert _verdicts(ledger) == ["met", "met", "met"]
    assert ledger["now"] == "2026-09-20T10:00:00Z"


def test_a_policy_can_be_set(folder: Shell) -> None:
    (ledger,) = _check(folder, ROW, "--set", "unconfirmed_counts_as=unconfirmed")
    assert _verdicts(ledger) == ["unconfirmed"] * 3


def test_a_missing_session_is_missed(folder: Shell) -> None:
    folder.write("lists/cal/ana.ics", calendar(3, 17))
    (ledger,) = _check(folder, ROW)
    assert _verdicts(ledger) == ["met", "met", "missed"]


def test_it_leaves_nothing_behind_and_needs_no_set_up(folder: Shell) -> None:
    before = sorted(folder.folder.rglob("*"))
    folder.write("lists/pairs.csv", HEAD + ROW)
    folder.run("check", "--pairs", "lists/pairs.csv")
    assert sorted(folder.folder.rglob("*")) == sorted([*before, folder.folder / "lists/pairs.csv"])


def test_ledgers_come_in_the_order_of_the_file(folder: Shell) -> None:
    rows = [ROW.replace("ana@x.com", f"m{i % 3}@x.com").replace("luis", f"l{i}") for i in range(7)]
    names = [ledger["pair"] for ledger in _check(folder, "".join(rows))]
    assert names == [f"m{i % 3}@x.com/l{i}@x.com" for i in range(7)]


def test_two_agreements_of_a_pair_have_two_ledgers(folder: Shell) -> None:
    later = ROW.replace("2026-08-03", "2026-08-17")
    first = ROW.replace("2026-09-13", "2026-08-16")
    ledgers = _check(folder, later + first)
    assert [ledger["pair"] for ledger in ledgers] == [
        "ana@x.com/luis@x.com",
        "ana@x.com/luis@x.com@2026-08-03",
    ]
    assert [_verdicts(ledger) for ledger in ledgers] == [["met", "met"], ["met"]]


def test_a_calendar_that_can_not_be_read_is_named_and_judges_nobody(folder: Shell) -> None:
    folder.write(
        "lists/pairs.csv", HEAD + ROW.replace(",\n", ",cal/nope.ics\n") + ROW.replace("ana@", "eva@")
    )
    result = folder.run("check", "--pairs", "lists/pairs.csv", *NOW, status=1)
    assert "pairs.csv, line 2, mentee_calendar: The calendar of luis@x.com" in result.stderr
    unknown = json.loads(result.stdout.splitlines()[0])
    assert set(_verdicts(unknown)) <= {"unknown", "met"}
    assert unknown["health"] in ("unknown", "ended")


def test_a_pair_without_any_calendar_is_not_known(folder: Shell) -> None:
    (ledger,) = _check(folder, ROW.replace("cal/ana.ics", ""))
    assert _verdicts(ledger) == ["unknown"] * 3


def test_the_program_may_be_left_out(folder: Shell) -> None:
    folder.write("lists/pairs.csv", HEAD.removeprefix("program,") + ROW.removeprefix("L,"))
    folder.run("check", "--pairs", "lists/pairs.csv", *NOW)


def test_untagged_meetings_are_told_of(folder: Shell) -> None:
    folder.write("lists/cal/ana.ics", calendar(3, 17, 31).replace(" #mentoring", ""))
    folder.write("lists/pairs.csv", HEAD + ROW)
    result = folder.run("check", "--pairs", "lists/pairs.csv", *NOW)
    assert "3 meetings of exactly the two" in result.stderr
    assert "Private words" not in result.output


def test_every_bad_line_is_named(folder: Shell) -> None:
    rows = ROW + ROW + ROW.replace("luis@", "ana@") + ROW.replace("weekly", "weakly")
    folder.write("lists/pairs.csv", HEAD + rows)
    said = folder.run("check", "--pairs", "lists/pairs.csv", status=1).stderr.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "pairs.csv, line 3, starts_on",
        "pairs.csv, line 4, mentee",
        "pairs.csv, line 5, cadence",
    ]


@pytest.mark.parametrize(
    "options",
    [[], ["--pairs", "x", "--now", "yesterday"], ["--pairs", "x", "--set", "grace=1"], ["--pears", "x"]],
)
def test_wrong_use_ends_with_two(shell: Shell, options: list[str]) -> None:
    shell.run("check", *options, status=2)
