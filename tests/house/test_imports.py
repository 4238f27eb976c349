"""Who may import whom, and that what is imported is what is declared."""

from __future__ import annotations

import functools
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

from tests.house.sources import ROOMS, ROOT, modules, normalised, project

# The whole of what the ledger may use besides itself: it computes, and touches nothing.
LEDGER_THIRD_PARTY = {"dateutil", "msgspec", "tzdata"}
LEDGER_OURS = ("tracker.ledger", "tracker.errors")
OUTSIDE_WORLD = {
    "asyncio", "ftplib", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets",
    "select", "shutil", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading",
    "time", "urllib", "uuid",
}  # fmt: skip

# Needed, and never imported by name.
UNIMPORTED = {
    "psycopg": "the database driver, named in the database's URL",
    "tzdata": "zoneinfo finds it",
}
# Imported, and a part of something declared.
CARRIED_BY = {"werkzeug": "flask", "markupsafe": "jinja2"}


def test_the_rooms_keep_to_their_contracts() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_ledger_touches_nothing() -> None:
    ledger = [module for module in modules("tracker") if module.path.is_relative_to("tracker/ledger")]
    assert ledger
    reached = [
        f"{module.path}:{line} {name}"
        for module in ledger
        for name, line in module.imports()
        if not _is_pure(name)
    ]
    assert reached == []


def test_every_dependency_is_used() -> None:
    imported = {name.split(".")[0] for module in modules() for name, _ in module.imports()}
    used = {normalised(name) for top in imported for name in _distributions().get(top, [])}
    declared = _declared()
    assert declared - used - UNIMPORTED.keys() == set(), "declared in pyproject.toml and imported nowhere"


def test_every_import_is_declared() -> None:
    allowed = _declared() | {carried for carried, by in CARRIED_BY.items() if by in _declared()}
    undeclared = {
        f"{module.path}:{line} {name}"
        for module in modules()
        for name, line in module.imports()
        if (top := name.split(".")[0]) not in sys.stdlib_module_names
        and top not in ROOMS
        and not {normalised(owner) for owner in _distributions().get(top, [])} & allowed
    }
    assert undeclared == set()


def test_exceptions_are_still_needed() -> None:
    assert UNIMPORTED.keys() <= _declared()


def _is_pure(name: str) -> bool:
    top = name.split(".")[0]
    if top in ROOMS:
        return name.startswith(LEDGER_OURS)
    return top in LEDGER_THIRD_PARTY or (top in sys.stdlib_module_names and top not in OUTSIDE_WORLD)


def _declared() -> set[str]:
    lines: list[str] = project()["project"]["dependencies"]
    return {normalised(re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0]) for line in lines}


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
