"""A name for each request, in its answer and in every line that is logged meanwhile.

Logs which endpoint was asked, never the address: addresses hold tokens, and what people searched for.
"""

import logging
import re
import secrets
import time
from contextlib import AbstractContextManager

from flask import Flask, Response, g, request

from tracker.logs import FIELDS, logged_as

HEADER = "X-Request-ID"
# What a proxy of ours may name a request; anything else could forge lines of the log.
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")

_log = logging.getLogger(__name__)


def trace(app: Flask) -> None:
    """Name each request, and log how it ended."""
    app.before_request(_begin)
    app.after_request(_note)
    app.teardown_request(_end)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _SANE.fullmatch(given) else secrets.token_hex(8)
    g.began_s = time.monotonic()
    naming: AbstractContextManager[None] = logged_as(request=g.request_id)
    naming.__enter__()
    g.naming = naming


def _note(response: Response) -> Response:
    if "request_id" in g:
        response.headers[HEADER] = g.request_id
        took_ms = round((time.monotonic() - g.began_s) * 1000, 1)
        fields = {
            "endpoint": request.endpoint or "-",
            "method": request.method,
            "status": response.status_code,
            "ms": took_ms,
        }
        _log.info("answered", extra={FIELDS: fields})
    return response


def _end(_error: BaseException | None) -> None:
    naming: AbstractContextManager[None] | None = g.pop("naming", None)
    if naming:
        naming.__exit__(None, None, None)
