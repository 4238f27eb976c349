"""A name for each request, in its answer and its log, and no address in either."""

import logging

import pytest
from flask import Flask

from tracker.logs import FIELDS


def test_each_request_has_a_name_of_its_own(app: Flask) -> None:
    first, second = (app.test_client().get("/live").headers["X-Request-ID"] for _ in range(2))
    assert first != second


def test_a_name_that_a_proxy_gave_is_kept(app: Flask) -> None:
    answer = app.test_client().get("/live", headers={"X-Request-ID": "abc-123.def_4567"})
    assert answer.headers["X-Request-ID"] == "abc-123.def_4567"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, 'a"}, {"level": "error', "with space here", "ñandúñandú"]
)
def test_a_name_that_could_forge_a_line_is_not(app: Flask, given: str) -> None:
    answer = app.test_client().get("/live", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given


def test_what_was_asked_is_logged_without_its_address(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    app.test_client().get("/sign-in/very-secret-token?next=/pairs")
    (record,) = (r for r in caplog.records if r.name == "web.tracing")
    fields = getattr(record, FIELDS)
    assert {k: fields[k] for k in ("endpoint", "method", "status")} == {
        "endpoint": "auth.link",
        "method": "GET",
        "status": 410,
    }
    assert "very-secret-token" not in f"{caplog.text}{fields}"
