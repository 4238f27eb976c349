"""CSV files as people and spreadsheets write them, read into rows. Knows no meaning of any column.

Takes UTF-8 with or without a byte order mark, UTF-16 with one; commas, semicolons or tabs; any line ends;
quoted cells over several lines; Excel's `sep=;`; columns and rows that are empty. What can not be taken is
collected, so that a person hears of everything at once.
"""

import codecs
import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from tracker.errors import BadInput

MAX_CELL = 4000
_DELIMITERS = ",;\t"
# What pasting from web pages and mails leaves behind: zero-width and direction marks.
_INVISIBLE = dict.fromkeys(
    [0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)


T = TypeVar("T")


class BadCell(ValueError):
    """One cell that makes no sense; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that was handed in: `name` is what problems call it; paths in it count from `folder`.

    A file that came over the network has no folder, and paths in it are refused.
    """

    name: str
    data: bytes = field(repr=False)
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a file may have and those that it must have."""

    known: tuple[str, ...]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `line` is where it begins in the file; every known column has a cell, empty where none is."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(slots=True)
class Problems:
    """What is wrong with one file, in the words of its reader."""

    file: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, column: str, text: str) -> None:
        """Note a problem; `line` 0 means the file as a whole, an empty `column` the whole line."""
        place = ", ".join([self.file, *([f"line {line}"] if line else []), *([column] if column else [])])
        self.found.append((line, f"{place}: {text}"))

    def take(self, row: Row, column: str, read: Callable[[str], T]) -> T | None:
        """Return what `read` makes of a cell: None where it is empty, or where it is bad, which is noted."""
        if not row[column]:
            return None
        try:
            return read(row[column])
        except BadCell as error:
            self.add(row.line, column, str(error))
            return None

    def raise_any(self) -> None:
        """Raise BadInput with all problems in the order of lines, if there is any."""
        if self.found:
            raise BadInput([text for _, text in sorted(self.found, key=lambda found: found[0])])


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was read; `columns` are those that stand in its header."""

    columns: frozenset[str]
    rows: list[Row]
    problems: Problems


def read_table(file: File, columns: Columns) -> Table:
    """Read a CSV file into rows.

    Raises BadInput where nothing can be read. Problems of single lines are in the table: a caller adds its
    own and raises them together.
    """
    problems = Problems(file.name)
    text = _decode(file.data, file.name)
    delimiter, skip = _delimiter(text, columns)
    records = _records(text, delimiter, skip, problems)
    header = next(records, None)
    if header is None:
        problems.add(0, "", f"the file is empty. Its first line names the columns: {','.join(columns.known)}")
        problems.raise_any()
        raise AssertionError
    names = _names(header, columns, problems)
    problems.raise_any()
    rows = list(_rows(records, names, columns, problems))
    return Table(frozenset(filter(None, names)), rows, problems)


def shown(text: str) -> str:
    """Return a cell's text as a message may show it: short, in quotes."""
    return f"“{text[:57]}…”" if len(text) > 60 else f"“{text}”"


def nearest(text: str, choices: Iterable[str]) -> str:
    """Return " Did you mean X?" for the choice that `text` comes close to, else nothing."""
    near = get_close_matches(text, list(choices), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""


def _decode(data: bytes, file: str) -> str:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadInput(f"{file}: this is a workbook, not text. In the spreadsheet choose Save as, CSV UTF-8.")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput(
            f"{file}, line {line}: the file is not in UTF-8. In Excel choose Save as, “CSV UTF-8 (comma "
            "delimited)”; in LibreOffice choose the character set Unicode (UTF-8)."
        ) from None
    return text.removeprefix("\ufeff")


def _delimiter(text: str, columns: Columns) -> tuple[str, int]:
    # Returns the delimiter, and how many lines stand before the header for Excel alone.
    first = text.lstrip().partition("\n")[0].strip().strip('"')
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    head = next((line for line in text.splitlines() if line.strip()), "")

    def fit(delimiter: str) -> int:
        return sum(_column_name(cell) in columns.known for cell in head.split(delimiter))

    return max(_DELIMITERS, key=fit), 0


def _records(text: str, delimiter: str, skip: int, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    line = 1
    try:
        for cells in reader:
            cleaned = [_clean(cell) for cell in cells]
            if any(cleaned):
                if skip:
                    skip -= 1
                else:
                    yield line, cleaned
            line = reader.line_num + 1
    except csv.Error as error:
        # What follows can not be told apart any more, so this is the last problem of the file.
        problems.add(line, "", _explain(str(error)))


def _explain(said: str) -> str:
    if "larger than field limit" in said:
        return "a cell is far too long. Is a quotation mark missing?"
    hint = "a quotation mark opens here and does not close" if "end of data" in said else said
    return f"{hint}. Write a quotation mark inside a cell twice, and close every cell."


def _clean(cell: str) -> str:
    text = cell if cell.isascii() else unicodedata.normalize("NFC", cell).translate(_INVISIBLE)
    return " ".join(text.split())


def _column_name(cell: str) -> str:
    return _clean(cell).strip('"').strip().lower().replace(" ", "_").replace("-", "_")


def _names(header: tuple[int, list[str]], columns: Columns, problems: Problems) -> list[str]:
    line, cells = header
    names = [_column_name(cell) for cell in cells]
    for name in dict.fromkeys(filter(None, names)):
        if name not in columns.known:
            near = nearest(name, columns.known)
            problems.add(
                line, "", f"there is no column {shown(name)}.{near} Known: {', '.join(columns.known)}."
            )
        elif names.count(name) > 1:
            problems.add(line, "", f"the column {name} stands there twice.")
    if missing := [name for name in columns.required if name not in names]:
        problems.add(line, "", f"missing columns: {', '.join(missing)}. The first line names the columns.")
    return names


def _rows(
    records: Iterator[tuple[int, list[str]]], names: list[str], columns: Columns, problems: Problems
) -> Iterator[Row]:
    empty = dict.fromkeys(columns.known, "")
    for line, cells in records:
        if any(cells[len(names) :]):
            problems.add(
                line,
                "",
                f"has more cells than the header ({len(names)}). Put text with a separator into quotes.",
            )
            continue
        row = Row(line, empty | {name: cell for name, cell in zip(names, cells, strict=False) if name})
        if any(cell and not name for name, cell in zip(names, cells, strict=False)):
            problems.add(line, "", "has a cell below an empty header. Name the column or empty the cell.")
        _check_cells(row, problems)
        _require(row, columns, problems)
        yield row


def _check_cells(row: Row, problems: Problems) -> None:
    for column, cell in row.cells.items():
        if not cell.isprintable() and any(unicodedata.category(c) == "Cc" for c in cell):
            problems.add(row.line, column, "holds a control character. Type the cell again.")
        elif len(cell) > MAX_CELL:
            problems.add(row.line, column, f"is longer than {MAX_CELL} characters.")


def _require(row: Row, columns: Columns, problems: Problems) -> None:
    for column in columns.required:
        if not row[column]:
            problems.add(row.line, column, "is empty. It is needed in every row.")
