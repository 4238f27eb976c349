"""`cadencia calendars read`: what people and their scripts see of a calendar."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.integrations.ical.feeds import DATA, entry, feed
from workers.cli.calendars import calendars

MARCH = ("--from", "2026-03-01", "--to", "2026-04-01")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(calendars, ["read", *arguments])


def google(*arguments: str) -> Result:
    return run(str(DATA / "google.ics"), *MARCH, *arguments)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No settings file and no database here.
    monkeypatch.chdir(tmp_path)


def test_json_is_an_occurrence_a_line() -> None:
    lines = [json.loads(line) for line in google("--owner", "ana@example.com").stdout.splitlines()]
    assert [(e["start"], e["status"]) for e in lines] == [
        ("2026-03-02T09:00:00Z", "confirmed"),
        ("2026-03-09T09:00:00Z", "confirmed"),
        ("2026-03-16T09:00:00Z", "cancelled"),
        ("2026-03-25T15:30:00Z", "confirmed"),
        ("2026-03-30T08:00:00Z", "confirmed"),
    ]
    moved = lines[3]
    assert (moved["kind"], moved["original_start"], moved["copy_role"]) == (
        "exception", "2026-03-23T09:00:00Z", "organiser",
    )  # fmt: skip
    assert lines[0]["attendees"] == [
        {"email": "ana@example.com", "response": "accepted"},
        {"email": "berta@example.com", "response": "declined"},
    ]


def test_no_title_is_shown() -> None:
    assert "Sesi" not in google("--format", "json").output + google("--format", "table").output


def test_the_table_shows_wall_times() -> None:
    out = google("--format", "table", "--timezone", "Asia/Tokyo").stdout
    assert "2026-03-02 18:00  2026-03-02 19:00  confirmed" in out


def test_all_day_entries_have_dates() -> None:
    out = run(
        str(DATA / "apple.ics"), "--from", "2026-03-20", "--to", "2026-03-21", "--timezone", "Asia/Tokyo"
    ).stdout
    assert json.loads(out)["start"] == "2026-03-20"
    assert json.loads(out)["end"] == "2026-03-21"


def test_untagged_entries_are_shown_when_asked_for() -> None:
    assert len(google("--untagged").stdout.splitlines()) == 6


def test_from_is_included_and_to_is_not() -> None:
    days = run(
        str(DATA / "google.ics"), "--from", "2026-03-02", "--to", "2026-03-09", "--timezone", "UTC"
    ).stdout
    assert [json.loads(line)["start"] for line in days.splitlines()] == ["2026-03-02T09:00:00Z"]


def test_the_days_are_those_of_the_zone(tmp_path: Path) -> None:
    (tmp_path / "a.ics").write_bytes(feed(entry("DTSTART:20260302T233000Z", "DURATION:PT30M")))
    second = ("a.ics", "--from", "2026-03-02", "--to", "2026-03-03", "--timezone")
    assert len(run(*second, "UTC").stdout.splitlines()) == 1
    assert run(*second, "Asia/Tokyo").stdout == ""


def test_the_usual_window_is_told() -> None:
    assert "--from and --to change that" in run(str(DATA / "google.ics")).stderr


def test_what_was_set_aside_is_told_with_its_line(tmp_path: Path) -> None:
    data = feed(
        entry("DTSTART:20260302T100000Z"),
        entry("DTSTART;TZID=X:20260302T100000", uid="b", title="[mentoring] p"),
    )
    (tmp_path / "a.ics").write_bytes(data)
    result = run("a.ics", *MARCH)
    assert result.exit_code == 1
    assert "line 9: this entry was set aside: its time zone is unknown" in result.stderr
    assert "[mentoring]" not in result.output
    assert len(result.stdout.splitlines()) == 1


def test_an_issue_of_an_entry_that_was_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.ics").write_bytes(feed(entry("DTSTART:20260302T100000Z", "DTEND:20260302T090000Z")))
    result = run("a.ics", *MARCH)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert "ends before it starts" in result.stderr


@pytest.mark.parametrize("source", ["google:ana@example.com", "outlook:ana@example.com"])
def test_a_provider_that_is_not_set_up(source: str) -> None:
    result = run(source)
    assert result.exit_code == 2
    assert "calendars are not" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--from", "soon"),
        ("--timezone", "Mars/Olympus"),
        ("--format", "xml"),
        ("--from", "2026-03-02", "--to", "2026-03-02"),
    ],
)
def test_wrong_use(options: tuple[str, ...]) -> None:
    assert run(str(DATA / "google.ics"), *options).exit_code == 2


def test_markers_of_the_companys_own_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_TAGS", "Team meeting")
    assert len(google().stdout.splitlines()) == 6
