"""Subscriptions: the handshake with the callback, notices of changes, and the three of their own lives."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote

import msgspec

from tests.fakes.graph.mailbox import Refused
from tests.fakes.graph.people import READING, Holder, object_id
from tests.fakes.graph.shapes import Json

LONGEST = timedelta(minutes=10_080)
Deliver = Callable[[str, bytes, str], tuple[int, str, str]]  # address, body, type -> status, type, text
Lifecycle = Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]


class _Wanted(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    change_type: Literal["created,updated,deleted"]
    resource: str
    notification_url: str
    lifecycle_notification_url: str
    client_state: str
    expiration_date_time: datetime


class _Renewal(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    expiration_date_time: datetime


@dataclass
class Subscription:
    """One that was accepted."""

    id: str
    owner: str
    wanted: _Wanted
    expires_at: datetime


@dataclass
class Switchboard:
    """`deliver` sends to callbacks; over HTTP, unless a test puts a Flask client's post in its place.

    `longest` is how far ahead an expiry may lie.
    """

    deliver: Deliver = field(default_factory=lambda: post_over_http)
    longest: timedelta = LONGEST
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    def subscribe(self, holder: Holder, body: bytes) -> Json:
        """Answer POST subscriptions, after the callback has shown that it is there."""
        holder.need(READING)
        wanted = msgspec.json.decode(body, type=_Wanted)
        owner = _owner_of(wanted.resource, holder)
        if len(wanted.client_state) > 128 or wanted.expiration_date_time > datetime.now(UTC) + self.longest:
            raise Refused(400, "InvalidRequest")
        for url in (wanted.notification_url, wanted.lifecycle_notification_url):
            self._shake_hands(url)
        found = Subscription(str(uuid.uuid4()), owner, wanted, wanted.expiration_date_time)
        self.subscriptions[found.id] = found
        return _write(found)

    def renew(self, name: str, body: bytes) -> Json:
        """Answer PATCH."""
        told = msgspec.json.decode(body, type=_Renewal)
        if told.expiration_date_time > datetime.now(UTC) + self.longest:
            raise Refused(400, "ExtensionError")
        found = self._find(name)
        found.expires_at = told.expiration_date_time
        return _write(found)

    def end(self, name: str) -> None:
        """Answer DELETE."""
        del self.subscriptions[self._find(name).id]

    def notify(
        self, owner: str, event_id: str = "AAkA=", *, change: str = "updated", **about: object
    ) -> list[int]:
        """Tell everybody who asked that an event of the owner's changed; return what they answered."""
        resource = f"Users/{object_id(owner)}/Events/{event_id}"
        data = {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": resource,
            "@odata.etag": 'W/"1"',
            "id": event_id,
        }
        notice = {"changeType": change, "resource": resource, "resourceData": data}
        mine = [s for s in self.subscriptions.values() if s.owner == owner]
        return [self._send(s.wanted.notification_url, {**_head(s), **notice, **about}) for s in mine]

    def tell(self, owner: str, kind: Lifecycle) -> list[int]:
        """Send one of the three notices of a subscription's own life; a removed one is gone before."""
        mine = [s for s in self.subscriptions.values() if s.owner == owner]
        if kind == "subscriptionRemoved":
            for found in mine:
                del self.subscriptions[found.id]
        return [
            self._send(s.wanted.lifecycle_notification_url, {**_head(s), "lifecycleEvent": kind})
            for s in mine
        ]

    def _shake_hands(self, url: str) -> None:
        token = f"Validation: {secrets.token_urlsafe(8)} <&+>"
        joint = "&" if "?" in url else "?"
        status, kind, text = self.deliver(f"{url}{joint}validationToken={quote(token)}", b"", "text/plain")
        if status != 200 or not kind.startswith("text/plain") or text != token:
            raise Refused(400, "ValidationError")

    def _send(self, url: str, notice: Json) -> int:
        return self.deliver(url, msgspec.json.encode({"value": [notice]}), "application/json")[0]

    def _find(self, name: str) -> Subscription:
        if name not in self.subscriptions:
            raise Refused(404, "ResourceNotFound")
        return self.subscriptions[name]


def post_over_http(url: str, body: bytes, content_type: str) -> tuple[int, str, str]:
    """Post to a callback; return status, content type and text."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type}, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return reply.status, reply.headers.get("Content-Type", ""), reply.read().decode()
    except urllib.error.HTTPError as no:
        no.close()
        return no.code, "", ""


def _owner_of(resource: str, holder: Holder) -> str:
    match resource.split("/"):
        case ["me", "events"] if holder.owner:
            return holder.owner
        case ["users", owner, "events"] if holder.owner is None:
            return owner
    raise Refused(400, "InvalidRequest")


def _head(found: Subscription) -> Json:
    return {
        "subscriptionId": found.id,
        "subscriptionExpirationDateTime": found.expires_at.isoformat(),
        "clientState": found.wanted.client_state,
        "tenantId": object_id("tenant"),
    }


def _write(found: Subscription) -> Json:
    # The secret does not come back.
    told: Json = msgspec.to_builtins(found.wanted)
    return {**told, "id": found.id, "clientState": None, "expirationDateTime": found.expires_at.isoformat()}
