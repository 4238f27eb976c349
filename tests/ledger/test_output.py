"""The one writer of ledgers: table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import pytest

from tests.ledger.makers import held, look, pair, said, seen, session
from tracker.ledger import Ledger, Verdict, encode_ledger
from workers.cli import output
from workers.cli.output import MARKS, choose_format, print_ledgers

STOOD_UP = session("m", seen("03-20 10:00"), statements=[said("mentee", False, "mentor", at="03-20 12:00")])
PAIR = pair(
    held("=a", "03-05 10:00"), STOOD_UP, session("n", seen("04-08 10:00")), pair="-p", ends_on="2026-04-12"
)
LEDGER = look(PAIR, "04-03 08:00")


class Screen(io.TextIOWrapper):
    """A standard output in some encoding, with a terminal behind it or not."""

    def __init__(self, encoding: str, tty: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._tty = tty

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._tty

    def read_back(self) -> str:
        """Give what was written."""
        self.flush()
        self.seek(0)
        return self.read()


def shown(*ledgers: Ledger, encoding: str = "utf-8", monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the table of some ledgers."""
    screen = Screen(encoding, tty=False)
    monkeypatch.setattr(sys, "stdout", screen)
    print_ledgers(ledgers, "table")
    return screen.read_back()


def rows(*ledgers: Ledger, capsysbinary: pytest.CaptureFixture[bytes]) -> list[list[str]]:
    """Give the rows of CSV of some ledgers."""
    print_ledgers(ledgers, "csv")
    return list(csv.reader(io.StringIO(capsysbinary.readouterr().out.decode())))


def test_it_writes_json_as_it_is(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    print_ledgers([LEDGER, LEDGER], "json")
    assert capsysbinary.readouterr().out == (encode_ledger(LEDGER) + b"\n") * 2


def test_it_writes_a_row_of_csv_a_period(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    head, *body = rows(LEDGER, capsysbinary=capsysbinary)
    assert head[:8] == [
        "pair",
        "starts_on",
        "ends_before",
        "required",
        "verdict",
        "reason",
        "sessions",
        "missed_by",
    ]
    assert [row[1:8] for row in body] == [
        ["2026-03-02", "2026-03-16", "1", "met", "on_time", "'=a", ""],
        ["2026-03-16", "2026-03-30", "1", "missed", "no_show", "", "mentor"],
        ["2026-03-30", "2026-04-13", "1", "planned", "", "n", ""],
    ]
    assert body[0][8:] == [
        "2026-04-03T08:00:00Z", "at_risk", "missed", "2", "1", "0.5", "1", "1", "0",
        "2026-04-08T10:00:00Z", "2026-04-06T08:00:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx"])
def test_it_keeps_spreadsheets_from_taking_a_name_for_a_formula(
    name: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    first = rows(look(pair(pair=name), "03-05"), capsysbinary=capsysbinary)[1]
    assert first[0] == "'" + name.replace("\r", "\n")


def test_it_shows_a_row_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(LEDGER, monkeypatch=monkeypatch)
    (row,) = [line.split() for line in text.splitlines() if line.lstrip().startswith("-p")]
    assert row == ["-p", "at", "risk:", "missed", "1/2", "50%", "1", "2026-04-08", "10:00", "●✗○"]
    assert "● met" in text
    assert "✗ missed" in text
    assert "excused" not in text


def test_it_falls_back_on_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    named = look(pair(held("a", "03-05 10:00"), pair="José"), "04-03")
    text = shown(named, encoding="ascii", monkeypatch=monkeypatch)
    assert text.isascii()
    assert "#X....." in text
    assert "# met" in text


def test_it_shows_control_characters_and_markup_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(look(pair(pair="[bold]\x1b[31mred\n"), "03-05"), monkeypatch=monkeypatch)
    assert "\x1b" not in text
    assert "[bold]�[31mred�" in text


def test_it_has_a_mark_of_its_own_for_each_verdict() -> None:
    assert set(MARKS) == set(Verdict)
    assert (
        len({mark for mark, _ in MARKS.values()})
        == len({plain for _, plain in MARKS.values()})
        == len(Verdict)
    )
    assert all(len(mark) == len(plain) == 1 and plain.isascii() for mark, plain in MARKS.values())


def test_it_prints_long_tables_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PAGE_ROWS", 3)
    text = shown(*[LEDGER] * 7, monkeypatch=monkeypatch)
    assert text.count("met/due") == 3
    assert text.count("at risk: missed") == 7


@pytest.mark.parametrize(
    ("asked", "tty", "expected"),
    [(None, True, "table"), (None, False, "json"), ("csv", True, "csv"), ("table", False, "table")],
)
def test_it_suits_the_format_to_where_it_prints(
    asked: str | None, tty: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Screen("utf-8", tty))
    assert choose_format(asked) == expected


def test_it_does_not_pay_for_tables_that_it_does_not_print() -> None:
    code = "import sys, workers.cli.replay; sys.exit('rich' in sys.modules or 'sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
