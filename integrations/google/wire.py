"""How google-auth reaches the token endpoint. Never tells an address or an answer in an error."""

from collections.abc import Mapping

import google.auth.transport
from google.auth.exceptions import TransportError

from integrations import http
from integrations.barriers import unreachable, unreached
from tracker.errors import ConnectorError

GOOGLE = "Google"
UNREACHABLE = unreachable(GOOGLE)


class Unreached(TransportError):
    """The endpoint was not reached, or something in between answered: `problem` says which."""

    def __init__(self, problem: ConnectorError) -> None:
        super().__init__(str(problem))  # type: ignore[no-untyped-call]
        self.problem = problem


class Exchange(google.auth.transport.Request):
    """How google-auth reaches the token endpoint."""

    def __init__(self, ca_bundle: str | None) -> None:
        self._ca_bundle = ca_bundle

    def __call__(  # type: ignore[override]
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> "TokenReply":
        """Send a request for a token. Raises TransportError."""
        problem: ConnectorError
        try:
            return TokenReply(http.send(method, url, headers=headers, body=body, ca_bundle=self._ca_bundle))
        except ConnectorError as error:
            problem = unreached(error, UNREACHABLE)
        raise Unreached(problem)


class TokenReply(google.auth.transport.Response):
    """An answer as google-auth reads it."""

    def __init__(self, answer: http.Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        """Return the status."""
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers, names in lower case."""
        return self._answer.headers

    @property
    def data(self) -> bytes:
        """Return the body."""
        return self._answer.body
