"""Running commands as a person in a folder does, without a process for each."""

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from workers.cli import main


@dataclass(frozen=True, slots=True)
class Shell:
    """A person at the command line, in `folder`."""

    folder: Path

    def run(self, *arguments: str, status: int = 0, stdin: str | None = None) -> Result:
        """Run one command, which has to end with `status`, and never with a traceback."""
        result = CliRunner().invoke(main, list(arguments), input=stdin)
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        assert "should not have happened" not in result.output
        return result

    def write(self, name: str, text: str) -> str:
        """Write a file into the folder, and return its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name


def calendar(
    *days: int, month: str = "2026-08", organiser: str = "ana@x.com", guest: str = "luis@x.com"
) -> str:
    """Return an .ics file with a marked session at 10:00 UTC on each of these days."""
    dates = {day: f"{month.replace('-', '')}{day:02}" for day in days}
    entries = "".join(
        f"BEGIN:VEVENT\r\nUID:m{day}@x\r\nDTSTAMP:20260701T000000Z\r\nCREATED:20260701T000000Z\r\n"
        f"DTSTART:{date}T100000Z\r\nDTEND:{date}T110000Z\r\nSUMMARY:Private words #mentoring\r\n"
        f"ORGANIZER:mailto:{organiser}\r\nATTENDEE:mailto:{organiser}\r\nATTENDEE:mailto:{guest}\r\n"
        "END:VEVENT\r\n"
        for day, date in dates.items()
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{entries}END:VCALENDAR\r\n"
