"""What is told to whoever watches over the installation, and to whom nothing is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from tests.web.company import Company, Duo, open_company
from tracker.models import Heartbeat

STRANGER = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture
def ticking(company: Company) -> Company:
    with company.ports.store.write() as db:
        db.add(Heartbeat(name="reading", ticked_at=company.now, ended_at=company.now))
    return company


@contextmanager
def site(folder: Path, **settings: Any) -> Iterator[FlaskClient]:
    company = open_company(folder, **settings)
    app = company.app()
    app.testing = True
    yield app.test_client()
    company.ports.store.close()


def test_it_is_ready_with_a_database_of_this_version(app: Flask) -> None:
    answer = app.test_client().get("/ready", environ_overrides=STRANGER)
    assert (answer.status_code, answer.json) == (200, {"ready": True})


def _other_version(company: Company) -> None:
    with company.ports.store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def _gone(company: Company) -> None:
    company.ports.store.close()
    Path(company.ports.settings.database_url.removeprefix("sqlite:///")).unlink()


@pytest.mark.parametrize("harm", [_other_version, _gone])
def test_it_is_not_ready_without_and_does_not_say_why(
    company: Company, app: Flask, harm: Callable[[Company], None]
) -> None:
    harm(company)
    answer = app.test_client().get("/ready")
    assert (answer.status_code, answer.json) == (503, {"ready": False})


def test_health_tells_this_machine_how_it_is(ticking: Company, app: Flask) -> None:
    answer = app.test_client().get("/health")
    told: Any = answer.json
    assert (answer.status_code, told["healthy"], told["ills"]) == (200, True, [])
    assert told["jobs"]["reading"]["failures"] == 0
    assert told["outbox"]["dead_letters"] == 0


def test_what_is_ill_is_a_503(app: Flask) -> None:
    answer = app.test_client().get("/health")
    told: Any = answer.json
    assert (answer.status_code, told["ills"]) == (503, ["the schedule stands still"])


def test_prometheus_reads_the_figures(ticking: Company, duo: Duo, app: Flask) -> None:
    answer = app.test_client().get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["cadencia_healthy"].samples[0].value == 1
    assert families["cadencia_calendars"].samples[0].value == 2
    assert families["cadencia_watermark_age_seconds"].samples[0].value == 3600
    assert families["cadencia_pairs_due"].samples[0].value == 1
    (tick,) = families["cadencia_job_tick_age_seconds"].samples
    assert tick.labels == {"job": "reading"}


def test_no_label_names_a_person(ticking: Company, duo: Duo, app: Flask) -> None:
    for place in ("/metrics", "/health"):
        told = app.test_client().get(place).text
        for word in (duo.mentor.email, "Ana", "Ruiz", "Mentoring", "example.com"):
            assert word not in told


@pytest.mark.parametrize("place", ["/health", "/metrics"])
def test_strangers_are_told_nothing(app: Flask, place: str) -> None:
    assert app.test_client().get(place, environ_overrides=STRANGER).status_code == 404


@pytest.mark.parametrize("place", ["/health", "/metrics"])
def test_with_a_token_it_is_the_token_that_counts(tmp_path: Path, place: str) -> None:
    with site(tmp_path, metrics_token="s3cret") as client:
        for given in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer s3crét"}):
            assert client.get(place, headers=given).status_code == 404
        right = {"Authorization": "Bearer s3cret"}
        assert client.get(place, headers=right, environ_overrides=STRANGER).status_code in (200, 503)


@pytest.mark.parametrize(("proxies", "status"), [(0, 404), (1, 503)])
def test_behind_a_proxy_that_is_not_declared_nobody_is_this_machine(
    tmp_path: Path, proxies: int, status: int
) -> None:
    with site(tmp_path, base_url="https://c.example.com", proxies=proxies) as client:
        assert client.get("/health", base_url="https://c.example.com").status_code == status


def test_a_proxy_does_not_lend_its_address(tmp_path: Path) -> None:
    with site(tmp_path, base_url="https://c.example.com", proxies=1) as client:
        headers = {"X-Forwarded-For": "203.0.113.7"}
        assert client.get("/health", headers=headers).status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
@pytest.mark.parametrize("settings", [{}, {"base_url": "https://c.example.com", "proxies": 2}])
def test_what_a_proxy_passed_on_is_never_this_machine(
    tmp_path: Path, settings: dict[str, Any], header: str
) -> None:
    # Plain http behind a proxy that was not declared, or one proxy passed by where two were declared.
    with site(tmp_path, **settings) as client:
        for place in ("/health", "/metrics"):
            assert client.get(place, headers={header: "127.0.0.1"}).status_code == 404
