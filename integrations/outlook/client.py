"""Requests to Microsoft Graph, over connections that stay open.

Never follows a redirect, never takes our token to another host, never waits without bound, and never tells
an address or an answer in an error or a log.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from integrations.limits import Pace
from integrations.outlook.application import GRAPH_ROOT, VERSION, without_version
from integrations.outlook.errors import MICROSOFT, UNREACHABLE, for_application, for_owner, problem_of
from integrations.outlook.payload import BatchAnswer, read_batch
from integrations.outlook.throttle import Throttle
from integrations.patience import ATTEMPTS, send_patiently, wait_before
from integrations.wire import Wire
from tracker.errors import BadPayload, ConnectorError, RateLimited
from tracker.ports import Access

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
    """Microsoft Graph at one root, whoever enters. To be shared by threads; not by a fork."""

    def __init__(
        self,
        root: str = GRAPH_ROOT,
        ca_bundle: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        pace: Pace | None = None,
    ) -> None:
        self.pace = pace
        self.wire = Wire(root, ca_bundle, MICROSOFT)
        self.base = without_version(root) + VERSION
        self.throttle = Throttle()
        self.sleep = sleep

    def close(self) -> None:
        """Close all connections."""
        self.wire.close()


@dataclass(frozen=True, slots=True)
class Line:
    """Sends requests about one mailbox, and tries again what may pass. Not shared between threads.

    `access` is the application's, or with `is_own` the consent of the mailbox's owner.
    """

    api: GraphApi
    mailbox: str
    access: Access
    is_own: bool = False

    def address(self, path: str) -> str:
        """Return the address of something in the mailbox, below the API's version."""
        return f"/{self.owner}/{path}"

    @property
    def owner(self) -> str:
        """Return whose mailbox it is in Graph's addresses; a person's own needs no sign-in name."""
        return "me" if self.is_own else f"users/{quote(self.mailbox, safe='@')}"

    def get(self, address: str) -> bytes:
        """Return the body of the answer. `address` is ours, or Graph's own link. Raises ConnectorError."""
        return self._exchange("GET", self._own(address))

    def post(self, address: str, content: object) -> bytes:
        """Send something that may be sent twice, and return the body of the answer. Raises ConnectorError."""
        return self._exchange("POST", self._own(address), msgspec.json.encode(content))

    def patch(self, address: str, content: object, version: str | None = None) -> bytes:
        """Change something, if it still has that etag, and return it as it is now. Raises ConnectorError."""
        return self._exchange("PATCH", self._own(address), msgspec.json.encode(content), version)

    def delete(self, address: str) -> None:
        """Delete something. Raises ConnectorError."""
        self._exchange("DELETE", self._own(address))

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
                body, problem = self._body_of(answer, problem)
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

    def _body_of(
        self, answer: BatchAnswer, worst: ConnectorError | None
    ) -> tuple[msgspec.Raw | None, ConnectorError | None]:
        """Return the body of a good answer, and what is to be waited for of this and the others."""
        if 200 <= answer.status < 300:
            return answer.body, worst
        headers = {name.lower(): value for name, value in answer.headers.items()}
        problem = problem_of(answer.status, headers, bytes(answer.body))
        if answer.status == 404 and problem.code == "not_found":
            return None, worst
        if wait_before(problem, 1) is None and problem.retry_after_s is None:
            raise self._meant(problem)
        waits = [p.retry_after_s or 0.0 for p in (problem, worst) if p]
        return None, type(problem)(str(problem), code=problem.code, retry_after_s=max(waits))

    def _own(self, address: str) -> str:
        if address.startswith("/"):
            return self.api.base + address
        if not address.startswith(self.api.wire.origin + "/"):
            raise BadPayload("A link in the answer leads away from Microsoft Graph.")
        return address

    def _exchange(
        self, method: str, address: str, body: bytes | None = None, version: str | None = None
    ) -> bytes:
        def send(token: str) -> bytes | ConnectorError:
            headers = {**_HEADERS, "Authorization": f"Bearer {token}"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            if version is not None:
                headers["If-Match"] = version
            return self._send(method, address, body, headers)

        problem: ConnectorError
        try:
            return send_patiently(send, self.access, self.api.sleep)
        except ConnectorError as error:
            problem = error
        raise self._meant(problem)

    def _meant(self, problem: ConnectorError) -> ConnectorError:
        """Return who can mend it: the owner, where it is the owner's consent that does not do."""
        return for_owner(problem) if self.is_own else for_application(problem)

    def _send(
        self, method: str, address: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes | ConnectorError:
        if self.api.pace and (too_fast := self.api.pace.take(self.mailbox)):
            return too_fast
        throttle = self.api.throttle
        try:
            with throttle.turn(self.mailbox) as number:
                reply = self.api.wire.exchange(method, address, body, headers)
        except ConnectorError as error:
            return error
        if 200 <= reply.status < 300:
            throttle.went_well()
            return reply.body
        problem = problem_of(reply.status, reply.headers, reply.body)
        if isinstance(problem, RateLimited):
            throttle.was_refused(number)
        return problem
