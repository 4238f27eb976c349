"""`cadencia demo` as people start it."""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tracker.errors import BadSettings
from workers.cli.demo import HOST, choose_port

CADENCIA = (sys.executable, "-c", "from workers.cli import main; main()")
REPO = Path(__file__).parents[3]
PAST = ("--now", "2026-05-05T09:30:00Z")


def run(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CADENCIA, *words],
        cwd=cwd,
        env=_environment(**env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _environment(**env: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPO), "PYTHONUTF8": "1", **env}


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("built")
    # A database that somebody has in their environment is none of the demo's business.
    return folder, run("demo", "--no-serve", *PAST, cwd=folder, CADENCIA_DATABASE_URL="sqlite:///own.sqlite")


def test_it_prints_every_pair_and_where_the_mails_are(
    built: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = built
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("p-") == 24
    assert "Carmen Ibáñez, Álvaro Cortés" in done.stdout
    mails = [folder / line for line in done.stdout.splitlines() if line.endswith(".eml")]
    assert Counter(mail.name.split(".")[0] for mail in mails) == {"digest": 6, "nudge": 1, "invitation": 1}
    assert all(mail.is_file() for mail in mails)
    assert "Traceback" not in done.stderr


def test_it_leaves_the_settings_around_it_alone(
    built: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = built
    assert [path.name for path in folder.iterdir()] == ["demo"]


def test_other_commands_work_in_its_folder(built: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = built
    done = run("ledger", "--format", "json", cwd=folder / "demo")
    assert (done.returncode, done.stdout.count("\n")) == (0, 24)
    checked = run("check", "--pairs", "pairs.csv", *PAST, "--format", "json", cwd=folder / "demo")
    assert checked.stdout.count("\n") == 24


def test_it_touches_no_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("years of work")
    done = run("demo", "--no-serve", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing was touched" in done.stderr
    assert (tmp_path / "demo" / "thesis.txt").is_file()


def test_a_port_that_is_taken_is_wrong_use_and_nothing_is_built(tmp_path: Path) -> None:
    with taken_port() as port:
        done = run("demo", "--port", str(port), cwd=tmp_path)
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
    assert not (tmp_path / "demo").exists()


def test_it_serves_the_site_with_links_that_sign_in(tmp_path: Path) -> None:
    with taken_port() as free:
        pass
    command = [*CADENCIA, "demo", "--port", str(free), *PAST]
    with subprocess.Popen(
        command, cwd=tmp_path, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            links = _links(process)
            assert len(links) == 3
            for link in links:
                with urllib.request.urlopen(link, timeout=30) as page:  # noqa: S310 - our own, on loopback
                    assert page.status == 200
        finally:
            process.terminate()
        assert process.wait(timeout=30) == 0


def _links(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout
    links = []
    for line in process.stdout:
        links += re.findall(r"^Sign in as .*(http://\S+)$", line)
        if line.startswith("The site"):
            return links
    raise AssertionError(process.stderr.read() if process.stderr else "")


def test_the_port_that_is_asked_for_is_taken_only_if_free() -> None:
    with taken_port() as port, pytest.raises(BadSettings, match=f"Port {port} is taken"):
        choose_port(port)


def test_without_a_wish_the_next_free_port_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with taken_port() as port:
        monkeypatch.setattr("workers.cli.demo.PORT", port)
        assert choose_port(None) > port
    assert f"Port {port} is taken" in capsys.readouterr().err
