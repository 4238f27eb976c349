"""Where providers tell that a calendar changed: verified, noted and answered at once.

Asks no provider anything, shows no page, and knows neither cookies nor forms. Whatever is forged, replayed,
unknown or malformed changes nothing and is answered like the rest: nobody learns here what we know.
"""

from collections.abc import Iterator

import msgspec
from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from tracker.services.notices import News, Notice, hear, is_known, name_in
from web import current

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")

GOOGLE_STATES = {"sync": News.HELLO, "exists": News.CHANGED, "not_exists": News.CHANGED}
GRAPH_LIFECYCLE = {
    "reauthorizationRequired": News.ENDING,
    "subscriptionRemoved": News.GONE,
    "missed": News.CHANGED,
}
HIGHEST_NUMBER = 2**63 - 1  # what a column can hold
LONGEST_NAME = 255
LONGEST_TOKEN = 4096


class _Item(msgspec.Struct, rename="camel"):
    """One notification of a subscription; where it lies in the mailbox is not even looked at."""

    subscription_id: str = ""
    client_state: str | None = None
    lifecycle_event: str | None = None


class _Batch(msgspec.Struct):
    value: tuple[_Item, ...] = ()


_batches = msgspec.json.Decoder(_Batch)


@hooks.post("/google")
def google() -> ResponseReturnValue:
    """Take a message of a Google channel: all of it is in the headers."""
    notice = _google_notice()
    if notice is not None:
        hear(current.ports().store, [notice], current.now())
    return Response(status=204)


@hooks.post("/outlook/<name>")
def outlook(name: str) -> ResponseReturnValue:
    """Take a batch of Graph's notifications, of changes and of the subscription's own life alike.

    Graph asks first whether somebody is here, and wants its token back as plain text within ten seconds.
    """
    token = request.args.get("validationToken")
    if token is not None:
        if len(token) > LONGEST_TOKEN or not is_known(current.ports().store, name):
            abort(404)
        return Response(token, mimetype="text/plain")
    hear(current.ports().store, _graph_notices(), current.now())
    return Response(status=202)


def _google_notice() -> Notice | None:
    said = request.headers
    name = _verified(said.get("X-Goog-Channel-Token", ""))
    news = GOOGLE_STATES.get(said.get("X-Goog-Resource-State", ""))
    number = said.get("X-Goog-Message-Number", "")
    if name is None or name != said.get("X-Goog-Channel-ID") or news is None:
        return None
    if not (number.isascii() and number.isdigit() and 0 < int(number[:20]) <= HIGHEST_NUMBER):
        return None
    return Notice(name, said.get("X-Goog-Resource-ID", "")[:LONGEST_NAME], news, int(number[:20]))


def _graph_notices() -> Iterator[Notice]:
    try:
        batch = _batches.decode(request.get_data(cache=False))
    except (msgspec.DecodeError, RecursionError, RequestEntityTooLarge):
        return
    for item in batch.value:
        news = GRAPH_LIFECYCLE.get(item.lifecycle_event) if item.lifecycle_event else News.CHANGED
        name = _verified(item.client_state or "")
        if name is not None and news is not None and "\0" not in item.subscription_id:
            yield Notice(name, item.subscription_id[:LONGEST_NAME], news)


def _verified(mark: str) -> str | None:
    """Return the name of the channel that this mark is of, compared in constant time."""
    return name_in(current.ports().settings.keys, mark)
