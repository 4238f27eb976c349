"""Subscriptions of Microsoft Graph: that it tells us when a calendar changes.

What it tells are hints and is read elsewhere; the handshake with which Graph tries the callback, before it
answers us here, is the site's. Nothing that is told holds a title: only ids are asked for.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec

from integrations.outlook.client import Line
from integrations.outlook.errors import as_no_right
from integrations.outlook.payload import Instant, decode
from tracker.clock import SystemClock
from tracker.errors import ConnectorError
from tracker.ports import Clock, Watch

LONGEST = timedelta(minutes=10_080)
# Graph has the same word for a subscription that is gone as for a mailbox.
_GONE = frozenset({"not_found", "no_account"})
SPARE = timedelta(minutes=5)  # clocks differ, and what is too long is refused


class _Subscription(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    expiration_date_time: Instant


_SUBSCRIPTIONS = msgspec.json.Decoder(_Subscription)


@dataclass(frozen=True, slots=True)
class GraphWatcher:
    """Asks to be told of one mailbox's events."""

    line: Line
    clock: Clock = field(default_factory=SystemClock)

    def start(self, name: str, secret: str, callback: str, until: datetime) -> Watch:
        """Open a channel; `callback` holds its name. What a second try leaves behind runs out by itself."""
        wanted = {
            "changeType": "created,updated,deleted",
            "resource": f"{self.line.owner}/events",
            "notificationUrl": callback,
            "lifecycleNotificationUrl": callback,
            "clientState": secret,
            "expirationDateTime": self._end(until),
        }
        try:
            return _watch(self.line.post("/subscriptions", wanted))
        except ConnectorError as error:
            raise as_no_right(error) from None

    def renew(self, watch: Watch, until: datetime) -> Watch | None:
        """Make the channel last longer, also one that is to be authorised again. None where it is gone."""
        try:
            return _watch(self.line.patch(_address(watch), {"expirationDateTime": self._end(until)}))
        except ConnectorError as error:
            if error.code not in _GONE:
                raise as_no_right(error) from None
            return None

    def stop(self, name: str, watch: Watch) -> None:
        """End the channel. One that is gone already is no error."""
        try:
            self.line.delete(_address(watch))
        except ConnectorError as error:
            if error.code not in _GONE:
                raise as_no_right(error) from None

    def _end(self, until: datetime) -> str:
        end = min(until, self.clock.now() + LONGEST - SPARE).astimezone(UTC)
        return f"{end:%Y-%m-%dT%H:%M:%SZ}"


def _address(watch: Watch) -> str:
    return f"/subscriptions/{quote(watch.provider_name, safe='')}"


def _watch(content: bytes) -> Watch:
    told = decode(_SUBSCRIPTIONS, content)
    return Watch(told.id, told.expiration_date_time)
