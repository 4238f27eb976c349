"""The jobs that look after the installation: a ping a minute while all is well, events, housekeeping."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.company import Company, open_company
from tracker.errors import ConnectorError
from tracker.models import AuditEntry, Heartbeat
from tracker.settings import Settings
from workers import jobs


class OneTurn:
    """A turn that remembers whether there was more to do."""

    def __init__(self) -> None:
        self.has_more = False

    def more(self) -> None:
        """Note it."""
        self.has_more = True

    def heed(self, done: int, of: int) -> None:
        """Go on."""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return open_company(tmp_path, monitor_url="https://monitor.example.com/x")


def _ping(company: Company, monkeypatch: pytest.MonkeyPatch, problem: Exception | None = None) -> list[bool]:
    pings: list[bool] = []

    def ping(_settings: Settings, *, is_well: bool) -> None:
        pings.append(is_well)
        if problem:
            raise problem

    monkeypatch.setattr(jobs, "ping_monitor", ping)
    jobs.ping(company.ports, company.now, OneTurn())
    company.ports.store.close()
    return pings


def test_the_monitor_hears_that_the_schedule_ticks(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with company.ports.store.write() as db:
        db.add(Heartbeat(name="reading", ticked_at=company.now))
    assert _ping(company, monkeypatch) == [True]


def test_the_monitor_hears_when_it_does_not(
    company: Company, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert _ping(company, monkeypatch) == [False]
    assert "the schedule stands still" in caplog.text


def test_a_monitor_that_is_away_is_no_failure_of_ours(
    company: Company, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert _ping(company, monkeypatch, ConnectorError("no answer")) == [False]
    assert "no answer" in caplog.text


def test_housekeeping_is_one_of_the_jobs(company: Company) -> None:
    old = company.now - timedelta(days=800)
    with company.ports.store.write() as db:
        db.add(AuditEntry(at=old, via="site", act="a", subject="s"))
    turn = OneTurn()
    jobs.tidy_up(company.ports, company.now, turn)
    with company.ports.store.read() as db:
        assert db.query(AuditEntry).count() == 0
    assert not turn.has_more
    assert {"housekeeping", "endpoints", "monitor"} <= {job.name for job in jobs.JOBS}
    company.ports.store.close()
