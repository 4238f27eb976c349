"""Only tracker/clock.py asks the machine what time it is; everything else is handed `now`, with a zone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.sources import Module, modules

THE_CLOCK = "tracker/clock.py"
ASKING = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
NAIVE = {"utcnow", "utcfromtimestamp"}


def test_only_the_clock_asks_what_time_it_is() -> None:
    asked = [f"{module.path}:{line} {what}" for module in modules() for what, line in _asked(module)]
    assert [place for place in asked if not place.startswith(f"{THE_CLOCK}:")] == []


def test_the_clock_asks_with_a_zone() -> None:
    (clock,) = [module for module in modules("tracker") if str(module.path) == THE_CLOCK]
    calls = [
        node
        for node in ast.walk(clock.tree)
        if isinstance(node, ast.Call) and _name(node) == ("datetime", "now")
    ]
    assert calls, "the clock asks nobody?"
    assert all(call.args or call.keywords for call in calls)


def test_nothing_makes_naive_instants() -> None:
    naive = [
        f"{module.path}:{line} {what}"
        for module in modules()
        for what, line in _called(module)
        if what[1] in NAIVE
    ]
    assert naive == []


def _asked(module: Module) -> Iterator[tuple[str, int]]:
    for name, line in _called(module):
        if name in ASKING:
            yield ".".join(name), line


def _called(module: Module) -> Iterator[tuple[tuple[str, str], int]]:
    # `from datetime import datetime as dt` and the like are seen through.
    tree = module.tree
    aliases = {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            owner, attribute = _name(node)
            yield (aliases.get(owner, owner), attribute), node.lineno


def _name(call: ast.Call) -> tuple[str, str]:
    function = call.func
    if not isinstance(function, ast.Attribute):
        return "", ""
    owner = function.value
    if isinstance(owner, ast.Attribute):
        return owner.attr, function.attr
    return (owner.id if isinstance(owner, ast.Name) else ""), function.attr
