"""`cadencia replay`: what comes out, what is said of bad input, and that long files fare as short ones do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.ledger.makers import held, instant, look, pair, seen, session
from tracker.ledger import Evidence, encode_ledger, judge
from workers.cli import replay as module
from workers.cli.replay import replay

NOW = "04-03 08:00"
COMMAND = [sys.executable, "-c", "from workers.cli.replay import replay; replay(prog_name='replay')"]


def make(name: str, *sessions: Any) -> Evidence:
    """Make a pair that says itself when to judge it."""
    return pair(*sessions, pair=name, now=instant(NOW))


PAIRS = [
    make("one", held("a", "03-05 10:00")),
    make("two"),
    make("=three", session("b", seen("04-08 10:00"))),
]
LINES = [msgspec.json.encode(evidence) for evidence in PAIRS]
LEDGERS = [encode_ledger(look(evidence, NOW)) for evidence in PAIRS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for an evidence file."""
    return tmp_path / "pairs.ndjson"


def run(path: Path, content: bytes, *options: str) -> Result:
    """Replay a file of this content."""
    path.write_bytes(content)
    return CliRunner().invoke(replay, [str(path), *options])


def ledgers(result: Result) -> list[bytes]:
    """Give the lines of standard output."""
    return result.stdout_bytes.splitlines()


def test_it_prints_a_ledger_a_line_in_the_order_of_the_file(path: Path) -> None:
    result = run(path, b"\n".join(LINES) + b"\n")
    assert (ledgers(result), result.stderr, result.exit_code) == (LEDGERS, "", 0)


def test_it_reads_standard_input() -> None:
    result = CliRunner().invoke(replay, ["-"], input=LINES[0])
    assert (ledgers(result), result.exit_code) == (LEDGERS[:1], 0)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + b"\n".join(LINES),
        b"\r\n".join(LINES) + b"\r\n",
        b"\n\n" + b"\n \t\n\n".join(LINES) + b"\n\n",
    ],
    ids=["byte order mark", "line ends of Windows", "blank lines"],
)
def test_it_takes_what_editors_leave_in_files(path: Path, content: bytes) -> None:
    result = run(path, content)
    assert (ledgers(result), result.exit_code) == (LEDGERS, 0)


def test_it_takes_one_object_over_many_lines(path: Path) -> None:
    result = run(path, json.dumps(json.loads(LINES[0]), indent=2).encode())
    assert (ledgers(result), result.exit_code) == (LEDGERS[:1], 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps([json.loads(line) for line in LINES]).encode(), "line 1: Expected `object`, got `array`"),
        (json.dumps([json.loads(line) for line in LINES], indent=2).encode(), "jq -c '.[]'"),
        (b"".join(json.dumps(json.loads(line), indent=2).encode() for line in LINES), "write one a line"),
        (LINES[0].decode().encode("utf-16"), "save it as UTF-8"),
        (b'{"pair": "Jos\xe9"}', "line 1: not UTF-8"),
    ],
    ids=["array", "indented array", "indented objects", "UTF-16", "Latin-1"],
)
def test_it_says_what_to_do_with_other_shapes(path: Path, content: bytes, words: str) -> None:
    result = run(path, content)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert words in result.stderr


def test_it_judges_the_other_lines_when_one_is_bad(path: Path) -> None:
    bad = LINES[1].replace(b'"every":2', b'"every":0')
    result = run(path, b"\n".join([LINES[0], b"", bad, b"{", LINES[2]]))
    assert (ledgers(result), result.exit_code) == ([LEDGERS[0], LEDGERS[2]], 1)
    first, second, last = result.stderr.splitlines()
    assert first == f"{path}, line 3, cadence.every: Expected `int` >= 1"
    assert second.startswith(f"{path}, line 4: the JSON ends too early")
    assert last == f"{path}: 2 of 4 lines could not be judged"


def test_it_takes_a_first_line_cut_off_for_one_bad_line(path: Path) -> None:
    result = run(path, LINES[0][:40] + b"\n" + LINES[1])
    assert (ledgers(result), result.exit_code) == (LEDGERS[1:2], 1)
    assert "line 1" in result.stderr


def test_it_names_years_that_leave_no_room(path: Path) -> None:
    far = LINES[0].replace(b'"starts_at":"2026-03-05T10:00:00Z"', b'"starts_at":"9999-12-31T20:00:00-05:00"')
    far = far.replace(b'"ends_at":"2026-03-05T11:00:00Z"', b'"ends_at":"9999-12-31T21:00:00-05:00"')
    result = run(path, far)
    assert result.exit_code == 1
    assert "line 1: its dates come too near to the year" in result.stderr


@pytest.mark.parametrize("missing", ["nothing.ndjson", "."])
def test_it_says_that_a_file_cannot_be_read(tmp_path: Path, missing: str) -> None:
    result = CliRunner().invoke(replay, [str(tmp_path / missing)])
    assert result.exit_code == 1
    assert "give the path of an evidence file" in result.stderr


def test_it_says_that_a_file_is_empty(path: Path) -> None:
    result = run(path, b"")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no pairs" in result.stderr


def test_it_judges_at_the_instant_that_is_asked_for(path: Path) -> None:
    result = run(path, LINES[1], "--now", "2026-03-05T12:00:00+02:00")
    assert ledgers(result) == [encode_ledger(look(PAIRS[1], "03-05 10:00"))]


def test_it_judges_by_the_clock_when_nothing_else_is_said(path: Path) -> None:
    result = run(path, msgspec.json.encode(msgspec.structs.replace(PAIRS[1], now=msgspec.UNSET)))
    assert json.loads(ledgers(result)[0])["now"] > "2026-03"


def test_it_overrides_only_the_policy_keys_that_are_set(path: Path) -> None:
    own = pair(held("a", "03-20 10:00"), pair="p", now=instant(NOW), policy={"escalate_after": 1})
    result = run(
        path, msgspec.json.encode(own), "--set", "grace_days=5", "--set", "unconfirmed_counts_as=held"
    )
    assert isinstance(own.now, type(look(own, NOW).now))
    expected = msgspec.structs.replace(own.policy, grace_days=5, unconfirmed_counts_as="held")
    assert ledgers(result) == [encode_ledger(judge(own, now=own.now, policy=expected))]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "grace=1"], "the key one of grace_days"),
        (["--set", "grace_days"], "write key=value"),
        (["--set", "grace_days=soon"], "Expected `int`"),
        (["--set", "grace_days=-1"], ">= 0"),
        (["--set", "unconfirmed_counts_as=lost"], "Invalid"),
        (["--now", "yesterday"], "write it as 2026-03-05T10:00:00Z"),
        (["--now", "2026-03-05T10:00:00"], "offset"),
        (["--format", "xml"], "Invalid value"),
        (["--jobs", "0"], "Invalid value"),
    ],
)
def test_it_refuses_wrong_use(path: Path, options: list[str], words: str) -> None:
    result = run(path, LINES[0], *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut files into chunks of a line or two."""
    monkeypatch.setattr(module, "BLOCK_BYTES", 1500)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("jobs", ["1", "2", "3"])
def test_it_keeps_order_and_line_numbers_over_many_chunks(path: Path, jobs: str) -> None:
    names = [f"p{n}" for n in range(60)]
    lines = [msgspec.json.encode(make(name, held("a", "03-05 10:00"))) for name in names]
    lines[40] = b"{}"
    result = run(path, b"\n".join(lines), "--jobs", jobs)
    assert [json.loads(line)["pair"] for line in ledgers(result)] == names[:40] + names[41:]
    assert result.stderr.startswith(f"{path}, line 41, pair: is missing")
    assert result.exit_code == 1


@pytest.mark.usefixtures("small_blocks")
def test_it_judges_a_long_standard_input() -> None:
    result = CliRunner().invoke(replay, ["-", "--jobs", "2"], input=b"\n".join(LINES * 20))
    assert (ledgers(result), result.exit_code) == (LEDGERS * 20, 0)


@pytest.mark.usefixtures("small_blocks")
def test_it_finds_its_place_in_a_file_that_begins_with_a_byte_order_mark(path: Path) -> None:
    result = run(path, b"\xef\xbb\xbf" + b"\r\n".join(LINES * 20), "--jobs", "2")
    assert (ledgers(result), result.exit_code) == (LEDGERS * 20, 0)


@pytest.mark.usefixtures("small_blocks")
def test_it_keeps_few_chunks_in_flight(path: Path) -> None:
    path.write_bytes(b"\n".join(LINES * 200))
    taken = 0

    def counted(chunks: Iterator[module.Chunk]) -> Iterator[module.Chunk]:
        nonlocal taken
        for chunk in chunks:
            taken += 1
            yield chunk

    terms = module.Terms(None, look(PAIRS[0], NOW).now, {}, "json")
    with path.open("rb") as stream:
        results = module.judge_chunks(counted(module.read_chunks(stream, "f")), terms, 2)
        for given, _ in enumerate(results):
            assert taken - given <= 7


@pytest.mark.usefixtures("small_blocks")
def test_it_refuses_a_line_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_LINE", 5000)
    result = run(path, b"[" * 10_000)
    assert result.exit_code == 1
    assert "is it an evidence file?" in result.stderr


def long_file(path: Path) -> Path:
    """Write a file of some megabytes."""
    path.write_bytes(b"\n".join(LINES * 4000))
    return path


def start(path: Path) -> subprocess.Popen[bytes]:
    """Start a replay with its output in a pipe."""
    return subprocess.Popen(
        [*COMMAND, str(path), "--jobs", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """Give a pipe that is known to be there."""
    assert stream is not None
    return stream


def test_it_is_quiet_when_its_reader_leaves(path: Path) -> None:
    with start(long_file(path)) as process:
        assert pipe(process.stdout).readline().startswith(b'{"pair":"one"')
        pipe(process.stdout).close()
        assert pipe(process.stderr).read() == b""


def test_it_leaves_no_traceback_when_interrupted(path: Path) -> None:
    with start(long_file(path)) as process:
        pipe(process.stdout).readline()
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        pipe(process.stdout).read()
        assert b"Traceback" not in pipe(process.stderr).read()
    assert process.returncode != 0


def test_it_shows_no_progress_in_a_pipe(path: Path) -> None:
    with start(long_file(path)) as process:
        pipe(process.stdout).read()
        assert pipe(process.stderr).read() == b""
    assert process.returncode == 0
