"""`cadencia replay`: judge an evidence file anew, under another policy or at another moment.

Reads and writes as a stream, in chunks of whole lines that are judged on all cores: memory does not grow with
the file, the order is kept, and a bad line costs itself alone. Touches no database.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from time import monotonic
from typing import BinaryIO, NamedTuple

import click
import msgspec

from tracker.clock import SystemClock
from tracker.errors import TrackerError
from tracker.ledger import Evidence, EvidenceError, Ledger, Policy, decode_evidence, judge
from workers.cli.output import Format, Piece, Printer, choose_format, format_option, render

BLOCK_BYTES = 1 << 19
LONGEST_LINE = 64 << 20
LONGEST_OBJECT = 8 << 20  # spread over many lines; more than that is taken for lines at once
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class InputError(TrackerError):
    """Input that could not be read at all, or no further."""


class Terms(NamedTuple):
    """What to judge under: `now` overrides the lines' own, `clock` is for lines without one."""

    now: datetime | None
    clock: datetime
    overrides: dict[str, int | str]
    form: Format


class Chunk(NamedTuple):
    """Some whole lines, the number of the first, and where in the input they lie."""

    first_line: int
    lines: bytes
    offset: int
    size: int


class Judged(NamedTuple):
    """What came of a chunk: output in the order of its lines, and what is wrong with the others."""

    piece: Piece
    pairs: int
    faults: list[str]
    size: int


class Tally:
    """Counts a chunk's pairs while they are judged, and keeps what is wrong with its other lines."""

    def __init__(self) -> None:
        self.pairs = 0
        self.faults: list[str] = []


class InstantType(click.ParamType[datetime]):
    """An instant with its offset from UTC, as in 2026-03-05T10:00:00Z."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read an instant; wrong use if it is none, or names no offset."""
        try:
            instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            if instant.tzinfo is None:
                self.fail(f"{value!r} has no offset; write it as 2026-03-05T10:00:00Z", param, ctx)
            return instant.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no instant; write it as 2026-03-05T10:00:00Z", param, ctx)


INSTANT = InstantType()


def read_overrides(
    _ctx: click.Context | None, param: click.Parameter | None, settings: tuple[str, ...]
) -> dict[str, int | str]:
    """Read `--set key=value` options into checked policy values; wrong use if one makes no sense."""
    overrides: dict[str, int | str] = {}
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or key not in Policy.__struct_fields__:
            known = ", ".join(Policy.__struct_fields__)
            raise click.BadParameter(f"{setting!r}: write key=value, the key one of {known}", param=param)
        try:
            checked = msgspec.convert({key: value}, Policy, strict=False)
        except msgspec.ValidationError as error:
            raise click.BadParameter(
                f"{setting!r}: {str(error).partition(' - at')[0]}", param=param
            ) from None
        overrides[key] = getattr(checked, key)
    return overrides


@click.command()
@click.argument("file", type=str)
@click.option(
    "--now", type=INSTANT, help="Judge as known at this instant; else each line's own, else the clock's."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", callback=read_overrides,
    help="Override a policy key of the file, e.g. --set grace_days=10; may be repeated.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes; as many as there are cores.")
@format_option
def replay(
    file: str, now: datetime | None, overrides: dict[str, int | str], jobs: int | None, form: str | None
) -> None:
    """Judge the pairs of an evidence FILE (one JSON object a line; - is standard input).

    Answers "why was this flagged?" and "what if we allowed 10 days?". Lines that cannot be judged are named
    on standard error, and the exit status is then 1.
    """
    terms = Terms(now, SystemClock().now(), overrides, choose_format(form))
    try:
        faulty = replay_file(file, terms, jobs or count_cores())
    except BrokenPipeError:
        leave_quietly()
    except BrokenProcessPool:
        raise click.ClickException(
            "a worker process was killed, for want of memory perhaps; try --jobs 1"
        ) from None
    except InputError as error:
        raise click.ClickException(str(error)) from None
    if faulty:
        sys.exit(1)


def leave_quietly() -> None:
    """End as a filter does whose reader has had enough: without a word, and with nothing left to flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


def count_cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def replay_file(file: str, terms: Terms, jobs: int) -> int:
    """Judge a file from end to end; gives the number of lines that could not be."""
    name = "standard input" if file == "-" else file
    pairs = faulty = 0
    with open_input(file) as stream, Printer(terms.form) as printer, Progress(stream) as progress:
        chunks = read_chunks(stream, name)
        for judged in judge_chunks(chunks, terms, jobs, Path(file) if Path(file).is_file() else None):
            printer.put(judged.piece)
            pairs += judged.pairs
            faulty += len(judged.faults)
            progress.advance(judged)
            for fault in judged.faults:
                click.echo(f"{name}, {fault}", err=True)
    if faulty:
        click.echo(f"{name}: {faulty} of {pairs + faulty} lines could not be judged", err=True)
    elif not pairs:
        click.echo(f"{name}: holds no pairs", err=True)
    return faulty


@contextmanager
def open_input(file: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input for `-`; what prevents reading is said in words."""
    try:
        if file == "-":
            yield sys.stdin.buffer
        else:
            with Path(file).open("rb") as stream:
                yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"{file}: {reason}; give the path of an evidence file, or - for standard input"
        ) from None


def read_chunks(stream: BinaryIO, name: str) -> Iterator[Chunk]:
    """Cut a stream into chunks of whole lines; an input that is one object over many lines is one chunk."""
    rest = read_start(stream, name)
    number, offset = 1, stream.tell() - len(rest) if stream.seekable() else 0
    while rest:
        block = stream.read(BLOCK_BYTES)
        end = rest.rfind(b"\n") + 1 if block else len(rest)
        if end:
            yield Chunk(number, rest[:end], offset, end)
            number += rest.count(b"\n", 0, end)
            offset += end
        elif len(rest) > LONGEST_LINE:
            raise InputError(f"{name}, line {number}: over {LONGEST_LINE >> 20} MB; is it an evidence file?")
        rest = rest[end:] + block


def read_start(stream: BinaryIO, name: str) -> bytes:
    """Read the first block, or all of an input that is one object over many lines, put on one line."""
    start = stream.read(BLOCK_BYTES).removeprefix(_BOM)
    if start.startswith(_UTF_16):
        raise InputError(f"{name}: is UTF-16; save it as UTF-8")
    first, newline, _ = start.lstrip().partition(b"\n")
    if not newline or not is_cut_off(first):
        return start
    while len(start) < LONGEST_OBJECT and (block := stream.read(BLOCK_BYTES)):
        start += block
    return join_object(start, name)


def join_object(document: bytes, name: str) -> bytes:
    """Put an object that is spread over lines on one line; lines of which only the first is cut off stay."""
    try:
        msgspec.json.decode(document, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        if "trailing characters" in str(error):
            raise InputError(
                f"{name}: objects over several lines; write one a line (`jq -c .` does)"
            ) from None
        return document
    return document.replace(b"\r", b" ").replace(b"\n", b" ")


def is_cut_off(line: bytes) -> bool:
    """Tell whether a line begins a JSON value without ending it."""
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return bool(line.strip()) and "truncated" in str(error)
    return False


def judge_chunks(
    chunks: Iterator[Chunk], terms: Terms, jobs: int, file: Path | None = None
) -> Iterator[Judged]:
    """Judge chunks in order; the first alone, so that a small file needs no processes.

    Where a `file` is given, other processes read their chunks from there: cheaper than to send them.
    """
    judge_here = partial(judge_chunk, terms=terms)
    yield from map(judge_here, islice(chunks, 1 if jobs > 1 else None))
    second = next(chunks, None)
    if second is not None:
        rest = chain([second], chunks)
        if file is None:
            yield from judge_apart(judge_here, rest, jobs)
        else:
            places = (chunk._replace(lines=b"") for chunk in rest)
            yield from judge_apart(partial(judge_from_file, file=file, terms=terms), places, jobs)


def judge_apart(
    judge_there: Callable[[Chunk], Judged], chunks: Iterator[Chunk], jobs: int
) -> Iterator[Judged]:
    """Judge chunks in worker processes, a few each in flight, and give the results in order."""
    pool = ProcessPoolExecutor(jobs, initializer=prepare_worker)
    flying: deque[Future[Judged]] = deque()
    try:
        for chunk in chunks:
            with interrupts_held():
                flying.append(pool.submit(judge_there, chunk))
            if len(flying) > 2 * jobs:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    finally:
        # Waits for the few chunks in hand: where interpreter and pool end side by side, both close one pipe,
        # and the later one complains.
        pool.shutdown(cancel_futures=True)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while a worker may be forked, which inherits that: it is the parent's to heed."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prepare_worker() -> None:
    """Spare the collector what is here for good, and collect less often: judging makes no cycles."""
    gc.freeze()
    gc.set_threshold(50_000)


def judge_chunk(chunk: Chunk, terms: Terms) -> Judged:
    """Judge the lines of a chunk; each ledger is written before the next one is judged."""
    tally = Tally()
    piece = render(judge_lines(chunk, terms, tally), terms.form)
    return Judged(piece, tally.pairs, tally.faults, chunk.size)


def judge_from_file(chunk: Chunk, file: Path, terms: Terms) -> Judged:
    """Judge a chunk that is to be read from where it lies in a file."""
    with file.open("rb") as stream:
        stream.seek(chunk.offset)
        return judge_chunk(chunk._replace(lines=stream.read(chunk.size)), terms)


def judge_lines(chunk: Chunk, terms: Terms, tally: Tally) -> Iterator[Ledger]:
    """Give the ledgers of a chunk's lines; blank lines are passed over, bad ones told to the tally."""
    for number, line in enumerate(chunk.lines.split(b"\n"), chunk.first_line):
        if line and not line.isspace():
            try:
                ledger = judge_line(line, terms)
            except EvidenceError as error:
                tally.faults.append(f"line {number}{', ' if error.field else ': '}{error}")
            else:
                tally.pairs += 1
                yield ledger


def judge_line(line: bytes, terms: Terms) -> Ledger:
    """Judge one line under the terms."""
    evidence = decode_evidence(line)
    policy = evidence.policy
    if terms.overrides:
        policy = msgspec.structs.replace(policy, **terms.overrides)
    try:
        return judge(evidence, now=choose_now(evidence, terms), policy=policy)
    except OverflowError:
        raise EvidenceError("", "its dates come too near to the year 1 or 9999; mend the years") from None


def choose_now(evidence: Evidence, terms: Terms) -> datetime:
    """Give the moment to judge at."""
    if terms.now is not None:
        return terms.now
    return evidence.now if isinstance(evidence.now, datetime) else terms.clock


class Progress:
    """How far a replay has come, on a terminal's standard error; nothing in a pipe."""

    def __init__(self, stream: BinaryIO) -> None:
        self._total = measure_stream(stream)
        self._shown = sys.stderr.isatty()
        self._done = self._pairs = 0
        self._next = monotonic() + 0.5

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")

    def advance(self, judged: Judged) -> None:
        """Count what was judged, and show it a few times a second."""
        self._done += judged.size
        self._pairs += judged.pairs
        if judged.faults:
            self._write("")  # the line is needed for them
        elif monotonic() >= self._next:
            self._next = monotonic() + 0.2
            share = f", {min(self._done / self._total, 1):.0%}" if self._total else ""
            self._write(f"{self._pairs:,} pairs{share}")

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()


def measure_stream(stream: BinaryIO) -> int:
    """Tell the size of a file in bytes; 0 for what has none, as a pipe."""
    try:
        return os.fstat(stream.fileno()).st_size
    except OSError:
        return 0
