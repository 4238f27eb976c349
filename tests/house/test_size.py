"""Files and functions stay short enough to be read at one go, and say what they are for."""

from __future__ import annotations

import ast
import statistics

import pytest

from tests.house.sources import RECORDS, ROOMS, modules

FILE_LINES = 400
FUNCTION_LINES = 60
USUAL_FUNCTION_LINES = 40  # nine functions of ten are shorter


@pytest.mark.parametrize("room", ROOMS)
def test_files_are_short(room: str) -> None:
    lengths = {str(module.path): module.text.count("\n") for module in modules(room)}
    too_long = {path: lines for path, lines in lengths.items() if lines > FILE_LINES and not _is_record(path)}
    assert too_long == {}, f"split these by concept; {FILE_LINES} lines are the limit"


@pytest.mark.parametrize("room", ROOMS)
def test_functions_are_short(room: str) -> None:
    too_long = {name: lines for name, lines in _function_lengths(room).items() if lines > FUNCTION_LINES}
    assert too_long == {}, f"give the steps names; {FUNCTION_LINES} lines are the limit"


def test_most_functions_are_much_shorter() -> None:
    lengths = [lines for room in ROOMS for lines in _function_lengths(room).values()]
    assert statistics.quantiles(lengths, n=10)[-1] < USUAL_FUNCTION_LINES


def test_every_module_says_what_it_is() -> None:
    silent = [str(module.path) for module in modules(*ROOMS, "tests") if not ast.get_docstring(module.tree)]
    assert silent == []


def _function_lengths(room: str) -> dict[str, int]:
    return {
        f"{module.path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules(room)
        if not _is_record(str(module.path))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _is_record(path: str) -> bool:
    return path.startswith(f"{RECORDS}/")
