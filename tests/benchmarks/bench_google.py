"""Measure what reading a Google calendar costs when nothing changed, and how many can be read at a time.

    python tests/benchmarks/bench_google.py [--calendars 300] [--in-flight 32]

Exits 1 if a calendar without changes costs more than one request, or more than a fifth of the CPU of
`service.events().list().execute()` on a service that was built before; or if, against a server that answers
after 100 ms, so many readings in flight reach less than 80 % of what the latency allows. CPU time is this
process's own; the server is another process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any, TypedDict

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from integrations.google.access import Access
from integrations.google.client import GoogleApi
from integrations.google.source import GoogleSource
from tracker.events import Window
from tracker.tags import TagRules

MOST_SHARE_OF_CPU = 0.2
LEAST_SHARE_OF_LATENCY = 0.8
LATENCY_S = 0.1
WARM_UP = 5
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
RULES = TagRules()
UNCHANGED = json.dumps(
    {"kind": "calendar#events", "items": [], "nextSyncToken": "CPjqwZ2H5ZADEPjqwZ2H5ZAD"}
).encode()


class Figures(TypedDict):
    """What was measured: milliseconds of CPU a calendar, requests a calendar, calendars a second."""

    fresh_client_cpu_ms: float  # where the service is built for every calendar
    client_cpu_ms: float
    our_cpu_ms: float
    share: float
    requests: float
    in_flight: int
    rate: float
    most_rate: float
    share_of_latency: float
    met: bool


class _Quick(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    latency_s = 0.0
    served = 0

    def do_GET(self) -> None:
        time.sleep(self.latency_s)
        _Quick.served += 1
        size = str(len(UNCHANGED)).encode()
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
            + size
            + b"\r\n\r\n"
            + UNCHANGED
        )


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def serve(talk: Connection, latency_s: float) -> None:
    """Serve until told to stop, then say how often somebody asked. Runs in a process of its own."""
    _Quick.latency_s = latency_s
    server = _Server(("127.0.0.1", 0), _Quick)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    talk.send(server.server_address[1])
    while talk.recv() == "count":
        talk.send(_Quick.served)


@contextmanager
def serving(latency_s: float) -> Iterator[tuple[str, Callable[[], int]]]:
    """Give the root of a server that finds no change, and what tells how many requests reached it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, latency_s), daemon=True)
    process.start()

    def count() -> int:
        ours.send("count")
        return int(ours.recv())

    yield f"http://127.0.0.1:{ours.recv()}", count
    ours.send("stop")
    process.join()


def cpu_ms(times: int, work: Callable[[], object]) -> float:
    """Return the milliseconds of CPU that a run of `work` takes."""
    for _ in range(WARM_UP):
        work()
    before = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - before) / times * 1000


def list_events(service: Any) -> object:
    """List a calendar as it is usually written."""
    return service.events().list(calendarId="primary").execute()


def build_service(root: str) -> Any:
    """Build a service as it is usually done, with the description that ships in the library."""
    return build(
        "calendar",
        "v3",
        credentials=Credentials(token="a token"),
        client_options={"api_endpoint": f"{root}/calendar/v3/"},
        static_discovery=True,
    )


def open_source(api: GoogleApi, name: str) -> GoogleSource:
    """Open a calendar whose owner has a token."""
    return GoogleSource(api, api.line(Access(lambda: Credentials(token="a token"))), name)


def measure_cpu(calendars: int) -> tuple[float, float, float, float]:
    """Return the CPU of a service built each time, of one built once, and ours; and our requests."""
    with serving(0.0) as (root, count):
        fresh = cpu_ms(calendars, lambda: list_events(build_service(root)))
        service = build_service(root)
        built = cpu_ms(calendars, lambda: list_events(service))
        api = GoogleApi(root)
        source = open_source(api, "ana@example.com")
        cursor = source.pull(None, WINDOW, RULES).cursor
        before = count()
        ours = cpu_ms(calendars, lambda: source.pull(cursor, WINDOW, RULES))
        requests = (count() - before) / (calendars + WARM_UP)
        api.close()
    return fresh, built, ours, requests


def measure_rate(calendars: int, in_flight: int) -> float:
    """Return how many calendars without changes are read in a second, so many at a time."""
    with serving(LATENCY_S) as (root, _), ThreadPoolExecutor(in_flight) as pool:
        api = GoogleApi(root)
        sources = [open_source(api, f"p{n}@example.com") for n in range(calendars)]
        cursor = sources[0].pull(None, WINDOW, RULES).cursor
        before = time.monotonic()
        for done in pool.map(lambda source: source.pull(cursor, WINDOW, RULES), sources):
            assert done.cursor
        rate = calendars / (time.monotonic() - before)
        api.close()
    return rate


def measure(calendars: int, in_flight: int) -> Figures:
    """Measure everything."""
    fresh, built, ours, requests = measure_cpu(calendars)
    rate = measure_rate(max(calendars, in_flight * 20), in_flight)
    share, most_rate = ours / built, in_flight / LATENCY_S
    return Figures(
        fresh_client_cpu_ms=fresh,
        client_cpu_ms=built,
        our_cpu_ms=ours,
        share=share,
        requests=requests,
        in_flight=in_flight,
        rate=rate,
        most_rate=most_rate,
        share_of_latency=rate / most_rate,
        met=share <= MOST_SHARE_OF_CPU and requests == 1 and rate / most_rate >= LEAST_SHARE_OF_LATENCY,
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
