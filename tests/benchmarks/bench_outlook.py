"""Measure what reading an Outlook calendar costs when nothing changed, and how many can be read at a time.

    python tests/benchmarks/bench_outlook.py [--calendars 300] [--in-flight 32]

Exits 1 if a calendar without changes costs more than one request; if, against a server that answers after
100 ms, so many readings in flight over many mailboxes reach less than 80 % of what the latency allows, once
the adaptive limit lets them; or if more than three are under way for one mailbox. CPU time is this process's
own; the server is another process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import ClassVar, TypedDict

from integrations.outlook.client import GraphApi, Line
from integrations.outlook.source import OutlookSource
from integrations.outlook.throttle import MOST_PER_MAILBOX
from tracker.events import Window
from tracker.tags import TagRules

LEAST_SHARE_OF_LATENCY = 0.8
LATENCY_S = 0.1
WARM_UP = 5
LONGEST_S = 60.0  # the limit has adapted by then
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
RULES = TagRules()


class Figures(TypedDict):
    """What was measured: milliseconds of CPU a calendar, requests a calendar, calendars a second."""

    cpu_ms: float
    requests: float
    in_flight: int
    adapted_after_s: float
    rate: float
    most_rate: float
    share_of_latency: float
    most_per_mailbox: int
    met: bool


class _Quick(BaseHTTPRequestHandler):
    """Finds no change in any mailbox. Counts what it is asked, and how many at once for one mailbox."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    latency_s = 0.0
    served = 0
    most = 0
    busy: ClassVar[Counter[str]] = Counter()
    lock = threading.Lock()

    def do_GET(self) -> None:
        mailbox = self.path.split("/")[3]
        with _Quick.lock:
            _Quick.busy[mailbox] += 1
            _Quick.most = max(_Quick.most, _Quick.busy[mailbox])
        time.sleep(self.latency_s)
        host = self.headers["Host"]
        link = f"http://{host}/v1.0/users/{mailbox}/calendarView/delta?$deltatoken=R0usmcCM996atia"
        body = json.dumps({"value": [], "@odata.deltaLink": link}).encode()
        with _Quick.lock:
            _Quick.served += 1
            _Quick.busy[mailbox] -= 1
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


@dataclass(frozen=True, slots=True)
class _Token:
    """Somebody whose token is good for ever."""

    def token(self) -> str:
        return "a token"

    def replace(self, refused: str) -> str:
        return refused


def serve(talk: Connection, latency_s: float) -> None:
    """Serve until told to stop, then say how often somebody asked. Runs in a process of its own."""
    _Quick.latency_s = latency_s
    server = _Server(("127.0.0.1", 0), _Quick)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    talk.send(server.server_address[1])
    while talk.recv() == "count":
        talk.send((_Quick.served, _Quick.most))


@contextmanager
def serving(latency_s: float) -> Iterator[tuple[str, Callable[[], tuple[int, int]]]]:
    """Give the root of a server that finds no change, and what tells how much was asked of it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, latency_s), daemon=True)
    process.start()

    def count() -> tuple[int, int]:
        ours.send("count")
        served, most = ours.recv()
        return int(served), int(most)

    yield f"http://127.0.0.1:{ours.recv()}", count
    ours.send("stop")
    process.join()


def open_source(api: GraphApi, number: int) -> OutlookSource:
    """Open a calendar whose application has a token."""
    name = f"p{number}@example.com"
    return OutlookSource(Line(api, name, _Token()), name)


def measure_cpu(calendars: int) -> tuple[float, float]:
    """Return the CPU of an unchanged calendar in milliseconds, and its requests."""
    with serving(0.0) as (root, count):
        api = GraphApi(root)
        source = open_source(api, 0)
        cursor = source.pull(None, WINDOW, RULES).cursor
        for _ in range(WARM_UP):
            source.pull(cursor, WINDOW, RULES)
        asked, before = count()[0], time.process_time()
        for _ in range(calendars):
            source.pull(cursor, WINDOW, RULES)
        cpu_ms = (time.process_time() - before) / calendars * 1000
        requests = (count()[0] - asked) / calendars
        api.close()
    return cpu_ms, requests


def measure_rate(calendars: int, in_flight: int) -> tuple[float, float, int]:
    """Return how long the limit took to adapt, the calendars a second since, and the most for one mailbox."""
    with serving(LATENCY_S) as (root, count), ThreadPoolExecutor(in_flight) as pool:
        api = GraphApi(root)
        sources = [open_source(api, n) for n in range(max(calendars, in_flight))]
        begun = time.monotonic()
        cursors = [p.cursor for p in pool.map(lambda s: s.pull(None, WINDOW, RULES), sources)]
        pairs = list(zip(sources, cursors, strict=True))
        while api.throttle.limit < in_flight:
            list(pool.map(lambda pair: pair[0].pull(pair[1], WINDOW, RULES), pairs[: in_flight * 2]))
            assert time.monotonic() - begun < LONGEST_S
        adapted_s, before = time.monotonic() - begun, time.monotonic()
        for done in pool.map(lambda pair: pair[0].pull(pair[1], WINDOW, RULES), pairs):
            assert done.cursor
        rate = len(sources) / (time.monotonic() - before)
        list(pool.map(lambda _: sources[0].pull(cursors[0], WINDOW, RULES), range(in_flight)))
        most = count()[1]
        api.close()
    return adapted_s, rate, most


def measure(calendars: int, in_flight: int) -> Figures:
    """Measure everything."""
    cpu_ms, requests = measure_cpu(calendars)
    adapted_s, rate, most = measure_rate(max(calendars, in_flight * 20), in_flight)
    most_rate = in_flight / LATENCY_S
    is_met = requests == 1 and rate / most_rate >= LEAST_SHARE_OF_LATENCY and most <= MOST_PER_MAILBOX
    return Figures(
        cpu_ms=cpu_ms,
        requests=requests,
        in_flight=in_flight,
        adapted_after_s=adapted_s,
        rate=rate,
        most_rate=most_rate,
        share_of_latency=rate / most_rate,
        most_per_mailbox=most,
        met=is_met,
    )


def main() -> int:
    """Measure, print one line of figures, and return the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--calendars", type=int, default=300)
    options.add_argument("--in-flight", type=int, default=32)
    given = options.parse_args()
    figures = measure(given.calendars, given.in_flight)
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}))
    return 0 if figures["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
