"""Channels, and the notices that go out over them when somebody calls `deliver`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import requests

from tests.fakes.google.calendar import FakeCalendar, Resource
from tests.fakes.google.description import Refused
from tests.fakes.google.office import Office

Post = Callable[[str, Mapping[str, str]], int]
_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
_LOOPBACK = ("http://127.0.0.1", "http://localhost")


@dataclass
class Channel:
    """One open channel; `seen` is the calendar's revision of its last notice, `number` that notice's."""

    id: str
    resource: str
    address: str
    token: str
    expires_at: datetime
    calendar: FakeCalendar
    seen: int
    uri: str
    number: int = 0

    def notice(self, state: str) -> dict[str, str]:
        """Return the headers of the next notice; it has no body."""
        self.number += 1
        self.seen = self.calendar.revision
        headers = {
            "X-Goog-Channel-ID": self.id,
            "X-Goog-Channel-Token": self.token,
            "X-Goog-Channel-Expiration": format_datetime(self.expires_at, usegmt=True),
            "X-Goog-Resource-ID": self.resource,
            "X-Goog-Resource-URI": self.uri,
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(self.number),
        }
        return {name: text for name, text in headers.items() if text}


@dataclass
class PushDesk:
    """Opens and ends channels. `longest` is how long Google lets one live."""

    office: Office
    channels: dict[str, Channel] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    longest: timedelta = timedelta(days=7)

    def watch(self, calendar: FakeCalendar, body: Resource, root: str) -> Resource:
        """Answer `events.watch`. An id is good for one channel, ever."""
        if not _ID.fullmatch(body.get("id", "")) or body.get("type") not in ("web_hook", "webhook"):
            raise Refused(400, "invalid")
        if body["id"] in self.used:
            raise Refused(400, "channelIdNotUnique")
        if not body["address"].startswith(("https://", *_LOOPBACK)):
            raise Refused(401, "push.webhookUrlNotHttps")
        wish = int(body["expiration"]) / 1000 if "expiration" in body else FAR
        ends_at = min(datetime.fromtimestamp(wish, UTC), self.office.now + self.longest)
        uri = f"{root}/calendar/v3/calendars/{calendar.owner}/events?alt=json"
        channel = Channel(
            id=body["id"], resource=f"resource-{calendar.owner}", address=body["address"],
            token=body.get("token", ""), expires_at=ends_at, calendar=calendar, seen=-1, uri=uri,
        )  # fmt: skip
        self.used.add(channel.id)
        self.channels[channel.id] = channel
        return {
            "kind": "api#channel", "id": channel.id, "resourceId": channel.resource, "resourceUri": uri,
            "token": channel.token, "expiration": str(int(ends_at.timestamp() * 1000)),
        }  # fmt: skip

    def stop(self, body: Resource) -> None:
        """Answer `channels.stop`."""
        channel = self.channels.get(body["id"])
        if channel is None or channel.resource != body["resourceId"]:
            raise Refused(404, "channelUnknown")
        del self.channels[channel.id]

    def deliver(self, post: Post | None = None) -> list[tuple[str, int]]:
        """Send what is due: `sync` over each new channel, `exists` where the calendar changed since.

        `post` takes the place of a real POST. Return each notice's state and the status of its answer.
        """
        sent = []
        for channel in list(self.channels.values()):
            if channel.expires_at <= self.office.now:
                del self.channels[channel.id]
            elif channel.seen < channel.calendar.revision:
                state = "sync" if channel.number == 0 else "exists"
                sent.append((state, (post or _post)(channel.address, channel.notice(state))))
        return sent


FAR = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def _post(address: str, headers: Mapping[str, str]) -> int:
    return requests.post(address, headers=dict(headers), timeout=30, allow_redirects=False).status_code
