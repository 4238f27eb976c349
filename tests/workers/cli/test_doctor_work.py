"""`cadencia doctor` on the schedule, the broker and what waits."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.company import Company, open_company
from tracker.models import Base, Heartbeat, LanePause
from workers.cli.doctoring import work


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
