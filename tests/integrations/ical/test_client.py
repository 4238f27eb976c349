"""Files and feeds as a CalendarSource: when everything is read anew, and when nothing is."""

import gzip
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from integrations.ical import open_calendar
from integrations.ical.client import IcalSource
from tests.fakes.serving import serving
from tests.integrations.ical.feeds import YEAR, entry, feed
from tracker.errors import AuthRevoked, BadInput, BadPayload, ConnectorError
from tracker.events import PullKind, Window
from tracker.tags import TagRules

START = "DTSTART:20260302T100000Z"
RULES = TagRules()
ONE = feed(entry(START))
SECRET = "/private-0123456789/basic.ics"


class FakeFeed(ThreadingHTTPServer):
    """A calendar server on loopback: serves `body` under its ETag, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = ONE
        self.status = 200
        self.etag: str | None = '"1"'
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{SECRET}"

    def open(self, zone: str = "UTC") -> IcalSource:
        return open_calendar(self.url, zone, allowed_hosts=["127.0.0.1"])


class _Handler(BaseHTTPRequestHandler):
    server: FakeFeed

    def do_GET(self) -> None:
        fake = self.server
        fake.asked.append(dict(self.headers.items()))
        same = fake.etag is not None and self.headers.get("If-None-Match") == fake.etag
        self.send_response(304 if same and fake.status == 200 else fake.status)
        for name, value in ({"ETag": fake.etag} if fake.etag else {}).items() | fake.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0" if same else str(len(fake.body)))
        self.end_headers()
        if not same:
            self.wfile.write(fake.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def fake() -> Iterator[FakeFeed]:
    server = FakeFeed()
    with serving(server):
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "calendar.ics"
    file.write_bytes(ONE)
    return file


def test_a_first_pull_is_full(path: Path) -> None:
    pull = open_calendar(str(path), "UTC").pull(None, YEAR, RULES)
    assert (pull.kind, len(pull.events), pull.looked_at, pull.window) == (PullKind.FULL, 1, 1, YEAR)


def test_the_same_bytes_are_unchanged_and_not_parsed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_calendar(str(path), "UTC")
    cursor = source.pull(None, YEAR, RULES).cursor
    monkeypatch.setattr("integrations.ical.client.read_feed", None)
    again = source.pull(cursor, YEAR, RULES)
    assert (again.kind, again.window, again.cursor) == (PullKind.UNCHANGED, YEAR, cursor)


def test_a_new_dtstamp_is_no_change(path: Path) -> None:
    source = open_calendar(str(path), "UTC")
    path.write_bytes(feed(entry(START, "DTSTAMP:20260101T000000Z")))
    cursor = source.pull(None, YEAR, RULES).cursor
    path.write_bytes(feed(entry(START, "DTSTAMP:20260102T000000Z")))
    assert source.pull(cursor, YEAR, RULES).kind is PullKind.UNCHANGED


def test_a_change_of_what_is_not_kept_is_no_change(path: Path) -> None:
    source = open_calendar(str(path), "UTC")
    cursor = source.pull(None, YEAR, RULES).cursor
    path.write_bytes(feed(entry(START), entry(START, uid="b", title="Private")))
    assert source.pull(cursor, YEAR, RULES).kind is PullKind.UNCHANGED


def test_a_change_of_what_is_kept_is_full(path: Path) -> None:
    source = open_calendar(str(path), "UTC")
    cursor = source.pull(None, YEAR, RULES).cursor
    path.write_bytes(feed(entry("DTSTART:20260303T100000Z")))
    pull = source.pull(cursor, YEAR, RULES)
    assert pull.kind is PullKind.FULL
    assert pull.cursor != cursor


def test_an_entry_that_breaks_is_a_change(path: Path) -> None:
    source = open_calendar(str(path), "UTC")
    cursor = source.pull(None, YEAR, RULES).cursor
    path.write_bytes(feed(entry(START), entry("DTSTART:never", uid="b")))
    assert len(source.pull(cursor, YEAR, RULES).set_aside) == 1


@pytest.mark.parametrize(
    "rules",
    [
        TagRules(markers=("grow",)),
        TagRules(owner=frozenset({"a@example.com"})),
        TagRules(partners=(frozenset({"b@example.com"}),)),
        TagRules(program_addresses=frozenset({"m@example.com"})),
        TagRules(keep_untagged=True),
    ],
)
def test_other_rules_read_everything_anew(path: Path, rules: TagRules) -> None:
    source = open_calendar(str(path), "UTC")
    cursor = source.pull(None, YEAR, RULES).cursor
    assert source.pull(cursor, YEAR, rules).kind is PullKind.FULL


def test_another_zone_of_the_owner_reads_everything_anew(path: Path) -> None:
    cursor = open_calendar(str(path), "UTC").pull(None, YEAR, RULES).cursor
    assert open_calendar(str(path), "Asia/Tokyo").pull(cursor, YEAR, RULES).kind is PullKind.FULL


def test_a_window_that_grows_reads_everything_anew(path: Path) -> None:
    source = open_calendar(str(path), "UTC")
    cursor = source.pull(None, YEAR, RULES).cursor
    longer = replace(YEAR, end=YEAR.end + timedelta(minutes=1))
    assert source.pull(cursor, longer, RULES).kind is PullKind.FULL


def test_a_window_that_moves_within_the_day_reads_nothing_anew(path: Path) -> None:
    source = open_calendar(str(path), "UTC")
    noon = Window(datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 6, 1, 12, tzinfo=UTC))
    first = source.pull(None, noon, RULES)
    later = Window(noon.start + timedelta(hours=5), noon.end + timedelta(hours=5))
    assert source.pull(first.cursor, later, RULES).kind is PullKind.UNCHANGED
    assert first.window == Window(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
    )  # what it answers for


@pytest.mark.parametrize("cursor", ["", "{}", "no json", '{"question": 1}', "null"])
def test_a_cursor_that_makes_no_sense_reads_everything(path: Path, cursor: str) -> None:
    assert open_calendar(str(path), "UTC").pull(cursor, YEAR, RULES).kind is PullKind.FULL


# Files


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError) as caught:
        open_calendar(str(tmp_path / "none.ics"), "UTC").pull(None, YEAR, RULES)
    assert caught.value.code == "no_file"
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_or_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe"):
        with pytest.raises(ConnectorError):
            open_calendar(str(tmp_path / name), "UTC").pull(None, YEAR, RULES)


@pytest.mark.parametrize("data", [b"", b" \r\n", b"<html>", ONE[:-30]])
def test_a_file_that_is_no_whole_calendar(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(BadPayload):
        open_calendar(str(path), "UTC").pull(None, YEAR, RULES)


def test_an_unknown_zone_of_the_owner() -> None:
    with pytest.raises(BadInput):
        open_calendar("x.ics", "Mars/Olympus")


# Feeds


def test_a_feed_is_asked_for_changes_only(fake: FakeFeed) -> None:
    source = fake.open()
    cursor = source.pull(None, YEAR, RULES).cursor
    assert source.pull(cursor, YEAR, RULES).kind is PullKind.UNCHANGED
    assert "If-None-Match" not in fake.asked[0]
    assert fake.asked[1]["If-None-Match"] == '"1"'


def test_a_feed_is_asked_for_everything_when_the_question_changed(fake: FakeFeed) -> None:
    source = fake.open()
    cursor = source.pull(None, YEAR, RULES).cursor
    assert source.pull(cursor, YEAR, TagRules(markers=("grow",))).kind is PullKind.FULL
    assert "If-None-Match" not in fake.asked[1]


def test_a_feed_without_marks_is_compared_by_content(fake: FakeFeed) -> None:
    fake.etag = None
    source = fake.open()
    cursor = source.pull(None, YEAR, RULES).cursor
    assert source.pull(cursor, YEAR, RULES).kind is PullKind.UNCHANGED


def test_if_modified_since_is_what_the_server_said(fake: FakeFeed) -> None:
    fake.etag = None
    fake.headers = {"Last-Modified": "Mon, 02 Mar 2026 10:00:00 GMT"}
    source = fake.open()
    source.pull(source.pull(None, YEAR, RULES).cursor, YEAR, RULES)
    assert fake.asked[1]["If-Modified-Since"] == "Mon, 02 Mar 2026 10:00:00 GMT"


def test_unchanged_content_under_a_new_mark_keeps_the_new_mark(fake: FakeFeed) -> None:
    source = fake.open()
    cursor = source.pull(None, YEAR, RULES).cursor
    fake.etag = '"2"'
    cursor = source.pull(cursor, YEAR, RULES).cursor
    source.pull(cursor, YEAR, RULES)
    assert fake.asked[2]["If-None-Match"] == '"2"'


def test_a_packed_feed(fake: FakeFeed) -> None:
    fake.body, fake.headers = gzip.compress(ONE), {"Content-Encoding": "gzip"}
    assert len(fake.open().pull(None, YEAR, RULES).events) == 1


@pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>", ONE[:-20]])
def test_an_answer_that_is_no_whole_calendar(fake: FakeFeed, body: bytes) -> None:
    fake.body = body
    with pytest.raises(BadPayload):
        fake.open().pull(None, YEAR, RULES)


def test_a_link_that_was_withdrawn(fake: FakeFeed) -> None:
    fake.status = 404
    with pytest.raises(AuthRevoked):
        fake.open().pull(None, YEAR, RULES)


def test_the_address_is_in_no_error_and_no_log(fake: FakeFeed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = fake.open()
    source.pull(None, YEAR, RULES)
    fake.status = 500
    with pytest.raises(ConnectorError) as caught:
        source.pull(None, YEAR, RULES)
    told = "".join([caplog.text, str(caught.value), repr(source), repr(caught.getrepr(chain=True))])
    assert SECRET not in told
