"""What is committed stands alone: it names no package index, no machine, and no folder beside it."""

from __future__ import annotations

import importlib.metadata
import re
import stat

import pytest

from tests.house.sources import ROOT, committed_texts, project

# Put together here, so that this file does not name them either.
INDEX_HOSTS = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.",
    "yarn" + "pkg.com",
    "conda" + ".anaconda",
)
MACHINE_PATHS = ("/wor" + "k/", "/ro" + "ot/", "../sha" + "red", "/opt/py" + "pi", "bash_" + "jobs")


@pytest.mark.parametrize("name", INDEX_HOSTS)
def test_no_text_names_a_package_index(name: str) -> None:
    assert _places(name) == []


@pytest.mark.parametrize("name", MACHINE_PATHS)
def test_no_text_names_a_place_on_one_machine(name: str) -> None:
    assert _places(name) == []


def test_the_change_log_has_room_for_what_comes_next() -> None:
    headings = _change_log_headings()
    assert headings[0] == "Unreleased"


def test_the_version_is_the_same_everywhere() -> None:
    version = project()["project"]["version"]
    released = [heading.split("]")[0].strip("[ ") for heading in _change_log_headings()[1:]]
    assert importlib.metadata.version("cadencia") == version, "run make again: the installed project is older"
    assert released == [] or released[0] == version


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert project()["project"]["license"] == "AGPL-3.0-or-later"
    assert (
        "GNU AFFERO GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text(encoding="utf-8").splitlines()[0]
    )


def test_what_ci_runs_can_be_run() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR


def test_command_points_at_a_function() -> None:
    entry_points = importlib.metadata.entry_points(group="console_scripts", name="cadencia")
    assert {point.value for point in entry_points} == {project()["project"]["scripts"]["cadencia"]}
    assert callable(next(iter(entry_points)).load())


def _places(name: str) -> list[str]:
    return [
        f"{path}:{number}"
        for path, text in committed_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if name in line.lower()
    ]


def _change_log_headings() -> list[str]:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return [heading.strip().strip("[]") for heading in re.findall(r"^## (.+)$", text, flags=re.MULTILINE)]
