"""The pages in docs/ name every command and every setting that there is."""

import re
from pathlib import Path

import pytest

from tracker.settings import NAMES, PREFIX
from workers.cli import COMMANDS

REPO = Path(__file__).parents[3]


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_explained(name: str) -> None:
    assert re.search(rf"`{PREFIX}{name}(_FILE)?`", (REPO / "docs/settings.md").read_text())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained(command: str) -> None:
    assert f"cadencia {command}" in (REPO / "docs/commands.md").read_text()
