"""The example of docs/ledger.md comes out as the page says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracker.ledger import decode_evidence, encode_ledger, judge

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()


def example(start: str) -> str:
    """Give the indented block of the page that begins so, without what it leaves out."""
    block = PAGE[PAGE.index(f"    {start}") :].split("\n\n")[0]
    return block.replace(", ...", "")


def test_it_gives_the_ledger_that_the_page_shows() -> None:
    evidence = decode_evidence(example('{"pair": "p-17", "timezone"'))
    shown: dict[str, Any] = json.loads(example('{"pair": "p-17", "now"'))
    ledger = json.loads(encode_ledger(judge(evidence, now=evidence.now)))  # type: ignore[arg-type]
    for key in ("periods", "sessions"):
        ledger[key] = ledger[key][:1]
    assert ledger == shown
    assert list(ledger) == list(shown)
