"""Lines of the log: what they belong to, and nothing of what an error says."""

import json
import logging

import pytest

from tracker import logs
from tracker.logs import FIELDS, logged_as


def lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return capfd.readouterr().err.splitlines()


def test_a_line_of_json_tells_what_it_belongs_to(capfd: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    with logged_as(run="r1", job="reading"), logged_as(request="q1"):
        logging.getLogger("here").warning("a %s", "word", extra={FIELDS: {"status": 200}})
    logging.getLogger("here").info("after")
    first, second = (json.loads(line) for line in lines(capfd))
    assert {k: first[k] for k in first if k != "at"} == {
        "level": "warning",
        "logger": "here",
        "message": "a word",
        "run": "r1",
        "job": "reading",
        "request": "q1",
        "status": 200,
    }
    assert first["at"].endswith("+00:00")
    assert "run" not in second


def test_a_line_of_json_stays_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    logging.getLogger("here").info('two\nlines "quoted"')
    (line,) = lines(capfd)
    assert json.loads(line)["message"] == 'two\nlines "quoted"'


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_an_error_says_is_not_logged(capfd: pytest.CaptureFixture[str], form: str) -> None:
    logs.set_up(form)
    try:
        raise ValueError("https://calendar.example.com/secret")
    except ValueError:
        logging.getLogger("here").exception("it failed")
    told = "\n".join(lines(capfd))
    assert "secret" not in told
    assert "ValueError" in told
    assert "test_logs.py" in told


def test_a_line_for_people_has_its_fields_at_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    logs.set_up("text")
    with logged_as(request="q1"):
        logging.getLogger("here").info("answered", extra={FIELDS: {"status": 404}})
    assert lines(capfd)[0].endswith("INFO here: answered request=q1 status=404")
