"""people.csv, read and checked line by line. Knows no database: who has an address is asked elsewhere."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tracker.models import Provider
from tracker.services.connections import CalendarAt
from tracker.services.importing.fields import (
    read_address,
    read_addresses,
    read_country,
    read_language,
    read_roles,
    read_text,
    read_zone,
)
from tracker.services.importing.tables import BadCell, Columns, File, Problems, Row, nearest, read_table

COLUMNS = Columns(
    known=(
        "email",
        "name",
        "timezone",
        "language",
        "country",
        "calendar",
        "aliases",
        "department",
        "manager",
        "roles",
    ),
    required=("email", "name"),
)
CLEAR = "-"
_BY_WORD = (Provider.GOOGLE, Provider.OUTLOOK, Provider.MAILBOX)  # found by the person's own address
MOST_NOTES = 10


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of people.csv. `values` holds the columns of Person that the line gives a value for.

    `aliases` and `calendar` are None where the cell is empty, which leaves what is known; `disconnects` is
    True where the cell says `-`.
    """

    line: int
    email: str
    values: dict[str, object]
    aliases: frozenset[str] | None
    calendar: CalendarAt | None
    disconnects: bool


def read_people(file: File) -> tuple[list[PersonRow], Problems]:
    """Read people.csv.

    Raises BadInput where nothing can be read; problems of single lines are returned.
    """
    table = read_table(file, COLUMNS)
    rows = [_person(row, table.problems, file.folder) for row in table.rows]
    return [row for row in rows if row is not None], table.problems


def _person(row: Row, problems: Problems, folder: Path | None) -> PersonRow | None:
    email = problems.take(row, "email", read_address)
    values = _values(row, problems)
    aliases = frozenset[str]() if row["aliases"] == CLEAR else problems.take(row, "aliases", read_addresses)
    disconnects = row["calendar"] == CLEAR
    calendar = (
        None
        if disconnects
        else problems.take(row, "calendar", lambda text: read_calendar(text, email or "", folder))
    )
    if email is None:
        return None
    return PersonRow(
        row.line, email, values, None if aliases is None else aliases - {email}, calendar, disconnects
    )


def _values(row: Row, problems: Problems) -> dict[str, object]:
    values: dict[str, object] = {"name": problems.take(row, "name", read_text)}
    for column, read in (("timezone", read_zone), ("language", read_language)):
        values[column] = problems.take(row, column, read)
    given = {column: value for column, value in values.items() if value is not None}
    for column, read in (("department", read_text), ("manager", _read_manager)):
        if row[column]:
            given[column] = None if row[column] == CLEAR else problems.take(row, column, read)
    return given | _place(row, problems) | _roles(row, problems)


def _read_manager(text: str) -> str:
    return read_address(text) if "@" in text else read_text(text)


def _place(row: Row, problems: Problems) -> dict[str, object]:
    if row["country"] == CLEAR:
        return {"country": None, "subdivision": None}
    place = problems.take(row, "country", read_country)
    return {} if place is None else {"country": place[0], "subdivision": place[1]}


def _roles(row: Row, problems: Problems) -> dict[str, object]:
    roles = frozenset[str]() if row["roles"] == CLEAR else problems.take(row, "roles", read_roles)
    return {} if roles is None else {"is_hr": "hr" in roles, "is_admin": "admin" in roles}


def read_calendar(text: str, email: str, folder: Path | None) -> CalendarAt:
    """Return where the calendar of the person at `email` is. A message never repeats the cell."""
    word = text.lower()
    if word in _BY_WORD:
        return CalendarAt(Provider(word), email)
    if match := re.match(r"(https?|webcals?)://[^\s/]+", text, flags=re.IGNORECASE):
        # A webcal link is how Apple and others write the address of a feed.
        rest = text[len(match.group(1)) :]
        return CalendarAt(Provider.ICAL, ("http" if match.group(1).lower() == "http" else "https") + rest)
    if not word.endswith(".ics") or "://" in word:
        near = nearest(word, _BY_WORD) if len(word) < 12 else ""
        raise BadCell(
            f"is no calendar.{near} Write google, outlook, mailbox, an https address or the path of an "
            ".ics file."
        )
    if folder is None:
        raise BadCell("is the path of a file. Only the command `cadencia people import` can take one.")
    # Not resolved: a link to the newest export is to be followed at each reading.
    return CalendarAt(Provider.ICAL, os.path.abspath(folder / Path(text).expanduser()))  # noqa: PTH100


def missing_files(rows: list[PersonRow], file: File) -> tuple[str, ...]:
    """Return a note for each calendar file that is not there yet: no reason to refuse the person."""
    missing = [
        (row.line, row.calendar.address)
        for row in rows
        if row.calendar
        and row.calendar.address.startswith(os.sep)
        and not Path(row.calendar.address).exists()
    ]
    notes = [
        f"{file.name}, line {line}, calendar: there is no file {path} yet."
        for line, path in missing[:MOST_NOTES]
    ]
    rest = len(missing) - len(notes)
    return (*notes, f"{file.name}: {rest} more calendar files are not there yet.") if rest else tuple(notes)
