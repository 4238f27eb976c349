"""The one writer of ledgers: as a table for people, as lines of JSON, or as CSV with a row a period.

Ledgers are first made into pieces (`render`, which a worker process can do), then printed in order.
Nothing but ledgers is written to standard output here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, TextIO, TypeVar

import click

from tracker.cells import write_csv
from tracker.ledger import Ledger, PeriodVerdict, Verdict, encode_ledger

if TYPE_CHECKING:  # rich takes longer to import than a small file to judge
    from rich.console import Console
    from rich.table import Table

Format = Literal["table", "json", "csv"]
FORMATS: tuple[Format, ...] = ("table", "json", "csv")
PAGE_ROWS = 1000  # a table needs all its rows for its widths: a long one is printed in pages, in flat memory

COLUMNS = (
    "pair", "starts_on", "ends_before", "required", "verdict", "reason", "sessions", "missed_by",
    "now", "health", "health_reasons", "due", "met", "attendance", "consecutive_missed",
    "missed_by_mentor", "missed_by_mentee", "next_session", "next_review_at",
)  # fmt: skip
MARKS = {
    Verdict.MET: ("●", "#"),
    Verdict.MISSED: ("✗", "X"),
    Verdict.EXCUSED: ("-", "-"),
    Verdict.PLANNED: ("○", "o"),
    Verdict.OPEN: ("·", "."),
    Verdict.UNKNOWN: ("?", "?"),
    Verdict.DISPUTED: ("!", "!"),
    Verdict.UNCONFIRMED: ("~", "~"),
    Verdict.AWAITING: ("…", ":"),
    Verdict.RESCHEDULED: ("→", ">"),
}


class Row(NamedTuple):
    """One pair's row of the table."""

    pair: str
    health: str
    met: str
    attendance: str
    in_a_row: str
    next_session: str
    verdicts: tuple[Verdict, ...]


Piece = bytes | list[Row]
F = TypeVar("F", bound=Callable[..., object])


def format_option(command: F) -> F:
    """Add `--format` to a command that prints ledgers."""
    help_text = "How to print ledgers; table on a terminal, else json."
    return click.option("--format", "form", type=click.Choice(FORMATS), help=help_text)(command)


def choose_format(asked: str | None) -> Format:
    """Give the format that was asked for, or the one that suits where standard output goes."""
    for form in FORMATS:
        if form == asked:
            return form
    return "table" if sys.stdout.isatty() else "json"


def print_ledgers(ledgers: Iterable[Ledger], form: Format) -> None:
    """Print ledgers as they come, in flat memory."""
    with Printer(form) as printer:
        for ledger in ledgers:
            printer.put(render([ledger], form))


def render(ledgers: Iterable[Ledger], form: Format) -> Piece:
    """Make a piece of output of some ledgers."""
    if form == "json":
        return b"".join([encode_ledger(ledger) + b"\n" for ledger in ledgers])
    if form == "csv":
        return write_csv(chain.from_iterable(map(list_cells, ledgers))).encode()
    return [summarise(ledger) for ledger in ledgers]


class Printer:
    """Puts pieces on standard output, in order; a table is printed by the page, the last one on leaving."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._rows: list[Row] = []
        self._binary: BinaryIO = sys.stdout.buffer

    def __enter__(self) -> Printer:
        if self._form == "csv":
            self._binary.write(write_csv([COLUMNS]).encode())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or not issubclass(kind, (BrokenPipeError, KeyboardInterrupt)):
            self._print_page()
            self._binary.flush()

    def put(self, piece: Piece) -> None:
        """Print one piece."""
        if isinstance(piece, bytes):
            self._binary.write(piece)
            return
        self._rows += piece
        if len(self._rows) >= PAGE_ROWS:
            self._print_page()

    def _print_page(self) -> None:
        if self._rows:
            print_table(self._rows, sys.stdout)
            self._rows = []


def list_cells(ledger: Ledger) -> Iterator[tuple[object, ...]]:
    """Give a ledger's rows of CSV, one a period, in the order of COLUMNS."""
    pair = (
        write_instant(ledger.now),
        str(ledger.health),
        " ".join(ledger.health_reasons),
        ledger.due,
        ledger.met,
        ledger.attendance,
        ledger.consecutive_missed,
        ledger.missed_by_mentor,
        ledger.missed_by_mentee,
        write_instant(ledger.next_session),
        write_instant(ledger.next_review_at),
    )
    for period in ledger.periods:
        yield ledger.pair, *list_period_cells(period), *pair


def list_period_cells(period: PeriodVerdict) -> tuple[object, ...]:
    """Give the cells that differ from period to period."""
    return (
        period.starts_on.isoformat(),
        period.ends_before.isoformat(),
        period.required,
        str(period.verdict),
        period.reason and str(period.reason),
        " ".join(period.sessions),
        " ".join(period.missed_by),
    )


def write_instant(instant: datetime | None) -> str | None:
    """Write an instant in UTC as the JSON form does."""
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


def summarise(ledger: Ledger) -> Row:
    """Sum up one pair in a row of the table."""
    health = str(ledger.health).replace("_", " ")
    reasons = ", ".join(ledger.health_reasons).replace("_", " ")
    return Row(
        pair=ledger.pair,
        health=f"{health}: {reasons}" if reasons else health,
        met=f"{ledger.met}/{ledger.due}",
        attendance="" if ledger.attendance is None else f"{ledger.attendance:.0%}",
        in_a_row=str(ledger.consecutive_missed),
        next_session=f"{ledger.next_session:%Y-%m-%d %H:%M}" if ledger.next_session else "",
        verdicts=tuple(period.verdict for period in ledger.periods),
    )


def print_table(rows: list[Row], stream: TextIO) -> None:
    """Print rows as a table that reads well without colour, in what the stream's encoding can show."""
    from rich.console import Console
    from rich.text import Text

    # A pipe has no width: nothing is wrapped there.
    console = Console(file=stream, width=None if stream.isatty() else 10_000, highlight=False, emoji=False)
    plain = 0 if can_show(stream, "".join(mark for mark, _ in MARKS.values())) else 1
    console.print(build_table(rows, plain, console))
    seen = {verdict for row in rows for verdict in row.verdicts}
    legend = "  ".join(f"{MARKS[verdict][plain]} {verdict}" for verdict in MARKS if verdict in seen)
    console.print(Text(legend), soft_wrap=True)


def build_table(rows: list[Row], plain: int, console: Console) -> Table:
    """Lay out the table; `plain` picks the marks of ASCII."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("pair", "health"):
        table.add_column(name, overflow="fold")
    for name in ("met/due", "attended", "missed\nin a row"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("next session\n(UTC)")
    table.add_column("periods", overflow="fold")
    for row in rows:
        marks = "".join(MARKS[verdict][plain] for verdict in row.verdicts)
        pair = make_printable(row.pair, console.encoding)
        table.add_row(*map(Text, (pair, *row[1:-1], marks)))
    return table


def can_show(stream: TextIO, text: str) -> bool:
    """Tell whether a stream's encoding has these characters."""
    return make_printable(text, stream.encoding or "ascii") == text


def make_printable(text: str, encoding: str) -> str:
    """Replace what would steer the terminal, or what its encoding cannot show."""
    shown = "".join(char if char.isprintable() else "�" for char in text)
    return shown.encode(encoding, "replace").decode(encoding)
