"""The program's mailbox from the command line: who has it as a calendar, and what it knows of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from integrations.registry import open_ports
from tests.fakes.imap import FakeImap
from tests.fakes.imap.letters import ANA, BEN, PROGRAM, Session, calendar, message
from tests.workers.cli.shell import Shell
from tracker.services.mailbox import read_mailbox
from tracker.settings import load_settings

PEOPLE = f"email,name,calendar\n{ANA},Ana,mailbox\n{BEN},Ben,Mailbox\n"
PAIRS = (
    "program,mentor,mentee,timezone,starts_on,ends_on,cadence\n"
    f"Líderes,{ANA},{BEN},Europe/Madrid,2026-01-05,2026-12-27,biweekly\n"
)
DAYS = ("--from", "2026-03-01", "--to", "2026-04-01", "--format", "json")


@pytest.fixture
def imap() -> Iterator[FakeImap]:
    """A mail server."""
    server = FakeImap()
    yield server
    server.stop()


@pytest.fixture
def house(shell: Shell, imap: FakeImap, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A company of two who have nothing but the mailbox."""
    monkeypatch.setenv("CADENCIA_MAILBOX_URL", imap.url())
    monkeypatch.setenv("CADENCIA_PROGRAM_ADDRESS", PROGRAM)
    shell.run("init")
    shell.run("people", "import", shell.write("people.csv", PEOPLE))
    shell.run("pairs", "import", shell.write("pairs.csv", PAIRS))
    return shell


def _read_post() -> None:
    ports = open_ports(load_settings())
    report = read_mailbox(ports, ports.clock.now())
    ports.store.close()
    assert report is not None
    assert report.problem is None


def test_the_mailbox_is_read_before_it_is_asked(house: Shell) -> None:
    said = house.run("calendars", "read", f"mailbox:{ANA}", *DAYS, status=1)
    assert "mailbox was not read of late" in said.stderr


def test_it_shows_what_is_known_of_a_person(house: Shell, imap: FakeImap) -> None:
    imap.deliver(message(calendar("REQUEST", Session()), "REQUEST"))
    _read_post()
    (line,) = house.run("calendars", "read", f"mailbox:{ANA}", *DAYS).stdout.splitlines()
    event = json.loads(line)
    assert (event["start"], event["tag_rule"]) == ("2026-03-02T09:00:00Z", "address")
    assert "Ana and Ben" not in line


def test_sync_takes_in_what_the_mailbox_knows(house: Shell, imap: FakeImap) -> None:
    imap.deliver(message(calendar("REQUEST", Session()), "REQUEST"))
    _read_post()
    house.run("sync")
    house.run("review")
    evidence = json.loads(house.run("evidence", "export").stdout.splitlines()[0])
    assert len(evidence["sessions"]) == 1


def test_without_a_mailbox_nobody_has_such_a_calendar(house: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CADENCIA_MAILBOX_URL")
    said = house.run("calendars", "read", f"mailbox:{ANA}", *DAYS, status=1)
    assert "CADENCIA_MAILBOX_URL is not set" in said.stderr


def test_the_doctor_tries_it(house: Shell) -> None:
    assert "mailbox: can be read, 0 messages" in house.run("doctor", status=1).stdout
