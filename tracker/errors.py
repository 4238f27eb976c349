"""The one tree of exceptions. No message holds a secret, a feed's address or a meeting's title."""


class TrackerError(Exception):
    """Something that a person can be told about: what happened, and what to do."""


class BadInput(TrackerError):
    """Input that could not be taken; `problems` holds one line for each thing to mend."""

    def __init__(self, problems: list[str] | str) -> None:
        self.problems = [problems] if isinstance(problems, str) else problems
        super().__init__("\n".join(self.problems))


class BadSettings(TrackerError):
    """A setting that is missing or makes no sense; the message names it and says how to mend it."""


class NotAllowed(TrackerError):
    """The person may not do this. The site shows it as 'not found', so that nothing is given away."""


class ConnectorError(TrackerError):
    """A calendar could not be read or written. What was known before still stands.

    `code` is a stable word for tables and tests (`unreachable`, `not_a_calendar`, ...); `retry_after_s`
    is the provider's own wish in seconds, where it gave one.
    """

    code = "unreachable"

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.retry_after_s = retry_after_s


class AuthRevoked(ConnectorError):
    """The consent or the link is no longer valid: only the person can connect again."""

    code = "reconnect"


class SyncTokenExpired(ConnectorError):
    """The provider forgot our place (410, syncStateNotFound): read everything again."""

    code = "token_expired"


class RateLimited(ConnectorError):
    """The provider asks us to slow down."""

    code = "rate_limited"


class BadPayload(ConnectorError):
    """The answer is not what it should be: a sign-in page, a cut-off file, a body that is too large."""

    code = "not_a_calendar"
