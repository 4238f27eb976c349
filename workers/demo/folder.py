"""The demo's folder: the company's files as they would be handed in. Replaces nothing but a demo."""

import csv
import shutil
from datetime import datetime
from pathlib import Path

from tracker.errors import BadSettings
from workers.demo.cast import Member
from workers.demo.company import Company
from workers.demo.plot import Plot

MARKER = ".cadencia-demo"
CALENDARS = "calendars"

ABOUT = """\
This is a sample company, made by `cadencia demo`. Nobody in it exists.

people.csv, pairs.csv   what Human Resources would hand in
calendars/              what everybody's calendar program exports
outbox/                 the mails that would have been sent
cadencia.env            the settings of this demo, cadencia.sqlite its database

In this folder every command works on the demo: cadencia ledger, cadencia sync, cadencia up ...
`cadencia demo` replaces the whole folder the next time.
"""


def claim_folder(folder: Path) -> None:
    """Make the folder empty and mark it as a demo; raises BadSettings where it holds anything else."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BadSettings(f"{folder} is no folder. Choose another: cadencia demo --dir DIR.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise BadSettings(
            f"{folder} is not empty and no earlier demo, so nothing was touched. "
            "Choose another: cadencia demo --dir DIR."
        )
    try:
        if folder.exists():
            _empty(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).write_text("Made by `cadencia demo`, which may replace this folder.\n")
    except OSError as error:
        raise BadSettings(f"{folder} can not be written ({error.strerror}).") from None


def _empty(folder: Path) -> None:
    # The marker goes last: a folder that was half emptied is still known as a demo.
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MARKER):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_tables(company: Company, folder: Path) -> None:
    """Write people.csv, pairs.csv and a word about the folder."""
    (folder / "README.txt").write_text(ABOUT, encoding="utf-8")
    _write_csv(folder / "people.csv", [_person(member) for member in company.people])
    _write_csv(folder / "pairs.csv", [_pair(plot) for plot in company.plots])


def write_calendars(company: Company, folder: Path, as_of: datetime) -> None:
    """Write everybody's calendar as it would be exported at `as_of`."""
    for member in company.people:
        write_calendar(company, folder, member, as_of)


def write_calendar(company: Company, folder: Path, member: Member, as_of: datetime) -> None:
    """Write one calendar as it would be exported at `as_of`."""
    path = folder / _calendar(member)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(company.calendar_of(member, as_of))


def _calendar(member: Member) -> str:
    return f"{CALENDARS}/{member.email.partition('@')[0]}.ics"


def _person(member: Member) -> dict[str, str]:
    return {
        "email": member.email,
        "name": member.name,
        "timezone": member.office.timezone,
        "language": member.office.language,
        "country": member.office.country,
        "calendar": _calendar(member),
        "aliases": " ".join(member.aliases),
        "department": member.department,
        "manager": member.manager,
        "roles": member.roles,
    }


def _pair(plot: Plot) -> dict[str, str]:
    return {
        "program": plot.term.program,
        "mentor": plot.mentor.email,
        "mentee": plot.mentee.email,
        "timezone": plot.mentee.office.timezone,
        "starts_on": plot.term.starts[0].isoformat(),
        "ends_on": plot.term.ends_on.isoformat(),
        "cadence": plot.term.cadence,
        # For `cadencia check`, which needs no database and no people.csv.
        "mentor_calendar": _calendar(plot.mentor),
        "mentee_calendar": _calendar(plot.mentee),
    }


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
