"""The only place that asks the machine what time it is. Everything else is handed `now`."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still, for demonstrations, replays and tests."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant that the clock was set to."""
        return self.instant
