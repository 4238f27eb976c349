"""Brings frozen events to chats and programs. Decides nothing about them, follows no redirect, keeps nothing.

The address was typed by somebody, so it is as hostile as a feed's: https, and not inside, unless its host is
in CADENCIA_FEED_HOSTS. Signatures: https://www.standardwebhooks.com (version 1.0.0), so that receivers can
take a library of theirs.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations.addresses import check_url
from integrations.hooks_out.shapes import adaptive_card, slack_message
from integrations.http import Answer, Limits, post, retry_after
from tracker.errors import AuthRevoked, BadInput, ConnectorError
from tracker.ports import Delivery

RETRY_AFTER_S = 60.0
LIMITS = Limits(connect_s=5, read_s=10, total_s=15, max_bytes=1_000_000)
SHAPES: Mapping[str, Callable[[bytes], bytes]] = {"slack": slack_message, "teams": adaptive_card}
_WRONG_PLACE = frozenset({401, 403, 404, 405, 410})
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class HttpCourier:
    """Posts each event once. Safe to share between threads: nothing is kept open."""

    allowed_hosts: frozenset[str] = frozenset()
    ca_bundle: str | None = None

    def check(self, url: str) -> None:
        """Raise BadInput where `url` is none that we would post to. No network."""
        try:
            check_url(url, self.allowed_hosts)
        except ConnectorError:
            raise BadInput(
                "The address must begin with https://, without user name or unusual port. "
                "CADENCIA_FEED_HOSTS names hosts for which that does not hold."
            ) from None

    def deliver(self, delivery: Delivery, now: datetime) -> None:
        """Post the event. Raises ConnectorError unless the answer is a 2xx."""
        shape = SHAPES.get(delivery.kind)
        body = shape(delivery.body) if shape else delivery.body
        headers = {"Content-Type": "application/json", "User-Agent": "Cadencia (events)"}
        if shape is None:
            headers |= sign(delivery, now)
        answer = post(
            delivery.url,
            body,
            headers=headers,
            limits=LIMITS,
            allowed_hosts=self.allowed_hosts,
            ca_bundle=self.ca_bundle,
        )
        _judge(answer)


def sign(delivery: Delivery, now: datetime) -> dict[str, str]:
    """Return the headers by which a receiver knows that the event is ours, fresh, and which one it is.

    Of each secret one signature over `id.timestamp.body`, so that a secret can be changed without a gap.
    """
    stamp = int(now.timestamp())
    content = f"{delivery.id}.{stamp}.".encode() + delivery.body
    marks = (hmac.new(_key(secret), content, hashlib.sha256).digest() for secret in delivery.secrets)
    return {
        "webhook-id": delivery.id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(mark).decode()}" for mark in marks),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def _judge(answer: Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    said = f"The endpoint answered {status}."
    if status in _LATER or status >= 500:
        wait_s = retry_after(answer.headers) or RETRY_AFTER_S
        raise ConnectorError(said, code="unreachable", retry_after_s=wait_s)
    if status in _WRONG_PLACE or 300 <= status < 400:
        # Every event would hear the same; they wait until somebody looks (`cadencia endpoints list`).
        words = f"{said} Its address is no longer good, or we may not use it."
        raise AuthRevoked(words, retry_after_s=RETRY_AFTER_S)
    raise ConnectorError(said, code="refused")
