"""Secrets and titles are planted wherever a calendar comes from; then everything we leave behind is searched.

What is searched: the database as it lies on the disk, the logs at their most talkative, tracebacks of forced
failures, and the mails. What is planted: tokens, feed addresses, titles, notes, other guests, passwords.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from integrations import google as google_connector
from integrations import outlook as outlook_connector
from integrations.registry import Ports, open_ports
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.graph import FakeGraph, running_graph
from tests.fakes.imap import FakeImap
from tests.fakes.imap.letters import PROGRAM, calendar, message
from tests.fakes.imap.letters import Session as Invited
from tests.integrations.outlook.conftest import event
from tests.tracker.conftest import postgres_template, sqlite_template, store
from tests.tracker.world import agreement, instant
from tracker.clock import FixedClock
from tracker.errors import BadInput, ConnectorError
from tracker.events import Window
from tracker.models import Base, Calendar, Copy, OutboxMail, Pair, Person, Program, Provider
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, add_calendar
from tracker.services.consents import Ask, begin_consent, finish_consent
from tracker.services.credentials import access_of
from tracker.services.mailbox import read_mailbox
from tracker.services.own_calendars import connect_feed, connect_mailbox
from tracker.services.resealing import SEALED
from tracker.services.sync import sync_all
from tracker.settings import GoogleClient, MicrosoftApp, Settings
from tracker.store import Store
from tracker.tags import TagRules

__all__ = ["postgres_template", "sqlite_template", "store"]

NOW = instant("2026-02-25 09:00")
MONDAY = instant("2026-03-02 10:00")
ANA, BEN = "ana@example.com", "ben@example.com"
TITLE, NOTES = "canary-title with #mentoring", "canary-notes"
GUEST, PATH, PASSWORD = "canary-guest@elsewhere.example", "/canary-feed/basic.ics", "canary-password"
CLIENT_SECRET, APP_SECRET = "canary-client-secret", "canary-app-secret"
FEED = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:feed@x\r\nDTSTAMP:20260201T000000Z\r\n"
    "DTSTART:20260303T100000Z\r\nDTEND:20260303T110000Z\r\n"
    f"SUMMARY:{TITLE}\r\nDESCRIPTION:{NOTES}\r\nORGANIZER:mailto:{ANA}\r\nATTENDEE:mailto:{BEN}\r\n"
    f"ATTENDEE:mailto:{GUEST}\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:private@x\r\nDTSTAMP:20260201T000000Z\r\n"
    "DTSTART:20260304T100000Z\r\nDTEND:20260304T110000Z\r\nSUMMARY:canary-dentist\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


@dataclass
class Feed:
    """A calendar's server; `breaks` makes it answer with an error that repeats everything."""

    port: int = 0
    breaks: bool = False

    @property
    def address(self) -> str:
        """Where the calendar is: a secret."""
        return f"http://127.0.0.1:{self.port}{PATH}?key=canary-key"


@dataclass
class Everything:
    """A company whose calendars come from everywhere."""

    ports: Ports
    google: FakeGoogle
    graph: FakeGraph
    imap: FakeImap
    feed: Feed
    ana: Person
    ben: Person

    def canaries(self) -> set[str]:
        """All that must be found nowhere."""
        desk = self.google.desk
        tokens = {*desk.issued, *desk.consents, *desk.codes} - {""}
        return {
            "canary", TITLE, NOTES, GUEST, PATH, PASSWORD, CLIENT_SECRET, APP_SECRET, *map(str, tokens),
            self.feed.address, self.imap.url(PASSWORD), *self.graph.desk.issued,
        }  # fmt: skip

    @property
    def act(self) -> Act:
        return Act(self.ana.id, "site", NOW)


@pytest.fixture
def everything(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Everything]:
    monkeypatch.setattr("tests.fakes.imap.server.PASSWORD", PASSWORD)
    with ExitStack() as stack:
        google = stack.enter_context(running_google(FakeGoogle()))
        graph = stack.enter_context(running_graph(FakeGraph(), tmp_path))
        feed = stack.enter_context(_running_feed())
        imap = FakeImap()
        stack.callback(imap.stop)
        stack.callback(google_connector.close_connections)
        stack.callback(outlook_connector.close_connections)
        google.desk.clients["client"] = CLIENT_SECRET
        graph.desk.secret = APP_SECRET
        about = graph.settings().microsoft
        assert about is not None
        app = MicrosoftApp(about.tenant, about.client_id, APP_SECRET, None, about.authority)
        ports = open_ports(
            Settings(
                database_url=store.url,
                secret_keys=(_KEY,),
                mail_url=f"file:{tmp_path / 'mail'}",
                program_address=PROGRAM,
                ca_bundle=graph.certificate,
                feed_hosts=frozenset({"127.0.0.1"}),
                google_client=GoogleClient("client", CLIENT_SECRET),
                google_api_root=google.root,
                google_auth_root=google.root,
                google_token_root=google.root,
                microsoft=app,
                graph_root=graph.root,
                mailbox_url=imap.url(PASSWORD),
            ),
            FixedClock(NOW),
        )
        stack.callback(ports.store.close)
        ana, ben = _found(ports)
        made = Everything(ports, google, graph, imap, feed, ana, ben)
        _plant(made)
        yield made


_KEY = "dGhlIGtleSBvZiB0aGUgdGVzdHMsIDMyIGJ5dGVzISE="


def _found(ports: Ports) -> tuple[Person, Person]:
    with ports.store.write() as db:
        ana, ben = (
            Person(email=email, name=email[:3].title(), timezone="UTC", created_at=NOW)
            for email in (ANA, BEN)
        )
        program = Program(name="Mentoring", created_at=NOW)
        db.add_all([ana, ben, program])
        db.flush()
        pair = Pair(program_id=program.id, mentor_id=ana.id, mentee_id=ben.id, created_at=NOW)
        pair.review_due_at, pair.agreements = NOW, [agreement()]
        db.add(pair)
        _ = ana.addresses, ben.addresses
    return ana, ben


def _plant(it: Everything) -> None:
    """Put canaries everywhere, connect everything, and read it."""
    it.google.office.hire(ANA)
    it.google.office.now = NOW
    it.google.office.meet(ANA, (BEN, GUEST), MONDAY, summary=TITLE, description=NOTES)
    it.google.office.meet(ANA, (GUEST,), MONDAY, summary="canary: my salary")
    box = it.graph.hire(BEN)
    box.put(event("a", MONDAY, subject=TITLE))
    box.put(event("b", MONDAY, subject="canary: my other salary"))
    invitation = calendar("REQUEST", Invited(title=TITLE, guests=(BEN, PROGRAM, GUEST)))
    it.imap.deliver(message(invitation, "REQUEST"))

    connect_google(it)
    connect_feed(it.ports, it.ana, it.feed.address, it.act)
    with it.ports.store.write() as db:
        add_calendar(db, it.ports.vault, it.ben.id, CalendarAt(Provider.OUTLOOK, BEN), it.act)
        connect_mailbox(db, it.ports.vault, db.get_one(Person, it.ana.id), it.act)
    read_mailbox(it.ports, NOW)
    sync_all(it.ports, NOW)


def connect_google(it: Everything) -> None:
    answer = it.google.visit(begin_consent(it.ports, it.ana, Ask(Provider.GOOGLE), it.act).url, ANA)
    finish_consent(it.ports, it.ana, Provider.GOOGLE, answer, it.act)


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def _running_feed() -> Any:
    class Handler(BaseHTTPRequestHandler):
        """One request for the feed."""

        def do_GET(self) -> None:
            """Give the calendar, or trouble."""
            body = (f"canary-trouble {self.path}" if feed.breaks else FEED).encode()
            self.send_response(500 if feed.breaks else 200)
            self.send_header("Content-Type", "text/calendar")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    feed = Feed()

    class Running:
        """The server, for as long as the block lasts."""

        def __enter__(self) -> Feed:
            self.server = _Server(("127.0.0.1", 0), Handler)
            feed.port = self.server.server_port
            self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
            self.thread.start()
            return feed

        def __exit__(self, *_: object) -> None:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()

    return Running()


def break_everything(it: Everything) -> None:
    """Let every provider fail, repeating in its answer whatever it knows."""
    it.google.desk.kill_tokens(ANA)
    it.google.desk.revoke(ANA)
    it.graph.raw = b"<html>canary-proxy says no</html>"
    it.feed.breaks = True
    it.imap.stop()


def rows(it: Everything) -> list[tuple[str, str, str]]:
    """Every value of the database: table, column, text."""
    found = []
    known = MetaData()
    with it.ports.store.engine.connect() as connection:
        known.reflect(connection)
        for table in known.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                found += [(table.name, name, _text(value)) for name, value in row.items()]
    return found


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def assert_clean(it: Everything, text: str, where: str) -> None:
    for canary in it.canaries():
        assert canary not in text, f"{where} holds a secret or a title"


# --- what is searched ---


def test_something_was_read_from_everywhere(everything: Everything) -> None:
    with everything.ports.store.read() as db:
        read = {c.provider for c in db.scalars(select(Calendar)) if c.last_read_at and not c.problem}
        copies = {c.calendar_id for c in db.scalars(select(Copy)) if c.gone_at is None}
    assert read == set(Provider)
    assert len(copies) == 4
    assert len(everything.canaries()) > 12


def test_the_database_holds_no_secret_and_no_title(everything: Everything) -> None:
    for table, column, text in rows(everything):
        assert_clean(everything, text, f"{table}.{column}")


def test_the_files_of_the_database_hold_none_either(everything: Everything) -> None:
    if not everything.ports.store.url.startswith("sqlite"):
        return  # the test above reads PostgreSQL's rows; its files are its own
    file = Path(everything.ports.store.url.removeprefix("sqlite:///"))
    for path in (file, file.with_name(file.name + "-wal")):
        if path.exists():
            assert_clean(everything, path.read_bytes().decode("latin-1"), path.name)


def test_whatever_is_sealed_is_known_to_be(everything: Everything) -> None:
    known = {
        (sealed.table.__table__.name, column)  # type: ignore[attr-defined]
        for sealed in SEALED
        for column in sealed.columns
    }
    found = {(table, column) for table, column, text in rows(everything) if text.startswith("gAAAA")}
    assert found <= known
    assert len(found) >= 5
    assert {name for name, _ in known} <= set(Base.metadata.tables)


def test_logs_tell_nothing_even_at_their_most_talkative(
    everything: Everything, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        # What the libraries were told to keep quiet about stays quiet; everything else talks.
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            caplog.set_level(logging.DEBUG, logger=name)
    with everything.ports.store.write() as db:
        for calendar_row in db.scalars(select(Calendar)):
            calendar_row.cursor = None
    sync_all(everything.ports, NOW)
    break_everything(everything)
    sync_all(everything.ports, NOW)
    assert_clean(everything, caplog.text, "the log")


def test_failures_tell_nothing_in_their_tracebacks(everything: Everything) -> None:
    break_everything(everything)
    ports, window = everything.ports, Window(NOW, instant("2026-04-01 00:00"))
    with ports.store.read() as db:
        calendars = list(db.scalars(select(Calendar)))
    told = []
    for row in calendars:
        address = ports.vault.open(row.address, row.address_binding)
        try:
            source = ports.sources.open(row.provider, address, "UTC", access_of(ports, row))
            source.pull(None, window, TagRules())
        except ConnectorError as error:
            told.append("".join(traceback.format_exception(error)))
    try:
        connect_feed(ports, everything.ana, f"/etc{PATH}", everything.act)
    except BadInput as error:
        told.append("".join(traceback.format_exception(error)))
    assert len(told) >= 4
    for text in told:
        assert_clean(everything, text, "a traceback")


def test_what_is_kept_of_a_failure_tells_nothing(everything: Everything) -> None:
    break_everything(everything)
    sync_all(everything.ports, NOW)
    with everything.ports.store.read() as db:
        problems = {c.provider: c.problem for c in db.scalars(select(Calendar))}
        letters = list(db.scalars(select(OutboxMail)))
    assert problems[Provider.GOOGLE] == "reconnect"
    assert [letter.kind for letter in letters] == ["reconnect"]
    for table, column, text in rows(everything):
        assert_clean(everything, text, f"{table}.{column}")
    for letter in letters:
        assert_clean(everything, letter.message.decode("utf-8", "replace"), "a mail")


def test_what_can_be_printed_shows_nothing(everything: Everything) -> None:
    with everything.ports.store.read() as db:
        objects: list[object] = [*db.scalars(select(Calendar)), everything.ports.settings, everything.ports]
    for thing in objects:
        assert_clean(everything, repr(thing), type(thing).__name__)
