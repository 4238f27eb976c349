"""Tables for spreadsheets. Never lets a text of somebody's be taken for a formula."""

import csv
import io
from collections.abc import Iterable

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_csv(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV (RFC 4180 but for the line ends, which are `\\n`)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[neutralise(cell) for cell in row] for row in rows])
    return text.getvalue()


def neutralise(cell: object) -> object:
    """Return the cell so that a spreadsheet shows a text and computes nothing; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
