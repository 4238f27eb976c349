"""Requests to Microsoft Graph, over connections that stay open.

Never follows a redirect, never takes our token to another host, never waits without bound, and never tells
an address or an answer in an error or a log.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from integrations.outlook.access import AppAccess
from integrations.outlook.errors import MICROSOFT, NOT_ACCEPTED, UNREACHABLE, problem_of
from integrations.outlook.payload import BatchAnswer, read_batch
from integrations.outlook.throttle import Throttle
from integrations.patience import ATTEMPTS, send_patiently, wait_before
from integrations.wire import Wire
from tracker.errors import AuthRevoked, BadPayload, ConnectorError, RateLimited

GRAPH_ROOT = "https://graph.microsoft.com"
VERSION = "/v1.0"
BATCH = 20
PAGE_SIZE = 200
# On every request: an id of another kind, or a time of another zone, would be another's.
PREFER = f'odata.maxpagesize={PAGE_SIZE}, outlook.timezone="UTC", IdType="ImmutableId"'
_HEADERS = {
    "User-Agent": "Cadencia",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Prefer": PREFER,
}


class GraphApi:
    """Microsoft Graph at one root, entered by one application. To be shared by threads; not by a fork."""

    def __init__(
        self,
        access: AppAccess,
        root: str = GRAPH_ROOT,
        ca_bundle: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.access = access
        self.wire = Wire(root, ca_bundle, MICROSOFT)
        self.base = root + VERSION
        self.throttle = Throttle()
        self.sleep = sleep

    def line(self, mailbox: str) -> "Line":
        """Return what sends requests about one mailbox."""
        return Line(self, mailbox)

    def close(self) -> None:
        """Close all connections."""
        self.wire.close()


@dataclass(frozen=True, slots=True)
class Line:
    """Sends requests about one mailbox, and tries again what may pass. Not shared between threads."""

    api: GraphApi
    mailbox: str

    def address(self, path: str) -> str:
        """Return the address of something in the mailbox, below the API's version."""
        return f"/users/{quote(self.mailbox, safe='@')}/{path}"

    def get(self, address: str) -> bytes:
        """Return the body of the answer. `address` is ours, or Graph's own link. Raises ConnectorError."""
        return self._exchange("GET", self._own(address), None)

    def get_many(self, addresses: Mapping[str, str]) -> dict[str, msgspec.Raw | None]:
        """Return the bodies by the names of `addresses`, None where there is none. Raises ConnectorError."""
        found: dict[str, msgspec.Raw | None] = {}
        names = list(addresses)
        for start in range(0, len(names), BATCH):
            found |= self._get_batch({name: addresses[name] for name in names[start : start + BATCH]})
        return found

    def _get_batch(self, addresses: dict[str, str]) -> dict[str, msgspec.Raw | None]:
        found: dict[str, msgspec.Raw | None] = {}
        names = {str(number): name for number, name in enumerate(addresses)}
        for attempt in range(1, ATTEMPTS + 1):
            problem: ConnectorError | None = None
            for answer in self._send_batch({n: addresses[name] for n, name in names.items()}):
                if (name := names.get(answer.id)) is None:
                    continue
                body, problem = _body_of(answer, problem)
                if body is not None or answer.status == 404:
                    found[name] = body
                    del names[answer.id]
            if not names:
                return found
            problem = problem or BadPayload(
                "Microsoft 365 left requests of a batch unanswered.", code="cut_off"
            )
            wait_s = wait_before(problem, attempt)
            if wait_s is None or attempt == ATTEMPTS:
                raise problem
            self.api.sleep(wait_s)
        raise ConnectorError(UNREACHABLE)

    def _send_batch(self, addresses: Mapping[str, str]) -> tuple[BatchAnswer, ...]:
        requests = [
            {"id": number, "method": "GET", "url": address, "headers": {"Prefer": PREFER}}
            for number, address in addresses.items()
        ]
        body = msgspec.json.encode({"requests": requests})
        return read_batch(self._exchange("POST", f"{self.api.base}/$batch", body))

    def _own(self, address: str) -> str:
        if address.startswith("/"):
            return self.api.base + address
        if not address.startswith(self.api.wire.origin + "/"):
            raise BadPayload("A link in the answer leads away from Microsoft Graph.")
        return address

    def _exchange(self, method: str, address: str, body: bytes | None) -> bytes:
        def send(token: str) -> bytes | ConnectorError:
            return self._send(method, address, body, token)

        try:
            return send_patiently(send, self.api.access, self.api.sleep)
        except AuthRevoked:
            pass
        raise _refused_token()

    def _send(self, method: str, address: str, body: bytes | None, token: str) -> bytes | ConnectorError:
        sent = {**_HEADERS, "Authorization": f"Bearer {token}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        throttle = self.api.throttle
        try:
            with throttle.turn(self.mailbox) as number:
                reply = self.api.wire.exchange(method, address, body, sent)
        except ConnectorError as error:
            return error
        if 200 <= reply.status < 300:
            throttle.went_well()
            return reply.body
        problem = problem_of(reply.status, reply.headers, reply.body)
        if isinstance(problem, RateLimited):
            throttle.was_refused(number)
        return problem


def _body_of(
    answer: BatchAnswer, worst: ConnectorError | None
) -> tuple[msgspec.Raw | None, ConnectorError | None]:
    """Return the body of a good answer, and what is to be waited for or raised of this and the others."""
    if 200 <= answer.status < 300:
        return answer.body, worst
    headers = {name.lower(): value for name, value in answer.headers.items()}
    problem = problem_of(answer.status, headers, bytes(answer.body))
    if answer.status == 404 and problem.code == "not_found":
        return None, worst
    if isinstance(problem, AuthRevoked):
        raise _refused_token()
    if wait_before(problem, 1) is None and problem.retry_after_s is None:
        raise problem
    waits = [p.retry_after_s or 0.0 for p in (problem, worst) if p]
    return None, type(problem)(str(problem), code=problem.code, retry_after_s=max(waits))


def _refused_token() -> ConnectorError:
    # It is the application that is refused, not the person: connecting the calendar again mends nothing.
    return ConnectorError(NOT_ACCEPTED, code="token_refused")
