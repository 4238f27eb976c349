"""`cadencia doctor` on the schedule, the broker and what waits."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.company import Company, open_company
from tracker.models import (
    Base,
    Endpoint,
    EndpointKind,
    Heartbeat,
    LanePause,
    OutboxMail,
    OutboxState,
    Program,
)
from workers.cli.doctoring import post, work


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = open_company(tmp_path)
    yield made
    made.ports.store.close()


def put(company: Company, *rows: Base) -> None:
    with company.ports.store.write() as db:
        db.add_all(rows)


@pytest.mark.parametrize(("minutes", "is_fine"), [(1, True), (20, False)])
def test_it_tells_when_the_schedule_stands_still(company: Company, minutes: int, is_fine: bool) -> None:
    put(company, Heartbeat(name="reading", ticked_at=company.now - timedelta(minutes=minutes)))
    (finding,) = work.check_schedule(company.ports)
    assert finding.is_fine is is_fine


def test_with_a_broker_it_asks_for_the_beat_and_a_worker(company: Company) -> None:
    put(company, Heartbeat(name="reading", ticked_at=company.now - timedelta(hours=2)))
    settings = dataclasses.replace(company.ports.settings, broker_url="redis://127.0.0.1:1/0")
    (finding,) = work.check_schedule(dataclasses.replace(company.ports, settings=settings))
    assert "Are `cadencia beat` and `cadencia worker` running?" in finding.text


def test_a_schedule_that_never_ran_is_no_problem(company: Company) -> None:
    (finding,) = work.check_schedule(company.ports)
    assert finding.is_fine


def test_it_tells_when_turns_are_given_out_and_nobody_takes_them(company: Company) -> None:
    ended_at = company.now - timedelta(hours=1)
    put(company, Heartbeat(name="reading", ticked_at=company.now, ended_at=ended_at))
    (finding,) = work.check_schedule(company.ports)
    assert not finding.is_fine
    assert "`cadencia worker`" in finding.text


def test_it_names_a_job_that_fails(company: Company) -> None:
    put(company, Heartbeat(name="digests", ticked_at=company.now, failures=3, error="KeyError"))
    (finding,) = work.check_schedule(company.ports)
    assert not finding.is_fine
    assert "digests failed 3 times in a row (KeyError)" in finding.text


def test_it_says_what_waits_and_why(company: Company) -> None:
    later = company.now + timedelta(minutes=5)
    put(company, LanePause(lane="mail", until=later, reason="refused the login"))
    put(company, LanePause(lane="endpoint:1", until=company.now, reason="over"))
    (finding,) = work.check_lanes(company.ports)
    assert "mail waits until" in finding.text
    assert "refused the login" in finding.text


def waiting(company: Company, number: int, **columns: object) -> OutboxMail:
    row = OutboxMail(dedupe_key=f"k{number}", kind="digest", sender="", recipient="ana@x.com", message=b"")
    row.message_id, row.due_at = str(number), company.now + timedelta(hours=1)
    row.created_at = company.now - timedelta(hours=5)
    for name, value in columns.items():
        setattr(row, name, value)
    return row


def test_mail_that_nobody_sends_is_a_question_for_the_schedule(company: Company) -> None:
    put(company, waiting(company, 1))
    (finding, *_) = post.check_outbox(company.ports)
    assert "Is `cadencia up`, or `cadencia worker`, running?" in finding.text


def test_mail_that_its_server_puts_off_is_told_with_the_servers_words(company: Company) -> None:
    put(company, waiting(company, 1, state=OutboxState.RETRY, attempts=7, last_error="451\nlater"))
    (finding, *_) = post.check_outbox(company.ports)
    assert "mail to ana@x.com waits since" in finding.text
    assert finding.text.endswith("after 7 attempts: 451 later")


def test_an_event_that_waits_is_told_as_one(company: Company) -> None:
    program = Program(name="Mentoring", created_at=company.now)
    put(company, program)
    crm = Endpoint(program_id=program.id, name="crm", kind=EndpointKind.WEBHOOK, url="x", events=[])
    crm.told_until = crm.created_at = company.now
    put(company, crm)
    columns = {"recipient": "webhook crm", "state": OutboxState.RETRY, "attempts": 2, "last_error": "503"}
    put(company, waiting(company, 1, endpoint_id=crm.id, **columns))
    (finding, *_) = post.check_outbox(company.ports)
    assert "an event to webhook crm waits since" in finding.text
    assert "running?" not in finding.text


def test_without_a_broker_there_is_nothing_to_ask(company: Company) -> None:
    (finding,) = work.check_broker(company.ports)
    assert finding.is_fine


def test_a_broker_that_is_away_is_told_without_its_password(company: Company) -> None:
    settings = dataclasses.replace(company.ports.settings, broker_url="redis://:s3cret@127.0.0.1:1/0")
    (finding,) = work.check_broker(dataclasses.replace(company.ports, settings=settings))
    assert not finding.is_fine
    assert "s3cret" not in finding.text


def test_a_broker_that_is_there_answers(company: Company, redis_url: str) -> None:
    settings = dataclasses.replace(company.ports.settings, broker_url=redis_url)
    (finding,) = work.check_broker(dataclasses.replace(company.ports, settings=settings))
    assert finding.is_fine
