"""Tables for spreadsheets. Never lets a text of somebody's be taken for a formula."""

import csv
import io
from collections.abc import Iterable

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")


def write_csv(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV (RFC 4180 but for the line ends, which are `\\n`)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[neutralise(cell) for cell in row] for row in rows])
    return text.getvalue()


def neutralise(cell: object) -> object:
    """Return the cell so that a spreadsheet shows a text and computes nothing; numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    # The writer quotes a line feed, but leaves a bare carriage return to end the row for whoever reads it.
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
