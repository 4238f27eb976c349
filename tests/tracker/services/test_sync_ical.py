"""The same with .ics files and the real connector: what it gives, and that the rest leaves no trace."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from integrations.providers import SettingsSources
from integrations.vault import FernetVault
from tests.tracker.world import JANUARY, MENTEE, MENTOR, NoDesks, PlainWriter, World, instant
from tracker.clock import FixedClock
from tracker.ledger import Session, Side
from tracker.models import Calendar, Provider
from tracker.services.review import review
from tracker.services.sync import Outcome, SyncResult, sync_calendar
from tracker.settings import Settings
from tracker.store import Store

PARTY = "Surprise party for the chairwoman"
SECRET_PLACE = "Room of the seven seals"
STRANGER = "zoe.stranger@elsewhere.example"
EVENT = """BEGIN:VEVENT
UID:{uid}@example.com
DTSTAMP:20260102T090000Z
CREATED:20260102T090000Z
LAST-MODIFIED:{updated}
DTSTART:{start}
DTEND:{end}
SUMMARY:{title}
{more}
ORGANIZER:mailto:ana@example.com
ATTENDEE;PARTSTAT=ACCEPTED:mailto:ana@example.com
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{guest}
END:VEVENT
"""


def entry(uid: str, start: str, *more: str, updated: str = "2026-01-02 09:00", **fields: str) -> str:
    begins = instant(start)
    plain = {"title": "Ben #mentoring", "guest": MENTEE} | fields
    return EVENT.format(
        uid=uid,
        start=stamp(begins),
        end=stamp(begins + timedelta(hours=1)),
        updated=stamp(instant(updated)),
        more="\n".join(more) or "CLASS:PUBLIC",
        **plain,
    )


def stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


@dataclass
class Reader:
    """The ports, with calendars from files."""

    world: World
    sources: SettingsSources
    folder: Path

    @property
    def store(self) -> Store:
        """Return the database."""
        return self.world.store

    @property
    def vault(self) -> FernetVault:
        """Return the vault."""
        assert isinstance(self.world.vault, FernetVault)
        return self.world.vault

    @property
    def settings(self) -> Settings:
        """Return the settings."""
        return self.world.settings

    @property
    def consents(self) -> NoDesks:
        """Return no desks."""
        return self.world.consents

    @property
    def writer(self) -> PlainWriter:
        """Return who writes letters."""
        return self.world.writer

    @property
    def clock(self) -> FixedClock:
        """Return the clock."""
        return self.world.clock

    def connect(self, person_id: int, name: str) -> int:
        """Connect the person's calendar, a file of that name."""
        with self.store.write() as db:
            calendar = Calendar(person_id=person_id, provider=Provider.ICAL, connected_at=JANUARY)
            address = str(self.folder / name)
            calendar.fingerprint = self.vault.fingerprint(address)
            calendar.address = self.vault.seal(address, calendar.address_binding)
            db.add(calendar)
            db.flush()
            return calendar.id

    def publish(self, name: str, *entries: str) -> None:
        """Write the calendar anew."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *entries, "END:VCALENDAR"]
        (self.folder / name).write_text("\n".join(line.strip() for line in lines).replace("\n", "\r\n"))

    def sync(self, calendar_id: int, at: str) -> SyncResult:
        """Read the calendar."""
        return sync_calendar(self, calendar_id, instant(at))


@pytest.fixture
def reader(store: Store, vault: FernetVault, tmp_path: Path) -> Reader:
    folder = tmp_path / "calendars"
    folder.mkdir()
    world = World(store, vault)
    return Reader(world, SettingsSources(world.settings), folder)


@dataclass
class Anas:
    """Ana's calendar, and the pair."""

    reader: Reader
    pair: int
    calendar: int

    def publish(self, *entries: str) -> None:
        """Write it anew."""
        self.reader.publish("ana.ics", *entries)

    def sync(self, at: str) -> SyncResult:
        """Read it."""
        return self.reader.sync(self.calendar, at)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Return what is known."""
        return self.reader.world.evidence(self.pair).sessions

    def steps(self) -> list[list[str]]:
        """Return when each session was, and as what."""
        return [
            [f"{o.starts_at:%m-%d %H} {o.status.value}" for o in session.observations]
            for session in self.sessions
        ]


@pytest.fixture
def ana(reader: Reader) -> Anas:
    mentor, mentee = reader.world.person(MENTOR), reader.world.person(MENTEE)
    pair = reader.world.pair(reader.world.program(), mentor, mentee)
    return Anas(reader, pair, reader.connect(mentor, "ana.ics"))


WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=4"


def test_a_series_with_a_moved_and_a_left_out_occurrence(ana: Anas) -> None:
    ana.publish(
        entry("series", "2026-03-02 10:00", WEEKLY, "EXDATE:20260309T100000Z", updated="2026-01-20 10:00"),
        entry("series", "2026-03-18 15:00", "RECURRENCE-ID:20260316T100000Z", updated="2026-01-25 10:00"),
    )

    assert ana.sync("2026-02-01 08:00").outcome is Outcome.READ
    assert ana.steps() == [
        ["03-02 10 confirmed"],
        ["03-09 10 confirmed", "03-09 10 cancelled"],
        ["03-16 10 confirmed", "03-18 15 confirmed"],
        ["03-23 10 confirmed"],
    ]
    assert ana.sessions[1].observations[-1].at == instant("2026-01-20 10:00")
    assert ana.sessions[2].observations[-1].at == instant("2026-01-25 10:00")


def test_a_file_that_did_not_change_is_unchanged(ana: Anas) -> None:
    ana.publish(entry("series", "2026-03-02 10:00", WEEKLY))
    ana.sync("2026-02-01 08:00")

    assert ana.sync("2026-02-02 08:00").outcome is Outcome.UNCHANGED


def test_a_series_that_moves_from_monday_to_tuesday(ana: Anas) -> None:
    ana.publish(entry("series", "2026-03-02 10:00", WEEKLY))
    ana.sync("2026-02-01 08:00")
    ana.publish(entry("series", "2026-03-03 10:00", WEEKLY, updated="2026-02-10 10:00"))

    ana.sync("2026-02-11 08:00")

    assert ana.steps() == [
        [f"{monday} 10 confirmed", f"{tuesday} 10 confirmed"]
        for monday, tuesday in (
            ("03-02", "03-03"),
            ("03-09", "03-10"),
            ("03-16", "03-17"),
            ("03-23", "03-24"),
        )
    ]


def test_a_meeting_that_becomes_a_series_stays_a_session(ana: Anas) -> None:
    ana.publish(entry("series", "2026-03-02 10:00"))
    ana.sync("2026-02-01 08:00")
    ana.publish(entry("series", "2026-03-02 10:00", WEEKLY, updated="2026-02-10 10:00"))

    ana.sync("2026-02-11 08:00")

    assert ana.steps() == [[f"{day} 10 confirmed"] for day in ("03-02", "03-09", "03-16", "03-23")]


def test_a_cancelled_meeting_names_the_organiser(ana: Anas) -> None:
    ana.publish(entry("one", "2026-03-02 10:00"))
    ana.sync("2026-02-01 08:00")
    ana.publish(entry("one", "2026-03-02 10:00", "STATUS:CANCELLED", updated="2026-02-10 10:00"))

    ana.sync("2026-02-11 08:00")

    assert ana.steps() == [["03-02 10 confirmed", "03-02 10 cancelled"]]
    assert ana.sessions[0].observations[-1].cancelled_by is Side.MENTOR


def test_a_deleted_meeting_stands_until_somebody_is_asked(ana: Anas) -> None:
    ana.publish(entry("one", "2026-03-02 10:00"), entry("two", "2026-03-04 10:00"))
    ana.sync("2026-02-01 08:00")
    ana.publish(entry("two", "2026-03-04 10:00"))

    result = ana.sync("2026-02-11 08:00")

    assert result.intake.gone == 1
    assert ana.steps() == [["03-02 10 confirmed"], ["03-04 10 confirmed"]]


def test_a_sign_in_page_changes_nothing(ana: Anas) -> None:
    ana.publish(entry("one", "2026-03-02 10:00"))
    ana.sync("2026-02-01 08:00")
    (ana.reader.folder / "ana.ics").write_text("<!DOCTYPE html><title>Sign in</title>")

    result = ana.sync("2026-02-11 08:00")

    assert (result.outcome, result.problem) == (Outcome.FAILED, "not_a_calendar")
    assert ana.steps() == [["03-02 10 confirmed"]]


def test_what_is_not_a_session_leaves_no_trace(
    ana: Anas, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ana.publish(
        entry("party", "2026-03-05 10:00", f"LOCATION:{SECRET_PLACE}", title=PARTY, guest=STRANGER),
        entry("broken", "2026-03-06 10:00", "DTSTART:never", title=PARTY, guest=STRANGER),
        entry("one", "2026-03-02 10:00", f"LOCATION:{SECRET_PLACE}", f"ATTENDEE:mailto:{STRANGER}"),
    )

    with caplog.at_level(logging.DEBUG):
        ana.sync("2026-02-01 08:00")
        review(ana.reader.store, instant("2026-02-01 09:00"))

    stored = everything_stored(ana.reader.store, tmp_path)
    assert b"ben@example.com" in stored  # the search finds what is there
    for trace in (PARTY, SECRET_PLACE, STRANGER, "#mentoring", "ana.ics"):
        assert trace.encode() not in stored
        assert trace not in caplog.text


def everything_stored(store: Store, tmp_path: Path) -> bytes:
    files = b"".join(path.read_bytes() for path in tmp_path.glob("cadencia.sqlite*"))
    if files:
        return files
    with store.engine.connect() as connection:
        names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        rows = [
            str(row)
            for (name,) in names.all()
            for row in connection.execute(text(f"SELECT t::text FROM {name} t"))
        ]
    return "\n".join(rows).encode()
