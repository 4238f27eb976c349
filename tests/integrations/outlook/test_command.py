"""From the settings to the sessions of an Outlook calendar, as an administrator tries it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from integrations.outlook import errors
from tests.fakes.graph.login import TENANT, client_certificate
from tests.integrations.outlook.conftest import ANA, MONDAY, WEEK, Reading, event, series
from tracker.problems import PROBLEMS
from workers.cli.calendars import calendars


@pytest.fixture(autouse=True)
def _set_up(ana: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "microsoft.pem").write_text(client_certificate(), encoding="ascii")
    for name, value in {
        "MICROSOFT_TENANT": TENANT,
        "MICROSOFT_CLIENT_ID": ana.graph.desk.client_id,
        "MICROSOFT_CLIENT_CERTIFICATE_FILE": str(tmp_path / "microsoft.pem"),
        "MICROSOFT_AUTHORITY": ana.graph.root,
        "GRAPH_ROOT": ana.graph.root,
        "CA_BUNDLE": str(ana.graph.certificate),
    }.items():
        monkeypatch.setenv("CADENCIA_" + name, value)


def read(*arguments: str) -> Result:
    window = ("--from", "2026-03-01", "--to", "2026-04-01", "--timezone", "UTC", "--format", "json")
    return CliRunner().invoke(calendars, ["read", f"outlook:{ANA}", *window, *arguments])


def test_sessions_are_shown_without_their_titles(ana: Reading) -> None:
    ana.box.put(event("a", subject="#mentoring about my salary"))
    ana.box.put(event("b", subject="Dentist"))
    ana.box.put(*series("s", [MONDAY + WEEK, MONDAY + 2 * WEEK]))
    result = read()
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e["start"] for e in lines] == [
        "2026-03-02T10:00:00Z",
        "2026-03-09T10:00:00Z",
        "2026-03-16T10:00:00Z",
    ]
    assert "salary" not in result.output


def test_everything_is_shown_where_it_is_asked_for(ana: Reading) -> None:
    ana.box.put(event("b", subject="Dentist"))
    assert len(read("--untagged").stdout.splitlines()) == 1


def test_whatever_microsoft_refuses_has_words_for_the_doctor() -> None:
    codes = {code for _, code in [*errors._GRANTS.values(), *errors._CONSENTS.values()]}
    for path in Path(errors.__file__).parent.glob("*.py"):
        codes |= set(re.findall(r'code="([a-z_]+)"', path.read_text("utf-8")))
    assert {"wrong_tenant", "secret_expired", "no_account", "token_refused"} <= codes
    assert codes - PROBLEMS.keys() == set()
