"""The arithmetic in the documentation, of requests and of rows, is that of the code."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import growth
from tests.benchmarks.arithmetic import table

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
OPERATIONS = PAGE.with_name("operations.md")


def test_the_table_of_requests_follows_from_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [line for line in table() if line not in page]
    assert missing == [], "run tests/benchmarks/arithmetic.py and put its table into docs/performance.md"


def test_the_rows_that_a_year_leaves_are_those_that_a_simulated_year_is_held_against() -> None:
    page = OPERATIONS.read_text(encoding="utf-8").splitlines()
    missing = [line for line in growth.table() if line not in page]
    assert missing == [], "run tests/benchmarks/growth.py and put its lines into docs/operations.md"
