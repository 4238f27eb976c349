"""The lock files pin everything by hash, name no address, and hold what pyproject.toml asks for."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.house.sources import ROOT, normalised, project

LOCKS = ("requirements.txt", "requirements-dev.txt")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^ ;\\]+)(?P<rest>[^\n]*)$")


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """One requirement of a lock file."""

    name: str
    version: str
    hashes: int


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_by_hash(lock: str) -> None:
    pins = _pins(lock)
    assert len(pins) > 10
    assert [pin.name for pin in pins if pin.hashes == 0] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "://" in line or " @ " in line or line.startswith("-")]
    assert lines == []


def test_developing_uses_the_versions_that_run() -> None:
    running, developing = (
        {(pin.name, pin.version) for pin in _pins("requirements.txt")},
        {(pin.name, pin.version) for pin in _pins("requirements-dev.txt")},
    )
    assert running - developing == set(), "run make lock"


def test_the_locks_hold_what_the_project_asks_for() -> None:
    extras = project()["project"]["optional-dependencies"]
    needed = project()["project"]["dependencies"] + extras["build"]
    running = {pin.name for pin in _pins("requirements.txt")}
    developing = {pin.name for pin in _pins("requirements-dev.txt")}
    assert {_requirement_name(line) for line in needed} - running == set(), "run make lock"
    assert {_requirement_name(line) for line in extras["dev"]} - developing == set(), "run make lock"


def _pins(lock: str) -> list[Pin]:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    pins = []
    for line in lines:
        match = PIN.match(line)
        assert match, f"{lock}: {line[:80]}"
        pins.append(Pin(normalised(match["name"]), match["version"], line.count("--hash=sha256:")))
    return pins


def _requirement_name(line: str) -> str:
    return normalised(re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0])
