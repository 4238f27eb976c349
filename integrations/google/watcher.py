"""Has Google tell us that a calendar changed. A notice says no more than that, and is never relied upon."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from integrations.google.client import GoogleApi, Line
from integrations.google.diary import PRIMARY
from integrations.google.payload import read_as
from tracker.errors import ConnectorError
from tracker.ports import Watch


class _Channel(msgspec.Struct, frozen=True, rename="camel"):
    resource_id: str
    expiration: str = ""  # milliseconds since 1970


@dataclass(frozen=True, slots=True)
class GoogleWatcher:
    """Channels for the primary calendar that `line` may read."""

    api: GoogleApi
    line: Line

    def start(self, name: str, secret: str, callback: str, until: datetime) -> Watch:
        """Open a channel. Google decides when it ends, and refuses a name that it had before."""
        asked = {
            "id": name,
            "token": secret,
            "type": "web_hook",
            "address": callback,
            "expiration": str(int(until.timestamp() * 1000)),
        }
        # If the process dies here, a channel of which we know nothing runs until it ends; its notices are
        # unknown to us and change nothing.
        channel = read_as(
            self.line.fetch_once(self.api.events.watch(calendarId=PRIMARY, body=asked)), _Channel
        )
        return Watch(channel.resource_id, _instant(channel.expiration) or until)

    def renew(self, watch: Watch, until: datetime) -> Watch | None:
        """Return None: Google makes no channel last longer."""
        return None

    def stop(self, name: str, watch: Watch) -> None:
        """End the channel; both its names are needed for that."""
        named = {"id": name, "resourceId": watch.provider_name}
        try:
            self.line.fetch(self.api.channels.stop(body=named))
        except ConnectorError as error:
            if error.code != "not_found":
                raise


def _instant(milliseconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds.isdigit() else None
