"""Measure the first sync of a whole company on Google: its memory, and what it writes.

    python tests/benchmarks/bench_google_company.py [--calendars 1000] [--events 100]

Exits 1 if a sync of all calendars takes more than a quarter more memory than one of a tenth of them; if it
writes copies of anything but what is tagged; or if reading everything once more writes a copy, an observation
or a session. Memory is the largest resident set of the process that reads; the server is another process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypedDict
from urllib.parse import unquote

from google.oauth2.credentials import Credentials
from sqlalchemy import event, func, select, update

from integrations.google.access import Access
from integrations.google.client import GoogleApi
from integrations.google.source import GoogleSource
from integrations.vault import FernetVault, fresh_key
from tests.benchmarks.crowd import empty_store
from tests.tracker.world import NoDesks, PlainWriter, agreement
from tracker.clock import FixedClock
from tracker.models import Calendar, Copy, Pair, Person, Program, Provider
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, connect_calendars
from tracker.services.sync import Outcome, sync_all
from tracker.settings import Settings
from tracker.store import Store

MOST_GROWTH = 1.25
TAGGED_OF = 20  # one entry of so many is a session
NOW = datetime(2026, 1, 20, 9, tzinfo=UTC)
KEPT = ("copies", "observations", "sessions", "session_keys")


class Figures(TypedDict):
    """What one run measured."""

    calendars: int
    seconds: float
    rss_kb: int
    copies: int
    written_again: int


class _Company(BaseHTTPRequestHandler):
    """Everybody's calendar: `p4@example.com` is paired with `p5@example.com`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    template = ""

    def do_GET(self) -> None:
        owner = unquote(self.path.split("/calendars/")[1].split("/")[0])
        number = int(owner[1:].partition("@")[0])
        text = self.template.replace("OWNER", owner).replace("PARTNER", f"p{number ^ 1}@example.com")
        body = text.replace("UID", f"u{number // 2}").encode()
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )


def write_calendar(events: int) -> str:
    """Return a listing in which every twentieth entry is a session of the two."""
    first = datetime(2026, 1, 12, 10, tzinfo=UTC)
    return json.dumps({
        "items": [
            {
                "id": f"e{n}", "iCalUID": f"UID-{n}@google.com", "status": "confirmed",
                "summary": "Talk #mentoring" if n % TAGGED_OF == 0 else "Something else",
                "start": {"dateTime": (first + n * timedelta(hours=20)).isoformat()},
                "end": {"dateTime": (first + n * timedelta(hours=20, minutes=3)).isoformat()},
                "created": "2026-01-05T09:00:00.000Z", "updated": "2026-01-05T09:00:00.000Z",
                "organizer": {"email": "OWNER", "self": True},
                "attendees": [
                    {"email": "OWNER", "self": True}, {"email": "PARTNER"}, {"email": "eve@example.com"},
                ],
            }
            for n in range(events)
        ],
        "nextSyncToken": "after",
    })  # fmt: skip


def serve(talk: Connection, events: int) -> None:
    """Serve until told to stop. Runs in a process of its own."""
    _Company.template = write_calendar(events)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Company)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    talk.send(f"http://127.0.0.1:{server.server_address[1]}")
    talk.recv()


@dataclass(frozen=True)
class Ports:
    """What a sync needs; everybody has a token."""

    store: Store
    vault: Vault
    settings: Settings
    api: GoogleApi
    consents: NoDesks = field(default_factory=NoDesks)
    writer: PlainWriter = field(default_factory=PlainWriter)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    @property
    def sources(self) -> Ports:
        """Open calendars by ourselves."""
        return self

    def open(self, _provider: str, address: str, _timezone: str, _access: object = None) -> GoogleSource:
        """Open a calendar whose owner has a token."""
        return GoogleSource(self.api, self.api.line(Access(lambda: Credentials(token="a token"))), address)


def found_company(ports: Ports, people: int) -> None:
    """Make so many people, two and two paired, each with a calendar."""
    act = Act(None, "command", NOW)
    with ports.store.write() as db:
        program = Program(name="Mentoring", created_at=NOW)
        everybody = [
            Person(email=f"p{n}@example.com", name=f"P{n}", timezone="UTC", created_at=NOW)
            for n in range(people)
        ]
        db.add_all([program, *everybody])
        db.flush()
        for mentor, mentee in zip(everybody[::2], everybody[1::2], strict=True):
            db.add(Pair(
                program_id=program.id, mentor_id=mentor.id, mentee_id=mentee.id, created_at=NOW,
                review_due_at=NOW, agreements=[agreement()],
            ))  # fmt: skip
        db.flush()
        where: dict[int, CalendarAt | None] = {p.id: CalendarAt(Provider.GOOGLE, p.email) for p in everybody}
        connect_calendars(db, ports.vault, where, act)


def run(talk: Connection, root: str, calendars: int) -> None:
    """Sync everything twice, the second time as if for the first, and send the figures."""
    with tempfile.TemporaryDirectory() as folder, empty_store("sqlite", Path(folder)) as store:
        ports = Ports(store, FernetVault([fresh_key()]), Settings(), GoogleApi(root))
        found_company(ports, calendars)
        before = time.monotonic()
        results = sync_all(ports, NOW)
        seconds = time.monotonic() - before
        assert {result.outcome for result in results} == {Outcome.READ}
        with store.write() as db:
            copies = db.scalar(select(func.count()).select_from(Copy)) or 0
            db.execute(update(Calendar).values(cursor=None))
        written = _count_writes(store)
        assert {result.outcome for result in sync_all(ports, NOW + timedelta(hours=1))} == {Outcome.READ}
        rss_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        talk.send(Figures(
            calendars=calendars, seconds=round(seconds, 1), rss_kb=rss_kb, copies=copies,
            written_again=len(written),
        ))  # fmt: skip
        ports.api.close()


def _count_writes(store: Store) -> list[str]:
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        words = statement.replace('"', "").split()
        if words[0] in ("INSERT", "UPDATE", "DELETE") and any(table in words[:4] for table in KEPT):
            written.append(statement)

    event.listen(store.engine, "after_cursor_execute", note)
    return written


def main() -> int:
    """Measure, print one line for each run, and return the exit status."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--calendars", type=int, default=1000)
    options.add_argument("--events", type=int, default=100)
    given = options.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs, given.events), daemon=True)
    server.start()
    root = ours.recv()
    figures: list[Figures] = []
    for calendars in (given.calendars // 20 * 2, given.calendars):
        near, far = context.Pipe()
        reader = context.Process(target=run, args=(far, root, calendars))
        reader.start()
        figures.append(near.recv())
        reader.join()
        print(json.dumps(figures[-1]))
    ours.send("stop")
    growth = figures[1]["rss_kb"] / figures[0]["rss_kb"]
    tagged = -(-given.events // TAGGED_OF)
    print(f"memory grew {growth:.2f} times (at most {MOST_GROWTH:g})")
    exact = all(f["copies"] == tagged * f["calendars"] and f["written_again"] == 0 for f in figures)
    return 0 if exact and growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
