"""pairs.csv, read and checked line by line. Knows no database: who the people are is asked elsewhere."""

from dataclasses import dataclass
from datetime import date
from email.utils import parseaddr
from functools import partial

from tracker.ledger import Cadence
from tracker.services.connections import CalendarAt
from tracker.services.importing.fields import read_address, read_cadence, read_day, read_text, read_zone
from tracker.services.importing.people_file import read_calendar
from tracker.services.importing.tables import BadCell, Columns, File, Problems, Row, read_table

_REQUIRED = ("program", "mentor", "mentee", "timezone", "starts_on", "ends_on", "cadence")
CALENDARS = ("mentor_calendar", "mentee_calendar")
COLUMNS = Columns(known=(*_REQUIRED, *CALENDARS), required=_REQUIRED)
# Where nothing is kept, a program is only a name.
COLUMNS_TO_CHECK = Columns(known=COLUMNS.known, required=_REQUIRED[1:])
LONGEST_YEARS = 20


@dataclass(frozen=True, slots=True)
class Member:
    """How the file names one of the two people; `name` is empty where it gives an address alone."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class PairRow:
    """One line of pairs.csv: what one pair agreed from `starts_on` to `ends_on`, both included."""

    line: int
    program: str
    mentor: Member
    mentee: Member
    timezone: str
    starts_on: date
    ends_on: date
    cadence: Cadence
    mentor_calendar: CalendarAt | None = None
    mentee_calendar: CalendarAt | None = None


def read_pairs(file: File, columns: Columns = COLUMNS) -> tuple[list[PairRow], Problems]:
    """Read pairs.csv. Raises BadInput where nothing can be read; problems of single lines are returned."""
    table = read_table(file, columns)
    rows = [_pair(row, table.problems, file) for row in table.rows]
    return [row for row in rows if row is not None], table.problems


def _pair(row: Row, problems: Problems, file: File) -> PairRow | None:
    program = problems.take(row, "program", read_text) or ""
    mentor, mentee = problems.take(row, "mentor", read_member), problems.take(row, "mentee", read_member)
    zone = problems.take(row, "timezone", read_zone)
    first, last = problems.take(row, "starts_on", read_day), problems.take(row, "ends_on", read_day)
    cadence = problems.take(row, "cadence", read_cadence)
    calendars = [
        problems.take(row, column, partial(read_calendar, email=member.email, folder=file.folder))
        for column, member in zip(CALENDARS, (mentor, mentee), strict=True)
        if member
    ]
    if not (mentor and mentee and zone and first and last and cadence):
        return None
    if not _is_term(row, first, last, problems):
        return None
    return PairRow(row.line, program, mentor, mentee, zone, first, last, cadence, *calendars)


def _is_term(row: Row, first: date, last: date, problems: Problems) -> bool:
    if last < first:
        problems.add(row.line, "ends_on", f"{last} is before the first day, {first}.")
    elif last.year - first.year > LONGEST_YEARS:
        problems.add(row.line, "ends_on", f"{last} is more than {LONGEST_YEARS} years after the first day.")
    else:
        return True
    return False


def read_member(text: str) -> Member:
    """Return the person of `ana@example.com` or `Ana Pérez <ana@example.com>`."""
    if "<" not in text:
        return Member(read_address(text))
    name, address = parseaddr(text)
    if not address:
        raise BadCell("is not a mail address such as ana@example.com, nor Ana Pérez <ana@example.com>.")
    return Member(read_address(address), name)
