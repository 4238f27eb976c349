"""The request arithmetic in the documentation is that of the code."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.arithmetic import table

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def test_the_table_of_requests_follows_from_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [line for line in table() if line not in page]
    assert missing == [], "run tests/benchmarks/arithmetic.py and put its table into docs/performance.md"
